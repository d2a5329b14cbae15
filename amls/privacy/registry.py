"""What the site knows of a person, how it forgets them, and how long it keeps what.

Each app contributes in `hooks/privacy.py`:

    @personal_data.named("projects")                      # the folder in the person's archive
    def tell(user: User) -> Iterator[tuple[str, Any]]:
        yield "memberships.json", [{"topic": …, "since": …}]
        yield "submissions/1/report.pdf", StoredFile(row.file.name)

    @on_account_deletion
    def forget(user: User, now: datetime) -> None:
        …    # delete what is the person's alone; what a team made together stays, without the name

    @retention("exams.accommodations", gettext_lazy("Accommodations"), gettext_lazy("4 weeks after the exam"))
    def purge(now: datetime, dry_run: bool) -> int:
        …    # delete what is over (or only count it), return how many

    @on_course_purge
    def forget_people(courses: Sequence[int]) -> None:
        …    # delete what people did in these courses, before their enrolments go
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from amls.core.hooks import Hook
from amls.core.violations import RuleViolation
from amls.courses.models import AccountEvent, Course, Enrolment, Role, RosterEntry, User
from amls.courses.nameless import nameless_address
from amls.courses.participation import end_teaching
from amls.privacy.traces import addresses_of, blot_out, forget_in_admin_log, names_of

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of the default storage, by its name there."""

    name: str


@dataclass(frozen=True, slots=True)
class Retention:
    """How long a kind of data is kept, in words, and what deletes it.

    Attributes:
        tables: labels of the models that this keeps from growing for ever; their histories are known besides.
    """

    name: str
    label: "str | _StrPromise"
    period: "str | _StrPromise"
    purge: Callable[[datetime, bool], int]
    tables: tuple[str, ...] = ()


Teller = Callable[[User], Iterator[tuple[str, Any]]]
Forgetter = Callable[[User, datetime], None]
# The pks of the courses in.
CoursePurger = Callable[[Sequence[int]], None]
# What an app knows of a person, by the folder in the person's archive: pairs of a path and JSON-able data or a StoredFile.
personal_data: Hook[Teller] = Hook("tellers of personal data")
# What an app does when a person goes, in one transaction with all others.
on_account_deletion: Hook[Forgetter] = Hook("consequences of an account's deletion")
# What an app deletes when the people of old courses are forgotten, in one transaction.
on_course_purge: Hook[CoursePurger] = Hook("consequences of a course's purge")
retention_periods: Hook[Retention] = Hook("retention periods")


def retention(
    name: str, label: "str | _StrPromise", period: "str | _StrPromise", *, tables: Sequence[str] = ()
) -> Callable[[Callable[[datetime, bool], int]], Callable[[datetime, bool], int]]:
    """Contribute, as a decorator, what deletes one kind of data when its time is over; `dry_run` only counts."""

    def register(purge: Callable[[datetime, bool], int]) -> Callable[[datetime, bool], int]:
        retention_periods.add(name, Retention(name, label, period, purge, tuple(tables)))
        return purge

    return register


def forget_people_of(courses: Sequence[int]) -> None:
    """Delete who took part in these courses and all that they did there; what the courses themselves are stays.

    Args:
        courses: pks of courses that are over.
    """
    with transaction.atomic():
        # What hangs on enrolments goes first: the apps that were found last know of it.
        for purger in reversed(on_course_purge):
            purger(courses)
        for model in (Enrolment, RosterEntry):
            forget_rows(model, course__in=courses)


def delete_with_history(rows: QuerySet[Any]) -> int:
    """Delete rows of a tracked model with everything that its history knows of them; return how many rows.

    Where all goes that belongs to something, see `forget_rows`.
    """
    pks = list(rows.values_list("pk", flat=True))
    rows.delete()
    _history_of(rows.model).filter(pgh_obj_id__in=pks).delete()
    return len(pks)


def forget_rows(model: Any, **of: Any) -> int:
    """Delete the rows of a tracked model with all history, also that of rows which are gone, such as points taken back.

    Args:
        model: tracked.
        of: which rows, by lookups that lead over rows which are still there.

    Returns:
        How many rows there were.
    """
    count = delete_with_history(model.objects.filter(**of))
    _history_of(model).filter(**of).delete()
    return count


def _history_of(model: Any) -> QuerySet[Any]:
    events: QuerySet[Any] = model.events.rel.related_model.objects.all()
    return events


def blot_out_of_own(user: User, model: Any, field: str) -> None:
    """Take what names a person out of what others typed about them, also in its history.

    Args:
        user: the person.
        model: whose rows are each about an `enrolment`.
        field: what was typed. Each part of a name counts there, in rows that are about nobody else.
    """
    names = names_of(user)
    numbers = {user.matriculation_number, *user.enrolments.values_list("verified_number", flat=True)} - {""}
    parts = {part for name in names for part in name.split() if len(part) > 1}
    for rows in (model.objects.all(), _history_of(model) if hasattr(model, "events") else None):
        if rows is not None:
            blot_out(rows.filter(enrolment__user=user), field, texts=names | parts | numbers | addresses_of(user))


