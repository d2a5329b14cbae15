"""What beat sees to for the whole site, and what the worker does for courses that are being brought in."""

from celery import shared_task

from amls.core import clock
from amls.portal.strays import report_strays
from amls.portal.takeover.drafts import fetch_next
from amls.portal.takeover.fetching import fetch
from amls.portal.takeover.middle import Source
from amls.portal.takeover.sources import read_source


@shared_task
def look_for_strays() -> int:
    """Tell those who run the site of files without rows and rows without files; return how many there are."""
    return report_strays(now=clock.now())


@shared_task
def fetch_drafts() -> int:
    """Fetch the pages that somebody waits for; return how many. Rung by each, and swept by beat."""
    handled = 0
    while fetch_next(_read, now=clock.now()):
        handled += 1
    return handled


def _read(address: str) -> Source:
    fetched = fetch(address)
    return read_source(fetched.content, name=fetched.name, base=fetched.address)
