"""When pages with announcements change by themselves."""

from collections.abc import Iterator
from datetime import datetime

from amls.courses.models import Course
from amls.mail.models import Announcement
from amls.pagecache.boundaries import boundaries


@boundaries
def announcement_boundaries(course: Course, now: datetime) -> Iterator[datetime]:
    """Yield when announcements appear on the course's page and leave it."""
    rows = Announcement.objects.filter(course=course, is_withdrawn=False, is_waiting=False, on_page_until__gt=now)
    for publish_at, on_page_until in rows.values_list("publish_at", "on_page_until"):
        yield publish_at
        if on_page_until is not None:
            yield on_page_until
