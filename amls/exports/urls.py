"""Addresses of exports."""

from django.urls import path

from amls.exports.views import jobs

app_name = "exports"
urlpatterns = [
    path("exports/", jobs.mine, name="mine"),
    path("exports/<uuid:pk>/", jobs.show, name="export"),
    path("exports/<uuid:pk>/retry/", jobs.retry, name="retry"),
    path("exports/<uuid:pk>/<path:filename>", jobs.download, name="download"),
]
