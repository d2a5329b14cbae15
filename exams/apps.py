"""Exams of a course."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ExamsConfig(AppConfig):
    """Exams, with what they give to the agenda."""

    name = "exams"
    verbose_name = _("Exams")
