"""What the processes that are made of one have in common: what it has loaded before is there once."""

from django.conf import settings
from django.urls import reverse
from django.utils import translation


def load_in_common() -> None:
    """Load the texts and the table of addresses in each language, which every request and every mail asks for."""
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            reverse(settings.LOGIN_URL)
