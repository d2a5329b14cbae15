"""What joins the sibling apps."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OverviewConfig(AppConfig):
    """Course home, course files, roll-over, demo data, legal pages."""

    name = "amls.overview"
    verbose_name = _("Overview")
