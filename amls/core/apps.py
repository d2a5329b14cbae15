"""What every page needs and no model of the domain knows."""

from django.apps import AppConfig
from django.core.checks import register

from amls.core.checks import check_pdf_libraries
from amls.core.hooks import discover
from amls.core.years import use_calendar_years


class CoreConfig(AppConfig):
    """Middleware, hooks, local time, clean text, bounds."""

    name = "amls.core"

    def ready(self) -> None:
        """Register the checks of this machine and how years are compared, and find what the apps contribute to hooks."""
        register(check_pdf_libraries)
        use_calendar_years()
        discover()
