"""What beat sees to for the whole site, and what the worker does for courses that are being brought in."""

from celery import shared_task

from amls.core import clock
from amls.core.temporary import sweep
from amls.files.rollcall import look_for_files
from amls.portal.strays import report_strays
from amls.portal.takeover.drafts import fetch_next
from amls.portal.takeover.fetching import fetch
from amls.portal.takeover.queues import FETCHES, UPSTREAMS
from amls.portal.takeover.sourcerows import CourseSource
from amls.portal.takeover.sources import read_source
from amls.portal.takeover.upstream import read_next


@shared_task
def look_for_strays() -> int:
    """Tell those who run the site of files without rows and rows without files; return how many there are."""
    return report_strays(now=clock.now())


@shared_task
def sweep_temporary_files() -> int:
    """Delete the temporary files of programs and processes that were killed; return how many things."""
    return sweep()


@shared_task
def look_for_missing_files() -> int:
    """Look for a part of the stored files; return how many are missing, as far as is known."""
    return look_for_files(now=clock.now())


@shared_task
def fetch_drafts() -> int:
    """Fetch the pages that somebody waits for; return how many. Rung by each, and swept by beat."""
    return FETCHES.work_off(lambda now: fetch_next(_read, now=now))


@shared_task
def read_upstreams() -> int:
    """Read again the pages from which courses come, as far as they are due; return how many. Rung by hand, and swept."""
    return UPSTREAMS.work_off(lambda now: read_next(_read, now=now))


def _read(address: str) -> CourseSource:
    fetched = fetch(address)
    return read_source(fetched.content, name=fetched.name, base=fetched.address)
