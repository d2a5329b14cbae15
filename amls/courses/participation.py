"""Who is in a course: by themselves, by the roster, by the staff; with which number, and how they leave."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError, Q
from django.db.models.functions import Lower
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from amls.core.hooks import Hook
from amls.core.text import clean_line, clean_name
from amls.core.violations import RuleViolation
from amls.courses.managers import RosterEntryQuerySet
from amls.courses.models import Course, Enrolment, Role, RosterEntry, User
from amls.courses.numbers import clean_number, is_a_number, plain_number, plain_number_of
from amls.courses.permissions import is_last_lecturer
from amls.courses.services import lock_course
from amls.courses.validators import is_a_name
from amls.courses.vouched import vouched_number


def enrol(*, user: User, course: Course, role: Role = Role.STUDENT) -> Enrolment:
    """Give a person a part in a course; whoever has one keeps it."""
    enrolment, is_new = Enrolment.objects.get_or_create(user=user, course=course, defaults={"role": role})
    if is_new and (number := vouched_number(user)):
        verify_if_free(enrolment=enrolment, number=number)
    return enrolment


def verify_if_free(*, enrolment: Enrolment, number: str) -> None:
    """Enter a number that a provider gives the person where the course has none; what contradicts it stays for the staff."""
    if not enrolment.verified_number:
        with suppress(RuleViolation, ValidationError):
            verify_number(enrolment=enrolment, number=number)


def join_roster_entries(*, user: User, email: str) -> list[Enrolment]:
    """Enrol a person whose address `email` is proven in the courses whose roster names it; see `join_waiting`."""
    return join_waiting(user=user, entries=RosterEntry.objects.filter(email__iexact=email))


def join_waiting(*, user: User, entries: RosterEntryQuerySet) -> list[Enrolment]:
    """Let a person have those of their entries of rosters by which one joins without asking.

    Name and matriculation number are taken over where the person has none yet; a number
    that comes from the university's roster counts as verified in its course.

    Args:
        user: the person.
        entries: which name them by something that is proven.

    Returns:
        The parts in courses that have an entry now.
    """
    waiting = entries.waiting_for(user)
    joined = list[Enrolment]()
    for course in sorted(set(waiting.values_list("course", flat=True))):
        with transaction.atomic():
            lock_course(course)
            rows = waiting.filter(course=course).select_for_update(of=("self",)).select_related("course")
            joined += filter(None, (_join_by(entry, user) for entry in rows.order_by("pk")))
    return joined


def _join_by(entry: RosterEntry, user: User) -> Enrolment | None:
    """Enrol a person by an entry of a locked course; return nothing where another one is theirs already."""
    enrolment = enrol(user=user, course=entry.course)
    if RosterEntry.objects.filter(enrolment=enrolment).exists():
        # The roster names two addresses of one person: one entry is theirs.
        return None
    # Whoever claimed it by its number with another address is somebody else, or this person.
    entry.give_to(enrolment)
    if not user.display_name:
        user.display_name = _as_name(entry.name)
        user.save(update_fields=["display_name"])
    follow_roster(entry)
    user.refresh_from_db(fields=["matriculation_number"])
    return enrolment


def entries_of(*, user: User, course: Course) -> RosterEntryQuerySet:
    """Return the entries of a course's roster that are a person's, or name them by a proven address or a provider's number."""
    addresses = EmailAddress.objects.filter(user=user, verified=True).values_list(Lower("email"), flat=True)
    rows = RosterEntry.objects.filter(course=course)
    rows = rows.alias(lowered=Lower("email"), plain=plain_number_of("matriculation_number"))
    by_number = Q(plain=plain) if (plain := plain_number(vouched_number(user))) else Q()
    return rows.filter(Q(enrolment__user=user) | Q(lowered__in=list(addresses)) | by_number)


