"""Addresses of feeds and of the schedule."""

from django.urls import path

from amls.agenda.views import feeds, schedule, subscribe

app_name = "agenda"
urlpatterns = [
    path("calendar/<str:token>.ics", feeds.personal_feed, name="personal_feed"),
    path("<slug:slug>/calendar.ics", feeds.public_feed, name="public_feed"),
    path("<slug:slug>/schedule/", schedule.schedule, name="schedule"),
    path("<slug:slug>/subscribe/", subscribe.subscribe, name="subscribe"),
    path("<slug:slug>/me/feed/renew/", subscribe.renew, name="renew_feed"),
]
