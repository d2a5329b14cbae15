"""How long it is known what was held back, and for whom."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Func
from django.utils.translation import gettext_lazy as _

from amls.core.batches import delete_in_batches
from amls.courses.models import User
from amls.held.kinds import names_person
from amls.held.models import HeldAct
from amls.privacy.registry import on_account_deletion, on_course_purge, personal_data, retention
from amls.privacy.traces import addresses_of, blot_out, names_of

_KEPT = timedelta(days=365)


@personal_data.named("held")
def tell(user: User) -> Iterator[tuple[str, Any]]:
    """Yield what a person held back."""
    rows = HeldAct.objects.filter(by=user).order_by("pk")
    yield "held.json", list(rows.values("course__slug", "kind", "title", "state", "created_at", "ended_at"))


@on_account_deletion
def forget(user: User, now: datetime) -> None:
    """Take the person's names and addresses out of what was done about them."""
    of_courses = HeldAct.objects.filter(course__in=user.enrolments.values("course"))
    blot_out(of_courses, "title", "outcome", texts=addresses_of(user))
    blot_out(HeldAct.objects.filter(names_person(user)), "title", "outcome", texts=names_of(user))
    # A typed reason was needed until the act was done, and may name anybody in whatever way.
    without_reason = Func(F("references"), template="%(expressions)s #- '{values,reason}'")
    of_courses.exclude(state=HeldAct.State.WAITING).update(references=without_reason)


@on_course_purge
def forget_people(courses: Sequence[int]) -> None:
    """Delete what was held back in these courses."""
    HeldAct.objects.filter(course__in=courses).delete()


@retention(
    "held.acts", _("What staff published, and what was taken back in time"), _("a year"), tables=["held.HeldAct"]
)
def purge_acts(now: datetime, dry_run: bool) -> int:
    """Delete acts that ended long ago."""
    return delete_in_batches(HeldAct.objects.filter(ended_at__lt=now - _KEPT), dry_run=dry_run)
