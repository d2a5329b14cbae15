"""The addresses of the site."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
    path("", include("amls.mail.urls")),
    path("", include("amls.exports.urls")),
    path("", include("amls.agenda.urls")),
    path("", include("lectures.urls")),
    path("", include("exams.urls")),
    path("", include("projects.urls")),
    path("", include("amls.portal.urls")),
]
