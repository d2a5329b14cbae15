"""The door: marks that count once, whoever makes them and however late they arrive."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import transaction
from django.utils.translation import gettext as _

from amls.core.meanwhile import changed_meanwhile, is_overtaken
from amls.core.violations import RuleViolation
from amls.courses.models import User
from exams.managers import RegistrationQuerySet
from exams.models import CheckInMark, Exam, HelperLink, Registration, Result
from exams.services.calendars import follow_later
from exams.services.cancelled import check_not_cancelled
from exams.services.capacity import check_not_frozen, need_reason, need_seat_now, write_counters

_Action = CheckInMark.Action
# No device keeps its marks for longer; what claims to be older has a wrong clock.
_OLDEST = timedelta(days=2)


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
        made_at: when it was made, by the device's clock; never later than `now`, nor two days before.
        seat: where the person really sits, if not where planned.

    Raises:
        RuleViolation: there is no such registration, or it can no longer be marked, as the
            exam is closed or frozen, or as there are points already.
    """
    with transaction.atomic():
        registration = _lock_registration(registration_pk, exam_pk)
        if CheckInMark.objects.filter(key=key).exists():
            return registration
        if registration.closed_at is not None:
            raise RuleViolation(
                _("The exam is closed for %(person)s. Staff can still correct it on the page of the exam.")
                % {"person": registration.enrolment.user},
                code="registration-closed",
            )
        CheckInMark.objects.create(
            key=key, registration=registration, action=action, seat=seat, by=by, helper=helper,
            made_at=max(min(made_at or now, now), now - _OLDEST), received_at=now,
        )  # fmt: skip
        _follow_marks(registration, now=now)
    return registration


def correct_attendance(
    *,
    registration_pk: int,
    exam_pk: int,
    attended: bool,
    reason: str,
    by: User | None,
    now: datetime,
    seen: str | None = None,
) -> Registration:
    """Say after the fact whether somebody attended, also when the exam is closed; the `reason` is kept.

    Args:
        registration_pk: of a registration that holds a seat in the exam, or held one until it was excused.
        exam_pk: the exam.
        attended: or was absent.
        reason: why.
        by: who says so.
        now: the request's clock.
        seen: the state of the registration as the page showed it; None doesn't ask.

    Raises:
        RuleViolation: there is no reason, the exam has not begun or is frozen, the person
            held no seat, or has points although they should be absent; or somebody noted
            something else meanwhile (code 'changed-meanwhile'); or they were excused, and are registered
            again or every seat is taken by now.
    """
    need_reason(reason)
    with transaction.atomic():
        registration = _lock_registration(registration_pk, exam_pk, may_be_excused=True)
        if now < registration.exam.starts_at:
            raise RuleViolation(_("The exam has not begun yet."), code="exam-not-begun")
        wanted = Registration.State.ATTENDED if attended else Registration.State.ABSENT
        if registration.state != wanted and is_overtaken(seen, stands=str(registration.state)):
            raise changed_meanwhile(_who_marked(registration), registration.get_state_display())
        if not registration.holds_seat:
            _count_again(registration)
        registration.reason = reason
        registration.save(update_fields=["reason"])
        _note(registration, _Action.PRESENT if attended else _Action.ABSENT, by=by, now=now)
    return registration


def note_present(registration: Registration, *, by: User | None, now: datetime) -> None:
    """Note that somebody attended, whose registration the caller holds under the exam's lock."""
    _note(registration, _Action.PRESENT, by=by, now=now)


def _note(registration: Registration, action: CheckInMark.Action, *, by: User | None, now: datetime) -> None:
    CheckInMark.objects.create(
        key=uuid4(), registration=registration, action=action, by=by, made_at=now, received_at=now
    )
    _follow_marks(registration, now=now)


def _count_again(registration: Registration) -> None:
    """Count the seat of somebody whose excuse is taken back. The registration stays closed: they may have another date.

    Raises:
        RuleViolation: they are registered again, or every seat is taken by now.
    """
    exam = registration.exam
    if Registration.objects.filter(exam=exam, enrolment=registration.enrolment_id, pk__gt=registration.pk).exists():
        raise RuleViolation(
            _("%(person)s was registered for this exam again since. Correct that registration instead.")
            % {"person": registration.enrolment.user},
            code="registered-again",
        )
    need_seat_now(exam)
    exam.seats_taken += 1
    write_counters(exam)


def _who_marked(registration: Registration) -> str | None:
    """Return who made the mark that came last; None where nobody made one, or is known no more."""
    mark = registration.marks.select_related("by", "helper").order_by("received_at", "pk").last()
    if mark is None or mark.by is not None:
        return str(mark.by) if mark is not None else None
    return mark.helper.name if mark.helper is not None else None


