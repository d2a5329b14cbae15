"""What every page needs and no model knows."""

from django.apps import AppConfig
from django.core.checks import register

from amls.web.checks import check_pdf_libraries


class WebConfig(AppConfig):
    """Middleware, page cache, local time, clean text."""

    name = "amls.web"

    def ready(self) -> None:
        """Register the checks of this machine."""
        register(check_pdf_libraries)
