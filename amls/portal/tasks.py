"""What beat sees to for the whole site."""

from celery import shared_task

from amls.core import clock
from amls.portal.strays import report_strays


@shared_task
def look_for_strays() -> int:
    """Tell those who run the site of files without rows and rows without files; return how many there are."""
    return report_strays(now=clock.now())