def retentions() -> list[Retention]:
    """Return how long what is kept, by name."""
    return [retention_periods[name] for name in sorted(retention_periods.names())]


def everything_about(user: User) -> Iterator[tuple[str, Any]]:
    """Yield all that the site knows of a person, as paths with JSON-able data or stored files."""
    for folder, teller in sorted(personal_data.items()):
        for path, content in teller(user):
            yield f"{folder}/{path}", _plain(content)


def _plain(content: Any) -> Any:
    """Return what is told with names that people read: 'course' for 'roll__course__slug', 'assignment' for its title."""
    if isinstance(content, dict):
        return {_plain_name(name): _plain(value) for name, value in content.items()}
    return [_plain(part) for part in content] if isinstance(content, list) else content


def _plain_name(name: str) -> str:
    path = name.split("__")
    return path[-2] if len(path) > 1 and path[-1] in ("slug", "title") else path[-1]


def delete_account(*, user: User, now: datetime) -> None:
    """Forget a person: the account becomes nameless and can't be entered; what a team made together stays.

    What they had to do in courses in which they teach is free for others.

    Raises:
        RuleViolation: a running course would be left without a lecturer (code 'last-lecturer'), or the
            installation without anybody who runs it (code 'last-superuser').
    """
    with transaction.atomic():
        locked = _lock(user)
        _refuse_if_needed(locked)
        # The apps that were found last first: what they tell others may be told to the person as well,
        # and their mail and calendar go after it.
        for forgetter in reversed(on_account_deletion):
            forgetter(locked, now)
        for enrolment in Enrolment.objects.staff().filter(user=locked).select_related("user", "course"):
            end_teaching(enrolment)
        addresses = addresses_of(locked)
        forget_in_admin_log(locked)
        theirs = Q(enrolment__user=locked)
        for address in addresses:
            theirs |= Q(email__iexact=address)
        # Who joined by a claim stands there with an address that the account never had.
        delete_with_history(RosterEntry.objects.filter(theirs))
        RosterEntry.declined.through.objects.filter(user=locked).delete()
        RosterEntry.objects.filter(claimed_by=locked).update(claimed_by=None, claimed_at=None)
        RosterEntry.objects.filter(left_by=locked).update(left_by=None)
        Session.objects.filter(session_key__in=UserSession.objects.filter(user=locked).values("session_key")).delete()
        for model in (EmailAddress, Authenticator, UserSession, AccountEvent):
            model.objects.filter(user=locked).delete()
        locked.email = nameless_address(locked.pk)
        locked.display_name = locked.matriculation_number = locked.language = ""
        locked.is_active = locked.is_superuser = False
        locked.password = make_password(None)
        locked.last_login = None
        locked.save()
        Enrolment.objects.filter(user=locked).update(verified_number="")
        # The history would still know name and number.
        _history_of(Enrolment).filter(user_id=locked.pk).update(verified_number="")
        _history_of(User).filter(pgh_obj_id=locked.pk).delete()
        for address in addresses:
            _history_of(RosterEntry).filter(email__iexact=address).delete()


def _lock(user: User) -> User:
    """Return the person, locked after all on whom it depends whether they may go.

    The courses come first, as in every write, then people by pk: of the last two lecturers, or the last two who
    run the site, who go at the same moment, the second waits and then sees that the first went.
    """
    lectured = Enrolment.objects.filter(user=user, role=Role.LECTURER).values("course")
    list(Course.objects.select_for_update(no_key=True).filter(pk__in=lectured).order_by("pk"))
    people = Q(pk=user.pk) | Q(is_superuser=True, is_active=True) if user.is_superuser else Q(pk=user.pk)
    list(User.objects.select_for_update(no_key=True).filter(people).order_by("pk"))
    return User.objects.get(pk=user.pk)


def _refuse_if_needed(user: User) -> None:
    lectured = Course.objects.filter(state=Course.State.RUNNING, enrolments__user=user, enrolments__role=Role.LECTURER)
    for course in lectured:
        others = Enrolment.objects.reachable().filter(course=course, role=Role.LECTURER).exclude(user=user)
        if not others.exists():
            raise RuleViolation(
                _("You are the only lecturer of %(course)s. Let somebody else take it over, or archive it, first.")
                % {"course": course},
                code="last-lecturer",
            )
    if user.is_superuser and not User.objects.filter(is_superuser=True, is_active=True).exclude(pk=user.pk).exists():
        raise RuleViolation(
            _("You are the only one who runs this site. Let somebody else take it over first."), code="last-superuser"
        )
