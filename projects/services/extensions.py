"""More time: asked for by students, given by the staff."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amls.agenda.services import reconcile
from amls.core.bounds import Bound, spend
from amls.core.times import say_time
from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment, User
from amls.courses.services import lock_course, touch
from amls.held.services import HOLD, need_untold
from amls.mail.corrections import call_off
from amls.mail.outbox import notify_each, notify_enrolled
from projects.deadlines import Deadlines, Timeliness
from projects.models import Assessment, Assignment, Extension, ExtensionRequest, Membership, Project, Submission
from projects.services.deductions import follow_deductions_for, follow_deductions_of
from projects.services.joining import in_team
from projects.services.locks import (
    active_membership,
    follow_in_feeds,
    lock_every_project,
    lock_project,
    require_running,
    require_valid,
    save_checked,
    tell,
    told_of,
)
from projects.services.registration import require_active
from projects.teamrows import members_by_project, members_of

DECLINED = "projects.extension-declined"
# Each is a mail to everyone of the staff; a slip of the pen may be taken back and asked again.
_REQUESTS = Bound(
    "projects.extension-requests",
    most=5,
    per=timedelta(days=1),
    message=gettext_lazy(
        "Your team has asked %(most)s times today. Ask again in %(wait)s, or write to the staff of your course."
    ),
)


def request_extension(
    *, project: Project | Assignment, by: Enrolment, reason: str, wanted_until: datetime | None, now: datetime
) -> ExtensionRequest:
    """Ask the staff for more time, for the whole team; the reason is for them only.

    Of an assignment without topics it is the team of `by`, which is made with the request where there is none.

    Raises:
        RuleViolation: the team has asked already or too often today, gives no reason, wants less time than it has, or has
            its result; or the assignment opens later.
    """
    ask = partial(_ask, by=by, reason=reason, wanted_until=wanted_until, now=now)
    if isinstance(project, Assignment):
        return in_team(ask, enrolment=by, assignment=project, now=now)
    return ask(project)


def _ask(
    project: Project, *, by: Enrolment, reason: str, wanted_until: datetime | None, now: datetime
) -> ExtensionRequest:
    with transaction.atomic():
        project = lock_project(project.pk)
        require_running(project.course)
        require_active(project)
        if not reason.strip():
            raise RuleViolation(_("Say why you need more time."), code="no-reason", field="reason")
        if Assessment.objects.filter(project=project, published_at__isnull=False).exists():
            raise RuleViolation(
                _("Your work is assessed, so more time would change nothing. Write to the staff about the result."),
                code="published",
            )
        due_at = Deadlines.of(project.assignment).for_team(project.pk, _member_pks(project))
        if due_at is None:
            raise RuleViolation(_("There is no deadline to extend."), code="no-deadline")
        if wanted_until is not None and wanted_until <= due_at:
            raise RuleViolation(
                _("You have time until %(due)s. Ask for a later time.")
                % {"due": say_time(due_at, project.course.zone, now=now)},
                code="not-later",
                field="wanted_until",
            )
        if ExtensionRequest.objects.filter(project=project, state=ExtensionRequest.State.OPEN).exists():
            raise RuleViolation(_("Your team has asked already. Wait for the answer."), code="asked-already")
        request = ExtensionRequest(
            project=project, enrolment=by, reason=reason, wanted_until=wanted_until, asked_at=now
        )
        save_checked(request)
        spend(_REQUESTS, who=project.pk, now=now)
        staff = Enrolment.objects.staff().filter(course=project.course).select_related("user", "course")
        tell("projects.extension-asked", staff, cause=str(request.pk), now=now, references={"request": request.pk})
    return request


def take_request_back(*, request: ExtensionRequest, now: datetime) -> None:
    """Take an undecided request back."""
    with transaction.atomic():
        request = ExtensionRequest.objects.select_for_update().get(pk=request.pk)
        if request.state == ExtensionRequest.State.OPEN:
            request.state, request.decided_at = ExtensionRequest.State.WITHDRAWN, now
            request.save(update_fields=["state", "decided_at"])


def grant_request(
    *,
    request: ExtensionRequest,
    by: User,
    now: datetime,
    due_at: datetime | None = None,
    delta: timedelta | None = None,
    answer: str = "",
) -> Extension:
    """Give the team that asked more time; page, feed and reminders follow at once, and a mail says so.

    Raises:
        RuleViolation: decided already, or it would not be later than what the team has.
    """
    with transaction.atomic():
        project = lock_project(request.project_id)
        request = _decide(request, ExtensionRequest.State.GRANTED, by=by, answer=answer, now=now)
        wanted = _MoreTime(due_at, delta, request.reason, by, now)
        return _grant(wanted.draft(project.assignment, project=project), request=request)


def decline_request(*, request: ExtensionRequest, by: User, answer: str, now: datetime) -> None:
    """Say no to a request, with an answer; a mail says so in five minutes.

    Raises:
        RuleViolation: decided already, or without an answer.
    """
    if not answer.strip():
        raise RuleViolation(_("Say why, so that the team understands."), code="no-answer", field="answer")
    with transaction.atomic():
        project = lock_project(request.project_id)
        request = _decide(request, ExtensionRequest.State.DECLINED, by=by, answer=answer, now=now)
        references, cause = {"request": request.pk}, f"{request.pk}:{now.timestamp()}"
        tell(DECLINED, members_of(project), cause=cause, now=now, references=references, not_before=now + HOLD)


def reopen_request(*, request: ExtensionRequest, now: datetime) -> list[Submission]:
    """Take the decision on a request back before it is told: it waits for one again, and nobody hears of it.

    Returns:
        What was handed in by the time that was given, as `revoke_extension`.

    Raises:
        RuleViolation: it is told already, the team took it back, or it waits for a decision.
    """
    with transaction.atomic():
        course = lock_project(request.project_id).course
        request = ExtensionRequest.objects.select_for_update(of=("self",)).get(pk=request.pk)
        decided = (ExtensionRequest.State.GRANTED, ExtensionRequest.State.DECLINED)
        if request.state not in decided or request.decided_at is None:
            raise RuleViolation(_("It is taken back already."), code="undone")
        need_untold(request.decided_at, course=course, now=now)
        given = Extension.objects.filter(project=request.project_id, granted_at=request.decided_at, revoked_at=None)
        revoked = given if request.state == ExtensionRequest.State.GRANTED else ()
        kept = [attempt for extension in revoked for attempt in revoke_extension(extension=extension, now=now)]
        call_off(kind=DECLINED, references={"request": request.pk}, now=now)
        request.state, request.answer = ExtensionRequest.State.OPEN, ""
        request.decided_at = request.decided_by = None
        require_valid(request)
        request.save(update_fields=["state", "answer", "decided_at", "decided_by"])
    return kept


def _decide(
    request: ExtensionRequest, state: ExtensionRequest.State, *, by: User, answer: str, now: datetime
) -> ExtensionRequest:
    request = ExtensionRequest.objects.select_for_update(of=("self",)).get(pk=request.pk)
    if request.state != ExtensionRequest.State.OPEN:
        raise RuleViolation(
            _("This request is decided already: %(state)s.") % {"state": request.get_state_display()},
            code="request-decided",
        )
    request.state, request.decided_at, request.decided_by, request.answer = state, now, by, answer
    request.save(update_fields=["state", "decided_at", "decided_by", "answer"])
    return request


def extend(
    *,
    by: User,
    reason: str,
    now: datetime,
    assignment: Assignment | None = None,
    projects: Iterable[Project] = (),
    enrolment: Enrolment | None = None,
    due_at: datetime | None = None,
    delta: timedelta | None = None,
) -> list[Extension]:
    """Give more time to some teams, to one person (and so to their team), or, with neither, to all.

    Of several teams, those that have as much time already are left out.

    Args:
        by: who gives it.
        reason: for the staff.
        now: the request's clock.
        assignment: whose deadline it is; teams have theirs.
        projects: the teams, each for its own assignment.
        enrolment: the person.
        due_at: until then; or
        delta: by so much later than the assignment's deadline, also when that moves.

    Raises:
        RuleViolation: no reason, no deadline, or it would not be later than what they have, for any team.
        TypeError: neither teams nor an assignment.
    """
    if not reason.strip():
        raise RuleViolation(_("Say why, for the record."), code="no-reason", field="reason")
    _require_one_time(due_at, delta)
    chosen = sorted(projects, key=lambda project: project.pk)
    with transaction.atomic():
        wanted = _MoreTime(due_at, delta, reason, by, now)
        if chosen:
            return _grant_each(chosen, wanted)
        if assignment is None:
            raise TypeError("Say which assignment's deadline it is.")
        if enrolment is not None:
            return [_grant(wanted.draft(assignment, enrolment=enrolment))]
        course = lock_course(assignment.course_id)
        extension = _grant(wanted.draft(assignment))
        reconcile(course, now=now, sources=["projects"])
        return [extension]


def _require_one_time(due_at: datetime | None, delta: timedelta | None) -> None:
    """Refuse what the database would, before it is asked about many teams."""
    if (due_at is None) == (delta is None):
        raise RuleViolation(_("Give either the new time or by how much it is later."), code="invalid")
    if delta is not None and delta <= timedelta(0):
        raise RuleViolation(_("An extension gives time, it doesn't take it."), code="invalid")


@dataclass(frozen=True, slots=True)
class _MoreTime:
    """What is given, by whom and when, to whomever.

    Attributes:
        due_at: until then; or
        delta: by so much later than the assignment's deadline.
    """

    due_at: datetime | None
    delta: timedelta | None
    reason: str
    by: User
    now: datetime

    def draft(
        self, assignment: Assignment, *, project: Project | None = None, enrolment: Enrolment | None = None
    ) -> Extension:
        """Return the extension of a team, of a person or, with neither, of all; it isn't kept yet."""
        return Extension(
            course=assignment.course,
            assignment=assignment,
            project=project,
            enrolment=enrolment,
            due_at=self.due_at,
            delta=self.delta,
            reason=self.reason,
            granted_at=self.now,
            granted_by=self.by,
        )


