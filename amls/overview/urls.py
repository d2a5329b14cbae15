"""Addresses of what joins the apps: the courses, a course's home, staff pages, legal pages."""

from django.urls import URLPattern, URLResolver, path

from amls.overview import health

app_name = "overview"
urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