def follow_roster(entry: RosterEntry, *, former: str = "") -> bool:
    """Let the number of a roster's entry be verified for who joined it; return whether it is.

    What contradicts it stays as it is, for the staff to mend (see `amls.courses.contradictions`): another number
    that they have checked, or somebody else for whom it is verified.

    Args:
        entry: with the number that it has now.
        former: the number that it had before, if it was changed.
    """
    enrolment, plain = entry.enrolment, plain_number(entry.matriculation_number)
    if enrolment is None or not plain:
        return False
    if plain_number(enrolment.verified_number) in ("", plain_number(former)):
        try:
            verify_number(enrolment=enrolment, number=entry.matriculation_number)
        except (RuleViolation, ValidationError):
            return False
    return plain_number(enrolment.verified_number) == plain


def verify_number(*, enrolment: Enrolment, number: str) -> Enrolment:
    """Enter a person's matriculation number for a course, which has checked it; without one it is open again.

    It counts in this course alone. What the person typed follows it where there is nothing yet, or what this course
    had verified before and no other has.

    Raises:
        RuleViolation: the number is verified for another person of the course, or a provider of sign-ins gives this
            person another one.
        ValidationError: it is no matriculation number.
    """
    number = clean_number(number)
    if number:
        is_a_number(number)
        _need_vouched(enrolment.user, number)
    with transaction.atomic():
        user = User.objects.select_for_update(no_key=True).get(pk=enrolment.user_id)
        before = plain_number(enrolment.verified_number)
        enrolment.verified_number = number
        try:
            with transaction.atomic():
                enrolment.save(update_fields=["verified_number"])
        except IntegrityError as error:
            enrolment.refresh_from_db(fields=["verified_number"])
            raise RuleViolation(
                _("%(number)s is verified for another person of this course. Correct theirs first.")
                % {"number": number},
                code="number-taken",
                field="number",
            ) from error
        if number and plain_number(user.matriculation_number) in ("", before) and not user.is_matriculation_verified:
            user.matriculation_number = number
            user.save(update_fields=["matriculation_number"])
    enrolment.user = user
    return enrolment


def _need_vouched(user: User, number: str) -> None:
    known = vouched_number(user)
    if known and plain_number(known) != plain_number(number):
        raise RuleViolation(
            _("%(person)s has %(number)s by their sign-in of the university. Have it changed there, if it is wrong.")
            % {"person": user, "number": known},
            code="number-vouched",
            field="number",
        )


def verify_as_typed(*, enrolments: Iterable[Enrolment]) -> tuple[int, list[str]]:
    """Enter the numbers that people typed as checked by the staff of their course.

    Returns:
        For how many, and for whom not, with the reason: nothing typed, no number, or verified for somebody else.
    """
    count, problems = 0, []
    for enrolment in enrolments:
        if enrolment.verified_number:
            continue
        if not enrolment.number:
            problems.append(_("%(person)s: no matriculation number") % {"person": enrolment.user})
            continue
        try:
            verify_number(enrolment=enrolment, number=enrolment.number)
        except RuleViolation as violation:
            problems.append(f"{enrolment.user}: {violation.message}")
        except ValidationError as error:
            problems.append(f"{enrolment.user}: {' '.join(error.messages)}")
        else:
            count += 1
    return count, problems


def _as_name(text: str) -> str:
    """Return what a person may be called of what stands on a roster; nothing where that is no name."""
    name = clean_name(text)
    try:
        is_a_name(name)
    except ValidationError:
        return ""
    return name


def clean_only(user: User, *names: str) -> None:
    """Validate the named fields of a person: another one may hold what an older rule let in.

    Raises:
        ValidationError: one of them breaks its rules.
    """
    user.clean_fields(exclude=[field.name for field in User._meta.fields if field.name not in names])  # noqa: SLF001