def _grant_each(projects: Sequence[Project], wanted: _MoreTime) -> list[Extension]:
    """Give more time to some teams: as many queries for many as for two."""
    locked = lock_every_project(*(project.pk for project in projects))
    teams = members_by_project(locked.values())
    deadlines = Deadlines.of_each({project.assignment_id: project.assignment for project in locked.values()}.values())
    drafts: list[Extension] = []
    refusal, now = None, wanted.now
    for project in locked.values():
        known = deadlines[project.assignment_id]
        extension = wanted.draft(project.assignment, project=project)
        try:
            _require_deadline(extension, known, now=now)
            if not drafts:
                # They differ in their project alone.
                require_valid(extension, asks=False)
            before = known.for_team(project.pk, [team.pk for team in teams[project.pk]])
            _require_later(extension, known, before, is_asked=False, now=now)
        except RuleViolation as violation:
            if violation.code != "not-later":
                raise
            refusal = violation
        else:
            drafts.append(extension)
    if refusal is not None and not drafts:
        raise refusal
    given = Extension.objects.bulk_create(drafts)
    follow_deductions_of([locked[row.project_id or 0] for row in given], now=now)
    kind = "projects.extended"
    told = [
        told_of(kind, person, str(extension.pk), {"extension": extension.pk})
        for extension in given
        for person in teams[extension.project_id or 0]
    ]
    notify_each(told, kind=kind, now=now, not_before=now + HOLD)
    follow_in_feeds([person for extension in given for person in teams[extension.project_id or 0]], now=now)
    return given


