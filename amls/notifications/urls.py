"""Addresses of what people get by mail."""

from django.urls import path

from amls.notifications.views import mine, unsubscribe

app_name = "notifications"
urlpatterns = [
    path("unsubscribe/<str:token>/", unsubscribe.unsubscribe, name="unsubscribe"),
    path("<slug:slug>/me/mail/", mine.mine, name="mine"),
]
