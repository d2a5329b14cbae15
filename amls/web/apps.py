"""What every page needs and no model of the domain knows."""

from django.apps import AppConfig
from django.core.checks import register

from amls.web.checks import check_pdf_libraries
from amls.web.years import use_calendar_years


class WebConfig(AppConfig):
    """Middleware, page cache, local time, clean text, bounds."""

    name = "amls.web"

    def ready(self) -> None:
        """Register the checks of this machine, and how years are compared."""
        register(check_pdf_libraries)
        use_calendar_years()