def _grant(extension: Extension, *, request: ExtensionRequest | None = None) -> Extension:
    """Keep an extension of a team, a person or all, and tell whom it reaches; `request` asked for it."""
    deadlines, now = Deadlines.of(extension.assignment), extension.granted_at
    _require_deadline(extension, deadlines, now=now)
    require_valid(extension)
    _require_later(extension, deadlines, _time_before(extension, deadlines), is_asked=request is not None, now=now)
    extension.save()
    people = _reached_by(extension)
    follow_deductions_for(extension.assignment, whose=[person.pk for person in people], now=now)
    references = {"extension": extension.pk, **({"request": request.pk} if request else {})}
    # The time is there at once, as it may be the last minute; that it is told waits, and so it can be taken back.
    held = now + HOLD
    tell("projects.extended", people, cause=str(extension.pk), now=now, references=references, not_before=held)
    _tell_the_others("projects.extended", extension, now=now, not_before=held)
    follow_in_feeds(people, now=now)
    return extension


def _require_deadline(extension: Extension, deadlines: Deadlines, *, now: datetime) -> None:
    """Refuse to extend what is not there, or to end before it does."""
    base, course = deadlines.base, extension.course
    if base is None:
        raise RuleViolation(_("This course has no submission deadline to extend."), code="no-deadline")
    if extension.due_at is not None and extension.due_at <= base:
        raise RuleViolation(
            _("The deadline is %(due)s. An extension ends later.") % {"due": say_time(base, course.zone, now=now)},
            code="not-later",
            field="due_at",
        )


def _time_before(extension: Extension, deadlines: Deadlines) -> datetime | None:
    """Return until when those whom an extension is for have time without it."""
    person = extension.enrolment
    membership = active_membership(person, extension.assignment) if person is not None else None
    project = membership.project if membership is not None else extension.project
    if project is not None:
        return deadlines.for_team(project.pk, _member_pks(project))
    if person is not None:
        return deadlines.for_team(0, [person.pk])
    return deadlines.for_all


def _require_later(
    extension: Extension, deadlines: Deadlines, before: datetime | None, *, is_asked: bool, now: datetime
) -> None:
    """Refuse what gives no time to whom it is for, who have it until `before` already."""
    if deadlines.base is None or before is None or extension.extends(deadlines.base) > before:
        return
    said = (
        _("The team has time until %(due)s already. Give it more, or decline with an answer.")
        if is_asked
        else _("There is time until %(due)s already. An extension ends later.")
    )
    raise RuleViolation(said % {"due": say_time(before, extension.course.zone, now=now)}, code="not-later")


