"""The Celery application; the broker is a doorbell, the database is the truth."""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging

from amls.core.filequeue import install

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "amls.settings")

install()


class TaskApp(Celery):
    """The site, as workers, beat and whoever rings for them know it."""

    @property
    def Beat(self) -> Any:  # noqa: N802 - Celery's name
        """What `celery beat` runs."""
        return self.subclass_with_self("amls.core.beat:Beat")  # type: ignore[arg-type] # it takes names, too


app = TaskApp("amls")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def _log_as_settings_say(**_kwargs: Any) -> None:
    """Keep Celery from putting its own logging in the place of Django's: workers write one line per mail and export."""
