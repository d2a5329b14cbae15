"""The shared ledger of everything dated."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AgendaConfig(AppConfig):
    """Agenda items and feeds."""

    name = "amls.agenda"
    verbose_name = _("Agenda")