def revoke_extension(*, extension: Extension, now: datetime) -> list[Submission]:
    """Take an extension back; page, feed and reminders follow at once, and a mail says so to whom one had told of it.

    Returns:
        What was handed in while it held, in time by it alone: it stays as good as in time, as its receipt says.
    """
    with transaction.atomic():
        course = lock_course(extension.course_id)
        rows = Extension.objects.select_for_update(of=("self",)).select_related("project", "assignment__course")
        extension = rows.get(pk=extension.pk)
        if extension.revoked_at is not None:
            return []
        relying = Submission.objects.standing().filter(
            project__assignment=extension.assignment, accepted_at__isnull=True, began_at__gte=extension.granted_at
        )
        in_time = _in_time(relying, extension.assignment)
        extension.revoked_at = now
        extension.save(update_fields=["revoked_at"])
        kept = _keep_in_time(in_time, extension.assignment, now=now)
        if extension.is_for_all:
            reconcile(course, now=now, sources=["projects"])
        people = _reached_by(extension)
        follow_deductions_for(extension.assignment, whose=[person.pk for person in people], now=now)
        if now >= extension.granted_at + HOLD:
            references = {"extension": extension.pk}
            tell("projects.extension-revoked", people, cause=str(extension.pk), now=now, references=references)
            _tell_the_others("projects.extension-revoked", extension, now=now)
        follow_in_feeds(people, now=now)
        touch(course, now=now)
    return kept


def _in_time(attempts: Iterable[Submission], assignment: Assignment) -> list[Submission]:
    """Return those of these attempts of an assignment that are in time by what holds now: 2 queries where there are any."""
    rows = list(attempts)
    if not rows:
        return []
    deadlines, members = Deadlines.of(assignment), dict[int, list[int]]()
    active = Membership.objects.active().filter(project__in={row.project_id for row in rows}).order_by()
    for project, enrolment in active.values_list("project", "enrolment"):
        members.setdefault(project, []).append(enrolment)

    def is_in_time(row: Submission) -> bool:
        due_at = deadlines.for_team(row.project_id, members.get(row.project_id, ()))
        return deadlines.standing_at(due_at, row.began_at) == Timeliness.IN_TIME

    return [row for row in rows if is_in_time(row)]


def _keep_in_time(attempts: Sequence[Submission], assignment: Assignment, *, now: datetime) -> list[Submission]:
    """Accept those of these attempts that were in time and are not any more; return them with their teams."""
    still = {row.pk for row in _in_time(attempts, assignment)}
    late = [row for row in attempts if row.pk not in still]
    if not late:
        return []
    teams = lock_every_project(*{row.project_id for row in late})
    Submission.objects.filter(pk__in=[row.pk for row in late]).update(accepted_at=now)
    for row in late:
        row.project, row.accepted_at = teams[row.project_id], now
    return late


def say_kept_in_time(attempts: Sequence[Submission]) -> list[str]:
    """Say whose hand-ins stay in time although an extension is taken back; nothing where there are none."""
    if not attempts:
        return []
    teams = members_by_project({row.project_id: row.project for row in attempts}.values())
    who = "; ".join(", ".join(str(person.user) for person in team) for team in teams.values())
    return [_("Handed in while there was more time, and stays in time: %(who)s.") % {"who": who}]


def _reached_by(extension: Extension) -> list[Enrolment]:
    """Return whose deadline an extension moves: a person's is their whole team's."""
    if extension.project is not None:
        return members_of(extension.project)
    if extension.enrolment is not None:
        membership = active_membership(extension.enrolment, extension.assignment)
        return members_of(membership.project) if membership else [extension.enrolment]
    rows = Membership.objects.active().filter(assignment=extension.assignment)
    return [row.enrolment for row in rows.select_related("enrolment__user", "enrolment__course").order_by("pk")]


def _tell_the_others(kind: str, extension: Extension, *, now: datetime, not_before: datetime | None = None) -> None:
    """Tell what is for all to the students without a project too, in one step."""
    if not extension.is_for_all:
        return
    members = Membership.objects.active().filter(assignment=extension.assignment).values("enrolment")
    others = Enrolment.objects.students().exclude(pk__in=members).filter(earlier_pass__isnull=True)
    references = {"extension": extension.pk}
    key = f"{kind}:{extension.pk}:without-project"
    notify_enrolled(
        others, course=extension.course, key=key, kind=kind, now=now, references=references, not_before=not_before
    )


def _member_pks(project: Project) -> list[int]:
    return list(Membership.objects.active().filter(project=project).values_list("enrolment", flat=True))
