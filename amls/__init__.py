"""AMLS: course management for a university chair."""

from amls.celery import app as celery_app

__all__ = ["celery_app"]
