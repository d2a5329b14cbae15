"""The shared ledger of everything dated."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class AgendaConfig(AppConfig):
    """Agenda items, feeds, and the registration of what the other apps know."""

    name = "amls.agenda"
    verbose_name = _("Agenda")

    def ready(self) -> None:
        """Find the modules by which the apps above register themselves."""
        autodiscover_modules("agenda", "boundaries")
