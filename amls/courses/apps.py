"""People and courses."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class CoursesConfig(AppConfig):
    """User, Course, StaffMember, Enrolment; who may do what."""

    default = True
    name = "amls.courses"
    verbose_name = _("Courses")

    def ready(self) -> None:
        """Connect the signals of accounts."""
        autodiscover_modules("accounts", "accountlog", "departures", "eligibility", "personal")


class DeskConfig(admin_apps.AdminConfig):
    """The admin, as the staff's desk."""

    default = False
    default_site = "amls.courses.desk.DeskSite"
