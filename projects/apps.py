"""Projects of a course."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ProjectsConfig(AppConfig):
    """Projects, with what they give to the agenda."""

    name = "projects"
    verbose_name = _("Projects")
