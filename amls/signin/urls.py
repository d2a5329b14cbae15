"""What is the same for all providers."""

from django.urls import path

from amls.signin import leaving, views

app_name = "signin"
urlpatterns = [
    path("accounts/join/", views.join, name="join"),
    path("accounts/leaving/", leaving.leaving, name="leaving"),
]
