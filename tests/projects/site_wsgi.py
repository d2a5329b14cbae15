"""The site as granian serves it, on the database of a test."""

import os

from django.conf import settings

from amls.wsgi import application

settings.DATABASES["default"]["NAME"] = os.environ["TEST_DATABASE"]
settings.STORAGES = {
    **settings.STORAGES,
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

__all__ = ["application"]
