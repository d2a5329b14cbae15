"""Points that add up, and rules that are built from blocks and explain themselves."""

from django.apps import AppConfig


class GradingConfig(AppConfig):
    """Points that add up, and rules that are built from blocks and explain themselves."""

    name = "amls.grading"
