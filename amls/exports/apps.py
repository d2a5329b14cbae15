"""Files made in the background: PDF, tables, calendars, archives."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ExportsConfig(AppConfig):
    """Exports as background jobs; the apps contribute what can be exported."""

    name = "amls.exports"
    verbose_name = _("Exports")