def change_profile(*, user: User, **values: Any) -> User:
    """Change what a person says of themselves: name, matriculation number, language.

    A verified matriculation number stays: staff change it. What a provider of sign-ins says stays: it changes it.

    Raises:
        ValidationError: a value breaks the rules of its field.
    """
    unknown = values.keys() - {"display_name", "matriculation_number", "language"}
    if unknown:
        raise TypeError(f"A profile has no field {', '.join(sorted(unknown))}.")
    with transaction.atomic():
        locked = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if "matriculation_number" in values:
            values["matriculation_number"] = clean_number(values["matriculation_number"])
        if locked.is_matriculation_verified:
            values.pop("matriculation_number", None)
        if locked.is_name_verified:
            values.pop("display_name", None)
        for name, value in values.items():
            setattr(locked, name, value)
        clean_only(locked, *values)
        locked.save(update_fields=list(values) or ["display_name"])
    return locked


def refuse_if_closed(course: Course) -> None:
    """Look whether a course takes people who come by themselves.

    Raises:
        RuleViolation: it is not running, or takes nobody.
    """
    if course.state != Course.State.RUNNING or course.enrolment_policy == Course.EnrolmentPolicy.CLOSED:
        raise RuleViolation(_("Enrolment in this course is closed. Ask its staff."), code="enrolment-closed")


def enrol_self(*, user: User, course: Course, code: str = "", now: datetime) -> Enrolment:
    """Enrol a person who asks for it, by the course's policy.

    Raises:
        RuleViolation: the course is not running, is closed, wants another code, or its
            roster does not name any of the person's confirmed addresses.
    """
    with transaction.atomic():
        course = lock_course(course.pk)
        existing = Enrolment.objects.filter(user=user, course=course).first()
        if existing is not None:
            return existing
        refuse_if_closed(course)
        if course.enrolment_policy == Course.EnrolmentPolicy.CODE and not constant_time_compare(
            clean_line(code).casefold(), course.enrolment_code.casefold()
        ):
            raise RuleViolation(
                _("This is not the course's code. Check it with your lecturer; upper and lower case don't matter."),
                code="wrong-code",
                field="code",
            )
        if course.enrolment_policy == Course.EnrolmentPolicy.ROSTER:
            return _enrol_by_roster(user=user, course=course)
        return enrol(user=user, course=course)


def _enrol_by_roster(*, user: User, course: Course) -> Enrolment:
    # Who left may ask to come back: the course has been locked, and looked at.
    free = entries_of(user=user, course=course).filter(enrolment__isnull=True)
    for entry in free.select_for_update(of=("self",)).select_related("course").order_by("pk"):
        if enrolment := _join_by(entry, user):
            return enrolment
    raise RuleViolation(
        _(
            "The roster of this course names none of your confirmed addresses. Add your university address to your account, or ask the staff."
        ),
        code="not-on-roster",
    )


@dataclass(frozen=True, slots=True)
class Tie:
    """What binds a student to a course.

    Attributes:
        code: names it.
        to_them: tells the student why they stay, and what to do.
        of_them: tells the staff the same of them.
        is_open: whether it is still going on, as a seat is; a record is not, and keeps nobody from teaching.
    """

    code: str
    to_them: str
    of_them: str
    is_open: bool


Ties = Callable[[Enrolment], Iterable[Tie]]
ties: Hook[Ties] = Hook("ties of a student to a course")
Departure = Callable[[Enrolment], None]
# What an app lets go of when a student who is bound by nothing leaves.
before_leaving: Hook[Departure] = Hook("ends of a student's part")
# What an app lets go of when a student who takes part in nothing any more comes to teach.
before_teaching: Hook[Departure] = Hook("ends of what a student looked for")
# What somebody who teaches is to do and others have to take over, each in words, and how it is freed for them.
Duty = Callable[[Enrolment], str]
before_teaching_ends: Hook[Duty] = Hook("duties of who teaches")


def ties_of(enrolment: Enrolment) -> list[Tie]:
    """Return what binds a student to their course."""
    return [tie for look in ties for tie in look(enrolment)]


def need_free_to_teach(enrolment: Enrolment) -> None:
    """Refuse to let a student teach a course in which they still take part themselves; who teaches already may.

    Raises:
        RuleViolation: they hold a seat or wait for one, or are in a team whose work is not assessed; it says what to do.
    """
    for tie in () if enrolment.is_staff else ties_of(enrolment):
        if tie.is_open:
            raise RuleViolation(f"{enrolment.user}: {tie.of_them}", code=tie.code, field="role")


