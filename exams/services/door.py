"""The door: marks that count once, whoever makes them and however late they arrive."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from amls.courses.models import User
from amls.web.violations import RuleViolation
from exams.following import follow_people
from exams.models import CheckInMark, Exam, HelperLink, Registration

_Action = CheckInMark.Action


@dataclass(frozen=True, slots=True)
class Presence:
    """What follows from a person's marks."""

    state: Registration.State
    arrived_at: datetime | None = None
    left_at: datetime | None = None
    seat: str = ""


def make_mark(
    *,
    registration_pk: int,
    exam_pk: int,
    action: str,
    key: UUID,
    now: datetime,
    made_at: datetime | None = None,
    seat: str = "",
    by: User | None = None,
    helper: HelperLink | None = None,
) -> Registration:
    """Note at the door that somebody is present, absent or has left, or take the last mark back.

    Args:
        registration_pk: of a registration that holds a seat in the exam.
        exam_pk: the exam at whose door it is; marks of others are refused.
        action: one of CheckInMark.Action.
        key: drawn by the device; the same one again changes nothing.
        now: when it arrived, aware.
        by: the staff member who made it; or
        helper: the link by which somebody else did.
        made_at: when it was made, by the device's clock; never later than `now`.
        seat: where the person really sits, if not where planned.

    Raises:
        RuleViolation: there is no such registration, or it can no longer be marked.
    """
    with transaction.atomic():
        registration = (
            Registration.objects.select_for_update(of=("self",))
            .with_people()
            .filter(pk=registration_pk, exam_id=exam_pk)
            .first()
        )
        if registration is None:
            raise RuleViolation(_("This person does not stand on the list of this exam."), code="not-on-list")
        if CheckInMark.objects.filter(key=key).exists():
            return registration
        if not registration.holds_seat or registration.closed_at is not None:
            raise RuleViolation(
                _("%(person)s holds no seat: %(state)s.")
                % {"person": registration.enrolment.user, "state": registration.get_state_display()},
                code="holds-no-seat",
            )
        CheckInMark.objects.create(
            key=key, registration=registration, action=action, seat=seat, by=by, helper=helper,
            made_at=min(made_at or now, now), received_at=now,
        )  # fmt: skip
        _follow_marks(registration, now=now)
    return registration


def presence_of(marks: Iterable[CheckInMark]) -> Presence:
    """Return what holds after these marks, in the order in which they were made; an undo takes back the one before it."""
    standing: list[CheckInMark] = []
    for mark in marks:
        if mark.action != _Action.UNDO:
            standing.append(mark)
        elif standing:
            standing.pop()
    if not standing:
        return Presence(Registration.State.REGISTERED)
    if standing[-1].action == _Action.ABSENT:
        return Presence(Registration.State.ABSENT)
    # What came before an 'absent' no longer counts.
    since = max((n + 1 for n, mark in enumerate(standing) if mark.action == _Action.ABSENT), default=0)
    stay = standing[since:]
    seats = [mark.seat for mark in stay if mark.seat]
    return Presence(
        state=Registration.State.ATTENDED,
        arrived_at=stay[0].made_at,
        left_at=stay[-1].made_at if stay[-1].action == _Action.LEFT else None,
        seat=seats[-1] if seats else "",
    )


def mark_the_rest_absent(*, exam_pk: int, now: datetime) -> int:
    """Note as absent everyone of whom there is no mark; return how many.

    Raises:
        RuleViolation: the exam has not begun.
    """
    with transaction.atomic():
        exam = Exam.objects.select_for_update(no_key=True).get(pk=exam_pk)
        if now < exam.starts_at:
            raise RuleViolation(_("The exam has not begun yet."), code="exam-not-begun")
        rest = Registration.objects.active().filter(exam=exam, state=Registration.State.REGISTERED)
        people = list(rest.values_list("enrolment_id", flat=True))
        rest.update(state=Registration.State.ABSENT, changed_at=now)
        follow_people(people, now=now)
    return len(people)


def add_helper(*, exam: Exam, name: str, by: User | None, now: datetime) -> HelperLink:
    """Make a link for a helper at the door of this exam, on its day.

    Raises:
        ValidationError: the name is empty or taken.
    """
    link = HelperLink(exam=exam, name=name, created_by=by, created_at=now)
    link.full_clean(exclude=["created_by"])
    link.save()
    return link


def revoke_helper(*, link_pk: int, exam_pk: int, now: datetime) -> None:
    """Close the door to a helper at once."""
    HelperLink.objects.filter(pk=link_pk, exam_id=exam_pk, revoked_at__isnull=True).update(revoked_at=now)


def _follow_marks(registration: Registration, *, now: datetime) -> None:
    found = presence_of(registration.marks.order_by("made_at", "pk"))
    registration.state = found.state
    registration.arrived_at, registration.left_at = found.arrived_at, found.left_at
    registration.actual_seat = found.seat
    registration.changed_at = now
    registration.save(update_fields=["state", "arrived_at", "left_at", "actual_seat", "changed_at"])
    follow_people([registration.enrolment_id], now=now)
