"""The Celery application; the broker is a doorbell, the database is the truth."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "amls.settings")

app = Celery("amls")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
