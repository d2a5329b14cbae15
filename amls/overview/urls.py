"""Addresses of what joins the apps: the courses, a course's home, staff pages, legal pages."""

from django.urls import URLPattern, URLResolver

app_name = "overview"
urlpatterns: list[URLPattern | URLResolver] = []
