"""What joins the sibling apps."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PortalConfig(AppConfig):
    """Course home, my course, gradebook, course files, roll-over, demo data, legal pages."""

    name = "amls.portal"
    verbose_name = _("Site")
