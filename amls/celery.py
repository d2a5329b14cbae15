"""The Celery application; the broker is a doorbell, the database is the truth."""

import os

from celery import Celery

from amls.filequeue import install

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "amls.settings")

install()
app = Celery("amls")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
