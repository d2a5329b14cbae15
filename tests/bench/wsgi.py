"""The site as it is served, with the bare view beside it."""

from django.conf import settings

from amls.wsgi import application

settings.ROOT_URLCONF = "tests.bench.urls"

__all__ = ["application"]
