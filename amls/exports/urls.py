"""Addresses of exports."""

from django.urls import path

from amls.exports.views import data, jobs

app_name = "exports"
urlpatterns = [
    path("accounts/data/", data.mine, name="data"),
    path("accounts/data/archive.zip", data.archive, name="archive"),
    path("accounts/data/delete/", data.delete, name="delete_account"),
    path("exports/", jobs.mine, name="mine"),
    path("exports/<uuid:pk>/", jobs.show, name="export"),
    path("exports/<uuid:pk>/retry/", jobs.retry, name="retry"),
    path("exports/<uuid:pk>/<path:filename>", jobs.download, name="download"),
]
