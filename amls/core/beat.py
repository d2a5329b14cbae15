"""Celery's beat, which rings for tasks by their names: it needs neither them nor the apps, half of what a worker loads."""

import socket
import warnings

from celery.apps.beat import Beat as CeleryBeat
from django.conf import settings

from amls.core.logs import configure
from amls.core.pulse import SignsOfLife


class Beat(CeleryBeat):
    """Sends what is due, and says that it lives."""

    def run(self) -> None:
        """Ring until somebody ends it."""
        configure(settings.LOGGING)
        # Django takes a process without apps for one that is still loading them.
        warnings.filterwarnings("ignore", "Accessing the database during app initialization", RuntimeWarning)
        signs = SignsOfLife(name=f"beat@{socket.gethostname()}", queues=[])
        signs.start()
        try:
            super().run()
        finally:
            signs.end()

    def init_loader(self) -> None:
        """Load no modules of tasks, nor Django's apps before them."""
