"""Exams of a course."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class ExamsConfig(AppConfig):
    """Exams, with what they give to the agenda."""

    name = "exams"
    verbose_name = _("Exams")

    def ready(self) -> None:
        """Connect what follows a change of a course, whoever makes it."""
        autodiscover_modules("following")
