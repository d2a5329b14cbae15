"""Checking and serving files."""

from django.apps import AppConfig

from amls.files.rows import follow_deletions


class FilesConfig(AppConfig):
    """Upload checks and downloads with ranges, for every app that keeps files."""

    name = "amls.files"

    def ready(self) -> None:
        """Let stored files go with their rows."""
        follow_deletions()
