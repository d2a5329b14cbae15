"""What lectures know of a person: where they stopped watching, and what they downloaded last."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any

from amls.courses.models import User
from amls.privacy.endings import happenings, latest
from amls.privacy.registry import on_account_deletion, on_course_purge, personal_data
from lectures.counts import forget_noted
from lectures.models import Deadline, LastDownload, Lecture, WatchPosition


@personal_data.named("lectures")
def tell(user: User) -> Iterator[tuple[str, Any]]:
    """Yield places in recordings and last downloads."""
    places = WatchPosition.objects.filter(user=user).select_related("material__lecture__course").order_by("pk")
    yield (
        "recordings.json",
        [
            {
                "course": place.material.lecture.course.slug,
                "lecture": str(place.material.lecture),
                "second": place.seconds,
                "at": place.updated_at,
            }
            for place in places
        ],
    )
    downloads = LastDownload.objects.filter(user=user).select_related("file", "material__lecture__course")
    yield (
        "downloads.json",
        [
            {
                "course": download.material.lecture.course.slug,
                "lecture": str(download.material.lecture),
                "file": download.file.filename,
                "version": download.file.version,
                "at": download.downloaded_at,
            }
            for download in downloads.order_by("pk")
        ],
    )


@on_account_deletion
def forget(user: User, now: datetime) -> None:
    """Delete both, and what is noted but not written yet."""
    forget_noted(user)
    WatchPosition.objects.filter(user=user).delete()
    LastDownload.objects.filter(user=user).delete()


@on_course_purge
def forget_people(courses: Sequence[int]) -> None:
    """Delete who stopped watching where, and who downloaded what."""
    WatchPosition.objects.filter(material__lecture__course__in=courses).delete()
    LastDownload.objects.filter(material__lecture__course__in=courses).delete()


@happenings
def what_happened(courses: Sequence[int]) -> Iterator[tuple[int, datetime | date]]:
    """Yield the latest session and the latest deadline of each course."""
    yield from latest(Lecture.objects.filter(course__in=courses), "course", "starts_at", "ends_at", "day")
    yield from latest(Deadline.objects.filter(course__in=courses), "course", "due_at", "day")
