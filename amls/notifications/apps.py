"""Mail to people: the outbox and its delivery."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class NotificationsConfig(AppConfig):
    """Notices, and their delivery by mail."""

    name = "amls.notifications"
    verbose_name = _("Notifications")

    def ready(self) -> None:
        """Find the modules in which the apps above say how their letters read."""
        autodiscover_modules("letters", "reminders", "changes", "announcements", "materials", "audiences", "staffmail")
