"""People and courses."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CoursesConfig(AppConfig):
    """User, Course, StaffMember, Enrolment; who may do what."""

    name = "amls.courses"
    verbose_name = _("Courses")

    def ready(self) -> None:
        """Connect the signals of accounts."""
        for module in ("accounts", "account_log"):
            import_module(f"amls.courses.{module}")
