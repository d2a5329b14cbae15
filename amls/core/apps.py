"""What every page needs and no model of the domain knows."""

from django.apps import AppConfig
from django.core.checks import Tags, register

from amls.core.checks import check_front_stamp, check_pdf_libraries
from amls.core.hooks import discover
from amls.core.years import use_calendar_years


class CoreConfig(AppConfig):
    """Middleware, hooks, local time, clean text, bounds."""

    name = "amls.core"

    def ready(self) -> None:
        """Register our checks and how years are compared, and find what the apps contribute to hooks."""
        register(check_pdf_libraries)
        register(check_front_stamp, Tags.security, deploy=True)
        use_calendar_years()
        discover()
