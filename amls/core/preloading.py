"""What the processes that are made of one have in common: what it has loaded before is there once."""

import gc

from django.conf import settings
from django.urls import reverse
from django.utils import translation


def load_in_common() -> None:
    """Load the texts and the table of addresses in each language, which every request and every mail asks for."""
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            reverse(settings.LOGIN_URL)


# A page of many rows makes tens of thousands of objects that stay until it is sent. Python looks through all that are new
# after each 700: a quarter of the time of a gradebook of 600 people went by with that, and a fifth of a worker's start.
_COLLECT_AFTER = 20_000


def collect_seldom() -> None:
    """Keep the collector from looking too often through what is new."""
    gc.set_threshold(_COLLECT_AFTER)


def keep_what_is_loaded() -> None:
    """Keep the collector from looking through what is loaded, which stays.

    Call it before processes are made of this one: what the collector has written to is copied for each of them. It doesn't
    collect before, as each of them would fill the holes in pages of memory that it leaves. What was kept once is enough.
    """
    if gc.get_freeze_count() == 0:
        gc.freeze()
