"""What the worker does for lectures: reading files, and writing down counts."""

from celery import shared_task

from amls.core import clock
from lectures.counts import flush_counts
from lectures.services.extraction import EXTRACTIONS, adopt_files, align_languages, extract_next


@shared_task
def extract() -> int:
    """Read files until none waits; return how many were read.

    Rung after an upload, and swept by beat in any case.
    """
    adopt_files(now=clock.now())
    align_languages()
    return EXTRACTIONS.work_off(extract_next)


@shared_task
def flush_material_counts() -> int:
    """Write down what the cache counted of downloads and recordings; return how many rows changed."""
    return flush_counts(now=clock.now())
