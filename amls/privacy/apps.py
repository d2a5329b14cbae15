"""What is known of people, for how long, and how it is forgotten."""

from django.apps import AppConfig


class PrivacyConfig(AppConfig):
    """What is known of people, for how long, and how it is forgotten."""

    name = "amls.privacy"
