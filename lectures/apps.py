"""Lectures of a course."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LecturesConfig(AppConfig):
    """Lectures, with what they give to the agenda."""

    name = "lectures"
    verbose_name = _("Lectures")