def _lock_registration(pk: int, exam_pk: int, *, may_be_excused: bool = False) -> Registration:
    """Return the registration of somebody at this exam's door, locked after the exam like everywhere.

    Raises:
        RuleViolation: there is none, it holds no seat (nor is excused, where it may be), or the exam is frozen.
    """
    exam = Exam.objects.select_for_update(no_key=True).get(pk=exam_pk)
    registration = Registration.objects.select_for_update(of=("self",)).with_people().filter(pk=pk, exam=exam).first()
    if registration is None:
        raise RuleViolation(_("This person does not stand on the list of this exam."), code="not-on-list")
    registration.exam = exam
    check_not_frozen(exam)
    if not registration.holds_seat and not (may_be_excused and registration.state == Registration.State.EXCUSED):
        raise RuleViolation(
            _("%(person)s holds no seat: %(state)s.")
            % {"person": registration.enrolment.user, "state": registration.get_state_display()},
            code="holds-no-seat",
        )
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
    since = max((index + 1 for index, mark in enumerate(standing) if mark.action == _Action.ABSENT), default=0)
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

    It may be closed by then.

    Raises:
        RuleViolation: the exam has not begun, or is frozen.
    """
    with transaction.atomic():
        rest = _rest_of(exam_pk, now=now)
        people = list(rest.values_list("enrolment_id", flat=True))
        rest.update(state=Registration.State.ABSENT, changed_at=now)
        follow_later(people)
    return len(people)


def mark_the_rest_present(*, exam_pk: int, by: User | None, now: datetime) -> int:
    """Note as present everyone of whom there is no mark, as where a list on paper was kept; return how many.

    It may be closed by then.

    Raises:
        RuleViolation: the exam has not begun, or is frozen.
    """
    with transaction.atomic():
        rest = _rest_of(exam_pk, now=now)
        people = list(rest.values_list("pk", "enrolment_id"))
        CheckInMark.objects.bulk_create(
            CheckInMark(key=uuid4(), registration_id=pk, action=_Action.PRESENT, by=by, made_at=now, received_at=now)
            for pk, _enrolment in people
        )
        rest.update(state=Registration.State.ATTENDED, arrived_at=now, changed_at=now)
        follow_later([enrolment for _pk, enrolment in people])
    return len(people)


def _rest_of(exam_pk: int, *, now: datetime) -> RegistrationQuerySet:
    """Return everyone in an exam of whom there is no mark; the exam stays locked.

    Raises:
        RuleViolation: the exam has not begun, or is frozen.
    """
    exam = Exam.objects.select_for_update(no_key=True).get(pk=exam_pk)
    check_not_frozen(exam)
    if now < exam.starts_at:
        raise RuleViolation(_("The exam has not begun yet."), code="exam-not-begun")
    return Registration.objects.filter(exam=exam, state=Registration.State.REGISTERED)


def add_helper(*, exam: Exam, name: str, by: User | None, now: datetime) -> HelperLink:
    """Make a link for a helper at the door of this exam, on its day.

    Raises:
        ValidationError: the name is empty or taken.
        RuleViolation: the date is cancelled.
    """
    with transaction.atomic():
        check_not_cancelled(Exam.objects.select_for_update(no_key=True).get(pk=exam.pk))
        link = HelperLink(exam=exam, name=name, created_by=by, created_at=now)
        link.full_clean(exclude=["created_by"])
        link.save()
    return link


def revoke_helper(*, link_pk: int, exam_pk: int, now: datetime) -> None:
    """Close the door to a helper at once."""
    HelperLink.objects.filter(pk=link_pk, exam_id=exam_pk, revoked_at__isnull=True).update(revoked_at=now)


def _follow_marks(registration: Registration, *, now: datetime) -> None:
    presence = presence_of(registration.marks.order_by("made_at", "pk"))
    if presence.state != Registration.State.ATTENDED and Result.objects.filter(registration=registration).exists():
        raise RuleViolation(
            _(
                "%(person)s has points in this exam. Take their result away first, on their page, if they were not there."
            )
            % {"person": registration.enrolment.user},
            code="has-points",
        )
    registration.state = presence.state
    registration.arrived_at, registration.left_at = presence.arrived_at, presence.left_at
    registration.actual_seat = presence.seat
    registration.changed_at = now
    registration.save(update_fields=["state", "arrived_at", "left_at", "actual_seat", "changed_at"])
    follow_later([registration.enrolment_id])
