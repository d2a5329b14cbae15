"""People of a roster who sign in with another address: matched by matriculation number, confirmed by staff."""

from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from amls.core.hooks import Hook
from amls.core.violations import RuleViolation
from amls.courses.models import Course, Enrolment, Role, RosterEntry, User
from amls.courses.numbers import looks_like_a_number, plain_number, plain_number_of
from amls.courses.participation import (
    change_profile,
    enrol,
    join_waiting,
    refuse_if_closed,
    verify_if_free,
    verify_number,
)
from amls.courses.services import lock_course

_PLAIN = plain_number_of("matriculation_number")
Told = Callable[[RosterEntry, User, bool | None, datetime], None]
# Who tells of a claim: with the entry, the person, and what was decided, if it was. Mail is of an app above.
on_claim: Hook[Told] = Hook("tellers of claims")


def _tell(entry: RosterEntry, person: User, is_confirmed: bool | None, now: datetime) -> None:
    for tell in on_claim:
        tell(entry, person, is_confirmed, now)


def claim_by_number(*, user: User, course: Course, number: str, now: datetime) -> None:
    """Ask the staff to confirm that a person is who stands on the roster with this matriculation number.

    It is nobody else's business who takes a course: nothing tells whether the number stands there, until the
    staff, who see who asks, have decided.

    Raises:
        RuleViolation: no number, or the course takes nobody now.
    """
    with transaction.atomic():
        course = lock_course(course.pk)
        user = change_profile(user=user, matriculation_number=number)
        if not user.matriculation_number:
            raise RuleViolation(_("Enter your matriculation number."), code="no-number", field="matriculation_number")
        _claim(user, course, now=now)


def claim_in_own_courses(*, user: User, now: datetime) -> None:
    """Do so in each course in which the person is enrolled, where the roster waits for somebody with their number.

    What they asked for with another number, in whatever course, is let go.
    """
    _let_go(user, RosterEntry.objects.all())
    for pk in Enrolment.objects.filter(user=user, role=Role.STUDENT).values_list("course_id", flat=True):
        with transaction.atomic():
            _claim(user, lock_course(pk), now=now)


def claim_for_enrolled(*, course: Course, now: datetime) -> int:
    """Do so for all who enrolled before the roster knew their number; return for how many the staff are asked."""
    with transaction.atomic():
        course = lock_course(course.pk)
        waiting = RosterEntry.objects.filter(course=course, enrolment__isnull=True, claimed_by__isnull=True)
        numbers = waiting.exclude(matriculation_number="").values(plain=_PLAIN)
        enrolled = Enrolment.objects.filter(course=course, role=Role.STUDENT, roster_entry__isnull=True)
        bearers = enrolled.alias(plain=plain_number_of("user__matriculation_number")).filter(plain__in=numbers)
        people = [enrolment.user for enrolment in bearers.select_related("user").order_by("pk")]
        return sum(_claim(person, course, now=now) for person in people)


def _claim(user: User, course: Course, *, now: datetime) -> bool:
    """Let the entry with the person's number, and no other one of the locked course, wait for them.

    Returns whether the staff are asked: not again for the same entry, and not after they declined.
    """
    enrolment = Enrolment.objects.filter(user=user, course=course).first()
    if enrolment is None:
        refuse_if_closed(course)
    elif course.state != Course.State.RUNNING:
        return False
    rows = RosterEntry.objects.filter(course=course)
    _let_go(user, rows)
    has_one = rows.filter(Q(claimed_by=user) | Q(enrolment__user=user)).exists()
    if has_one or not plain_number(user.matriculation_number):
        return False
    waiting = rows.select_for_update().filter(enrolment__isnull=True, claimed_by__isnull=True)
    unasked = waiting.exclude(declined=user).alias(plain=_PLAIN)
    entry = unasked.filter(plain=plain_number(user.matriculation_number)).first()
    if entry is None:
        return False
    entry.course, entry.claimed_by, entry.claimed_at = course, user, now
    entry.save(update_fields=["claimed_by", "claimed_at"])
    _tell(entry, user, None, now)
    return True


def _let_go(user: User, rows: QuerySet[RosterEntry]) -> None:
    mine = rows.filter(claimed_by=user).alias(plain=_PLAIN)
    mine.exclude(plain=plain_number(user.matriculation_number)).update(claimed_by=None, claimed_at=None)


# The kind of held act by which the staff decide on a claim.
CLAIM_ACT = "membership.claim"


def decide_claim(*, entry: RosterEntry, claimant: int, is_confirmed: bool, now: datetime) -> Enrolment | None:
    """Confirm that the account is the person of the roster, who is enrolled then, or decline it; they are told.

    A confirmed number counts as verified in the course. A declined account is not asked about for this entry again;
    who else has the number is.

    Args:
        entry: what somebody claims.
        claimant: pk of the person whom the staff saw when they decided.
        is_confirmed: whether they say that it is the same person.
        now: when they decide.

    Raises:
        RuleViolation: there is no claim any more, it is another person's, the person joined by another entry
            of the roster, or the number is verified for somebody else.
    """
    with transaction.atomic():
        course = lock_course(entry.course_id)
        rows = RosterEntry.objects.select_for_update(of=("self",)).select_related("course", "claimed_by")
        entry = rows.get(pk=entry.pk)
        person = entry.claimed_by
        if person is None:
            raise RuleViolation(_("Nobody waits for this entry any more."), code="no-claim")
        if person.pk != claimant:
            raise RuleViolation(
                _("Another account waits for this entry now. Look at it, then decide."), code="other-claim"
            )
        enrolment = _join(entry, person) if is_confirmed else None
        if not is_confirmed:
            entry.claimed_by = entry.claimed_at = None
            entry.save(update_fields=["claimed_by", "claimed_at"])
        _tell(entry, person, is_confirmed, now)
        if not is_confirmed:
            entry.declined.add(person)
            claim_for_enrolled(course=course, now=now)
    return enrolment


def join_by_number(*, user: User, number: str) -> list[Enrolment]:
    """Let a person whose number their university's sign-in proves have the entries of rosters that wait for it.

    Nobody has to confirm it, whoever else claims the entry. The number counts as verified in their courses, where it is
    not verified for somebody else: that is for the staff to mend.

    Returns:
        The parts in courses that they joined by it.
    """
    joined = join_waiting(user=user, entries=RosterEntry.objects.alias(plain=_PLAIN).filter(plain=plain_number(number)))
    for enrolment in Enrolment.objects.filter(user=user, role=Role.STUDENT, verified_number="").select_related("user"):
        verify_if_free(enrolment=enrolment, number=number)
    return joined


def _join(entry: RosterEntry, person: User) -> Enrolment:
    enrolment = enrol(user=person, course=entry.course)
    if RosterEntry.objects.filter(enrolment=enrolment).exists():
        raise RuleViolation(
            _("%(name)s joined by another entry of the roster. Decline, and take one of the two off it.")
            % {"name": person},
            code="joined-already",
        )
    entry.give_to(enrolment)
    if looks_like_a_number(entry.matriculation_number):
        verify_number(enrolment=enrolment, number=entry.matriculation_number)
    return enrolment
