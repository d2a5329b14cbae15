"""What the worker does for lectures: reading files, and writing down counts."""

import time

from celery import shared_task
from django.utils import timezone

from lectures.counts import flush_counts
from lectures.services.extraction import adopt_files, align_languages, extract_next

# Below the limit on a task's time, so that a long queue never ends in the middle of a file.
_ROUND_SECONDS = 1200


@shared_task
def extract() -> int:
    """Read files until none waits; return how many were read.

    Rung after an upload, and swept by beat in any case.
    """
    adopt_files(now=timezone.now())
    align_languages()
    count, started = 0, time.monotonic()
    while time.monotonic() - started < _ROUND_SECONDS and extract_next(now=timezone.now()):
        count += 1
    return count


@shared_task
def flush_material_counts() -> int:
    """Write down what the cache counted of downloads and recordings; return how many rows changed."""
    return flush_counts(now=timezone.now())
