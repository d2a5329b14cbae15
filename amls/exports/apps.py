"""Files made in the background: PDF, tables, calendars, archives."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class ExportsConfig(AppConfig):
    """Exports as background jobs; the apps register what can be exported."""

    name = "amls.exports"
    verbose_name = _("Exports")

    def ready(self) -> None:
        """Find the modules in which the apps register their kinds of exports."""
        autodiscover_modules("exports")
