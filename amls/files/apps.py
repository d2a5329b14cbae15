"""Checking and serving files."""

from django.apps import AppConfig


class FilesConfig(AppConfig):
    """Upload checks and downloads with ranges, for every app that keeps files."""

    name = "amls.files"
