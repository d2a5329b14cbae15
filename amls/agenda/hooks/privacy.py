"""What the agenda knows of a person: own times and the calendar's last fetch."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from amls.agenda.models import AgendaItem, FeedToken
from amls.courses.models import User
from amls.privacy.registry import on_account_deletion, personal_data


@personal_data.named("calendar")
def tell(user: User) -> Iterator[tuple[str, Any]]:
    """Yield the person's own dates and when which calendar fetched them."""
    rows = AgendaItem.objects.filter(enrolment__user=user).select_related("course").order_by("pk")
    yield (
        "dates.json",
        [
            {
                "course": row.course.slug,
                "title": row.title,
                "starts_at": row.starts_at,
                "ends_at": row.ends_at,
                "place": row.place,
                "is_done": row.is_done,
            }
            for row in rows
        ],
    )
    tokens = FeedToken.objects.filter(enrolment__user=user).values("last_fetched_at", "last_client")
    yield "fetches.json", list(tokens.order_by("pk"))


@on_account_deletion
def forget(user: User, now: datetime) -> None:
    """Let the person's calendar addresses end."""
    FeedToken.objects.filter(enrolment__user=user).delete()
