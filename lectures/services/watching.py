"""Where a person stopped watching."""

from datetime import datetime

from amls.courses.models import User
from lectures.models import Material, WatchPosition

# Whoever is this close to the end has seen it; this close to the start has not begun.
_END_SECONDS, _START_SECONDS = 15, 10


def keep_position(*, user: User, material: Material, seconds: int, now: datetime) -> None:
    """Keep where a person is in a recording; at its end and at its start there is nothing to keep."""
    length = material.current.seconds if material.current is not None else None
    rows = WatchPosition.objects.filter(user=user, material=material)
    if seconds < _START_SECONDS or (length is not None and seconds >= length - _END_SECONDS):
        rows.delete()
        return
    WatchPosition.objects.update_or_create(
        user=user, material=material, defaults={"seconds": seconds, "updated_at": now}
    )