def begin_teaching(enrolment: Enrolment) -> None:
    """Let a student teach a course: what they looked for as one goes with the role.

    Raises:
        RuleViolation: as `need_free_to_teach`.
    """
    need_free_to_teach(enrolment)
    for departure in before_teaching:
        departure(enrolment)


def end_teaching(enrolment: Enrolment) -> list[str]:
    """Free for others what somebody had to do who teaches no more; return what that is, in words."""
    return [said for duty in before_teaching_ends if (said := duty(enrolment))]


def leave_course(*, enrolment: Enrolment) -> None:
    """End a student's part in a course; they stay out of it until they ask, or are asked, to join.

    Raises:
        RuleViolation: staff don't leave by themselves, so that a course is never without
            them; and what a student did may bind them, such as a project in a team.
    """
    if enrolment.is_staff:
        raise RuleViolation(
            _("You teach in this course. Another lecturer can take you out at the desk."), code="staff-stay"
        )
    with transaction.atomic():
        lock_course(enrolment.course_id)
        enrolment = (
            Enrolment.objects.select_for_update(of=("self",)).select_related("user", "course").get(pk=enrolment.pk)
        )
        for tie in ties_of(enrolment):
            raise RuleViolation(tie.to_them, code=tie.code)
        if not _let_go(enrolment):
            raise RuleViolation(
                _("What you did in this course is kept with your enrolment. Ask the staff if you want to leave."),
                code="has-work",
            )


def _let_go(enrolment: Enrolment) -> bool:
    """Delete a student's part in a course, with what came to nothing of it; return whether nothing keeps it."""
    try:
        with transaction.atomic():
            for departure in before_leaving:
                departure(enrolment)
            _end(enrolment)
    except ProtectedError:
        return False
    return True


def _end(enrolment: Enrolment) -> None:
    """Delete a part in a course, and note on its roster that the person left: nothing there gives it back by itself."""
    theirs = entries_of(user=enrolment.user, course=enrolment.course)
    theirs.filter(Q(enrolment=enrolment) | Q(enrolment__isnull=True)).update(left_by=enrolment.user)
    enrolment.delete()


def take_out(*, enrolments: Iterable[Enrolment], by: User) -> list[str]:
    """Delete parts in courses for the staff, all or none; these people stay out until they ask, or are asked, to join.

    Each is looked at again under the lock of its course: of a course's lecturers who are all chosen, or who take
    each other out at the same moment, each by itself is not the last one. Students go as when they leave by themselves.

    Returns:
        What those who taught had to do, and is free for others now, in words.

    Raises:
        RuleViolation: a course would be left without a lecturer, which only who runs the site may do; or something binds
            a student to it.
    """
    freed: list[str] = []
    with transaction.atomic():
        chosen = {enrolment.pk: enrolment.course_id for enrolment in enrolments}
        for pk in sorted(set(chosen.values())):
            lock_course(pk)
        for enrolment in Enrolment.objects.filter(pk__in=chosen).select_related("user", "course").order_by("pk"):
            if is_last_lecturer(enrolment) and not by.is_superuser:
                raise RuleViolation(
                    _(
                        "Nobody was taken out: %(course)s would be left without a lecturer. "
                        "Choose again without %(name)s, or appoint another lecturer first."
                    )
                    % {"course": enrolment.course, "name": enrolment.user},
                    code="last-lecturer",
                )
            if enrolment.is_staff:
                freed += end_teaching(enrolment)
                _end(enrolment)
            else:
                _take_out_student(enrolment)
    return freed


def _take_out_student(enrolment: Enrolment) -> None:
    for tie in ties_of(enrolment):
        raise RuleViolation(f"{enrolment.user}: {tie.of_them}", code=tie.code)
    if not _let_go(enrolment):
        raise RuleViolation(
            _("%(name)s: What they did in this course is kept with their enrolment, so they stay in it.")
            % {"name": enrolment.user},
            code="has-work",
        )
