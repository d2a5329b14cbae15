"""What every page needs and no model knows."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    """Middleware, page cache, local time, clean text."""

    name = "amls.web"
