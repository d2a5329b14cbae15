"""Addresses of what people get by mail."""

from django.urls import path

from amls.mail.views import mine, push, staff, unsubscribe

app_name = "mail"
urlpatterns = [
    path("unsubscribe/<str:token>/", unsubscribe.unsubscribe, name="unsubscribe"),
    path("notices/", push.add, name="push_add"),
    path("notices/<int:pk>/remove/", push.remove, name="push_remove"),
    path("<slug:slug>/staff/mail/", staff.mail, name="staff"),
    path("<slug:slug>/staff/mail/rules/<int:pk>/", staff.pause, name="pause"),
    path("<slug:slug>/staff/mail/<slug:kind>/<slug:ref>/", staff.show, name="preview"),
    path("<slug:slug>/staff/mail/<slug:kind>/<slug:ref>/test/", staff.send_test, name="send_test"),
    path("<slug:slug>/me/mail/", mine.mine, name="mine"),
]
