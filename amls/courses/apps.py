"""People and courses."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CoursesConfig(AppConfig):
    """User, Course, StaffMember, Enrolment; who may do what."""

    name = "amls.courses"
    verbose_name = _("Courses")
