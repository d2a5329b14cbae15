"""Addresses of lectures and their materials."""

from django.urls import URLPattern, URLResolver

app_name = "lectures"
urlpatterns: list[URLPattern | URLResolver] = []
