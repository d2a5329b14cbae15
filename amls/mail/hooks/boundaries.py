"""When pages with announcements change by themselves."""

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from amls.mail.models import Announcement
from amls.pagecache.boundaries import COURSE, NOW, boundaries


@boundaries
def announcement_boundaries() -> Iterator[QuerySet[Any, Any]]:
    """Yield when announcements appear on the course's page and leave it."""
    rows = Announcement.objects.filter(course=COURSE, is_withdrawn=False, is_waiting=False, on_page_until__gt=NOW)
    yield rows.values_list("publish_at")
    yield rows.values_list("on_page_until")
