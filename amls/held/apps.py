"""What waits a few minutes before it is done, so that it can be taken back."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class HeldConfig(AppConfig):
    """Acts that tell many people, or can't be undone; the apps contribute how each is done."""

    name = "amls.held"
    verbose_name = _("Held back")
