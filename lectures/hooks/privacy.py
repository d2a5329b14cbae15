"""What lectures know of a person: where they stopped watching, and what they downloaded last."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from amls.courses.models import User
from amls.privacy.registry import on_account_deletion, on_course_purge, personal_data
from lectures.counts import forget_noted
from lectures.models import LastDownload, WatchPosition


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
