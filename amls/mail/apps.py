"""Mail to people: the outbox and its delivery."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MailConfig(AppConfig):
    """Notices, and their delivery by mail."""

    name = "amls.mail"
    verbose_name = _("Mail")
