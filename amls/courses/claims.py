"""People of a roster who sign in with another address: matched by matriculation number, confirmed by staff."""

from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from amls.courses.models import Course, Enrolment, RosterEntry, User
from amls.courses.services import change_profile, enrol, lock_course
from amls.web.violations import RuleViolation

Told = Callable[[RosterEntry, User, bool | None, datetime], None]
_told: list[Told] = []


def on_claim(told: Told) -> Told:
    """Register, as a decorator, who tells of a claim: with the entry, the person, and what was decided, if it was.

    Mail is of an app above, which is not known here.
    """
    _told.append(told)
    return told


def _tell(entry: RosterEntry, person: User, is_confirmed: bool | None, now: datetime) -> None:
    for one in _told:
        one(entry, person, is_confirmed, now)


def claim_by_number(*, user: User, course: Course, number: str, now: datetime) -> None:
    """Ask the staff to confirm that a person is who stands on the roster with this matriculation number.

    Whether the number stands there is not told: it is nobody else's business who takes a course.

    Raises:
        RuleViolation: no number, or the course takes nobody now.
    """
    if course.state != Course.State.RUNNING or course.enrolment_policy == Course.EnrolmentPolicy.CLOSED:
        raise RuleViolation(_("Enrolment in this course is closed. Ask its staff."), code="enrolment-closed")
    with transaction.atomic():
        user = change_profile(user=user, matriculation_number=number)
        if not user.matriculation_number:
            raise RuleViolation(_("Enter your matriculation number."), code="no-number", field="matriculation_number")
        _claim(user, course, now=now)


def claim_in_own_courses(*, user: User, now: datetime) -> None:
    """Do so in each course in which the person is enrolled, where the roster waits for somebody with their number."""
    for course in Course.objects.filter(enrolments__user=user, enrolments__role="student"):
        _claim(user, course, now=now)


def _claim(user: User, course: Course, *, now: datetime) -> None:
    if (
        not user.matriculation_number
        or Enrolment.objects.filter(user=user, course=course, roster_entry__isnull=False).exists()
    ):
        return
    with transaction.atomic():
        rows = RosterEntry.objects.select_for_update(of=("self",)).select_related("course")
        waiting = rows.filter(course=course, enrolment__isnull=True, claimed_by__isnull=True)
        entry = waiting.filter(matriculation_number__iexact=user.matriculation_number).first()
        if entry is not None:
            entry.claimed_by, entry.claimed_at = user, now
            entry.save(update_fields=["claimed_by", "claimed_at"])
            _tell(entry, user, None, now)


def decide_claim(*, entry: RosterEntry, is_confirmed: bool, now: datetime) -> Enrolment | None:
    """Confirm that the account is the person of the roster, who is enrolled then, or decline it; they are told.

    A confirmed number counts as verified.

    Raises:
        RuleViolation: there is no claim any more, or the person joined by another entry of the roster.
    """
    with transaction.atomic():
        lock_course(entry.course_id)
        rows = RosterEntry.objects.select_for_update(of=("self",)).select_related("course", "claimed_by")
        entry = rows.get(pk=entry.pk)
        person = entry.claimed_by
        if person is None:
            raise RuleViolation(_("Nobody waits for this entry any more."), code="no-claim")
        entry.claimed_by = entry.claimed_at = None
        enrolment = None
        if is_confirmed:
            enrolment = enrol(user=person, course=entry.course)
            if RosterEntry.objects.filter(enrolment=enrolment).exists():
                raise RuleViolation(
                    _("%(name)s joined by another entry of the roster. Decline, and take one of the two off it.")
                    % {"name": person},
                    code="joined-already",
                )
            entry.enrolment = enrolment
            verify_number(user=person, number=entry.matriculation_number)
        entry.save(update_fields=["claimed_by", "claimed_at", "enrolment"])
        _tell(entry, person, is_confirmed, now)
    return enrolment


def verify_number(*, user: User, number: str) -> User:
    """Enter a person's matriculation number for the staff, who have checked it; without one it is open again."""
    with transaction.atomic():
        locked = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        locked.matriculation_number, locked.is_matriculation_verified = number, bool(number)
        locked.full_clean(exclude=["password"])
        locked.save(update_fields=["matriculation_number", "is_matriculation_verified"])
    return locked
