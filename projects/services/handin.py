"""Handing in: attempts are added, never changed."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from amls.core.bounds import Bound, give_back, spend
from amls.core.clock import deadline_closes_at
from amls.core.sizes import say_size
from amls.core.statements import ModelStatement, Parameter, Statement
from amls.core.times import say_time
from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment, User
from amls.files.checks import CheckedFile, check_upload
from amls.files.storing import NOT_STORED, KeptFile, keeping
from amls.mail.outbox import notify_each
from projects.deadlines import AttemptStanding, Deadlines, Timeliness, may_pick
from projects.models import Assignment, Membership, Project, Submission, SubmissionFile
from projects.models.submissions import stored_path
from projects.queries import bytes_kept
from projects.services.checking import CHECKS
from projects.services.deductions import follow_deductions_of
from projects.services.joining import in_team, require_open
from projects.services.locks import (
    active_membership,
    follow_in_feeds,
    lock_project,
    lock_projects,
    require_running,
    require_valid,
    tell,
    told_of,
    whom_to_ask,
)
from projects.services.registration import require_active
from projects.teamrows import members_by_project, members_of
from projects.tickets import began_by_ticket

# Short, so that whoever presses too often at a deadline waits minutes; what is refused counts too.
_TRIES = Bound(
    "projects.hand-in-tries",
    most=20,
    per=timedelta(minutes=10),
    message=gettext_lazy(
        "Your team sent hand-ins %(most)s times within 10 minutes. What was kept stays and counts. "
        "Try again in %(wait)s."
    ),
)
# As much as a team may ever need in a day, and at least so many attempts as large as its course takes them.
_BYTES_A_DAY = 2 * 1024**3
_FULL_ATTEMPTS_A_DAY = 10


class FilesRefused(RuleViolation):
    """Some of the files can't be handed in.

    Attributes:
        refused: these.
    """

    def __init__(self, message: str, *, code: str, refused: Sequence[UploadedFile[Any]]) -> None:
        super().__init__(message, code=code, field="files")
        self.refused = refused


def _bytes_bound(assignment: Assignment) -> Bound:
    return Bound(
        "projects.hand-in-bytes",
        most=max(_BYTES_A_DAY, _FULL_ATTEMPTS_A_DAY * assignment.max_files * assignment.max_bytes),
        per=timedelta(days=1),
        message=gettext_lazy(
            "Your team handed in more than %(most)s within a day. What was kept stays and counts. "
            "Leave large data out and give its address in the comment, or try again in %(wait)s."
        ),
        field="files",
        show=say_size,
    )


def check_files(
    uploads: Sequence[UploadedFile[Any]], assignment: Assignment
) -> list[tuple[UploadedFile[Any], CheckedFile]]:
    """Return what each upload is; some are not judged yet, where that takes longer than a request may wait.

    Raises:
        RuleViolation: too many files.
        FilesRefused: what is wrong with which of them, all at once.
    """
    if len(uploads) > assignment.max_files:
        raise RuleViolation(
            ngettext(
                "Hand in at most %(count)d file. Pack them into one ZIP archive.",
                "Hand in at most %(count)d files. Pack them into one ZIP archive.",
                assignment.max_files,
            )
            % {"count": assignment.max_files},
            code="too-many-files",
            field="files",
        )
    checked, wrong, refused = [], [], []
    for upload in uploads:
        try:
            judged = check_upload(
                upload,
                upload.name or "",
                size=upload.size or 0,
                max_bytes=assignment.max_bytes,
                allowed=assignment.allowed_suffixes,
                may_wait=True,
            )
        except RuleViolation as violation:
            wrong.append(violation)
            refused.append(upload)
        else:
            checked.append((upload, judged))
    if wrong:
        raise FilesRefused(" ".join(str(violation.message) for violation in wrong), code=wrong[0].code, refused=refused)
    return checked


def hand_in(
    *,
    project: Project | Assignment,
    by: Enrolment,
    uploads: Sequence[UploadedFile[Any]] = (),
    repository_url: str = "",
    commit: str = "",
    comment: str = "",
    request_key: uuid.UUID,
    ticket: str = "",
    began_at: datetime,
    now: datetime,
) -> Submission:
    """Add an attempt of a team, and give everyone in it a receipt.

    An upload that began in time counts, also if it ends after. Two teammates at once give
    two attempts. What fails leaves nothing behind. Where looking into a file takes longer than a
    request may wait, the attempt counts meanwhile, and a worker looks (`projects.services.checking`).

    Args:
        project: whose attempt it is; an assignment without topics: of the person's team for it, which is made with the
            attempt where there is none.
        by: the member who hands in.
        uploads: files of the kinds that the assignment takes.
        repository_url: an address, with or instead of files; then with `commit`.
        commit: the hash of the commit that counts.
        comment: for the assessor.
        request_key: drawn for the page that was filled in; the same sent twice is one attempt.
        ticket: from `issue_ticket`, if the page took one.
        began_at: when the request began, before its body was read.
        now: when it was received.

    Raises:
        RuleViolation: nothing to hand in, a file that is not taken, after the cut-off (with
            the exact times and whom to ask), not in this team, or too much within a short time.
    """
    if isinstance(project, Assignment):
        # A teammate may have made the team since the page was shown.
        place = active_membership(by, project)
        project = place.project if place is not None else project
    team = project if isinstance(project, Project) else None
    assignment = project.assignment if isinstance(project, Project) else project
    said = {"repository_url": repository_url, "commit": commit, "comment": comment}
    if not uploads and not repository_url:
        pressed = Submission.objects.filter(request_key=request_key, project=team).first()
        if pressed is not None and _is_same(pressed, None, **said):
            # Its files had been kept on the server, and went with the first press of the button.
            return pressed
        raise RuleViolation(_("Choose a file or give the address of your repository."), code="nothing", field="files")
    whose = project.pk if team is not None else f"{assignment.pk} {by.pk}"
    spend(_TRIES, who=whose, now=now)
    checked = check_files(uploads, assignment)
    try:
        with keeping(checked, stored_path) as kept:
            # Behind a front server that buffers, `now` is when the upload ended.
            proven = began_by_ticket(
                ticket, assignment=assignment, by=by, files=[(file.size, file.sha256) for file in kept], now=began_at
            )
            add = partial(
                _add_attempt,
                by=by,
                kept=kept,
                waits=not all(file.is_judged for _upload, file in checked),
                request_key=request_key,
                began_at=min(moment for moment in (began_at, proven, now) if moment is not None),
                now=now,
                said=said,
            )
            if team is None:
                return in_team(add, enrolment=by, assignment=assignment, now=now)
            return add(team)
    except _PressedTwiceError as pressed:
        return pressed.submission
    except RuleViolation as violation:
        if violation.code == NOT_STORED:
            give_back(_TRIES, who=whose)
        raise


def _add_attempt(
    project: Project,
    *,
    by: Enrolment,
    kept: Sequence[KeptFile],
    waits: bool,
    request_key: uuid.UUID,
    began_at: datetime,
    now: datetime,
    said: Mapping[str, str],
) -> Submission:
    with transaction.atomic():
        project = lock_project(project.pk)
        # The same press of the button may have come in before, also while this one waited for the lock.
        existing = _pressed().first({"key": request_key})
        if existing is not None:
            files = [(file.size, file.sha256) for file in kept]
            if existing.project_id == project.pk and _is_same(existing, files, **said):
                raise _PressedTwiceError(existing)
            # The page came back from the browser's history and was filled in anew, perhaps for another team.
            request_key = uuid.uuid4()
        people = members_of(project)
        standing = _require_may_hand_in(project, by, people, began=began_at, now=now)
        _require_room(project, sum(file.size for file in kept))
        spend(_bytes_bound(project.assignment), who=project.pk, amount=sum(file.size for file in kept), now=now)
        submission = _save_attempt(
            project,
            by=by,
            request_key=request_key,
            began_at=began_at,
            received_at=now,
            check_due_at=now if waits else None,
            receipt_said=standing.as_json,
            **said,
        )
        _add_files(submission, kept)
        if waits:
            CHECKS.ring()
        references = {"submission": submission.pk}
        tell("projects.receipt", people, cause=str(submission.pk), now=now, references=references)
        follow_in_feeds(people, now=now)
    return submission


@cache
def _pressed() -> ModelStatement[Submission]:
    return ModelStatement.of(Submission.objects.filter(request_key=Parameter("key")))


def _is_same(existing: Submission, files: Sequence[tuple[int, str]] | None, **values: str) -> bool:
    """Return whether an attempt is what is sent now; without `files`, whether what was typed is."""
    # Cleaned as the stored ones were.
    said = Submission(**values)
    for name, value in values.items():
        field: Any = Submission._meta.get_field(name)  # noqa: SLF001 - Django's documented way
        setattr(said, name, field.to_python(value))
    kept = existing.files.values_list("size", "sha256")
    return (files is None or sorted(kept) == sorted(files)) and all(
        getattr(existing, name) == getattr(said, name) for name in values
    )


def _add_files(submission: Submission, kept: Sequence[KeptFile]) -> None:
    SubmissionFile.objects.bulk_create(
        SubmissionFile(
            submission=submission,
            file=file.name,
            filename=file.checked.filename,
            content_type=file.checked.content_type,
            size=file.size,
            sha256=file.sha256,
        )
        for file in kept
    )


class _PressedTwiceError(Exception):
    """The attempt was there already: what was stored for this one goes away again."""

    def __init__(self, submission: Submission) -> None:
        super().__init__()
        self.submission = submission


def _require_room(project: Project, sent: int) -> None:
    kept, most = bytes_kept(project), project.assignment.max_total_bytes
    if sent and kept + sent > most:
        raise RuleViolation(
            _(
                "All hand-ins of a team may have %(most)s together; with these files yours would have %(size)s. What "
                "was kept stays and counts. Leave large data out and give its address in the comment, or ask for more "
                "room. %(ask)s"
            )
            % {
                "most": say_size(most),
                "size": say_size(kept + sent, is_rounded_up=True),
                "ask": whom_to_ask(project.course),
            },
            code="no-room",
            field="files",
        )


def _save_attempt(project: Project, *, by: Enrolment, **values: Any) -> Submission:
    ((newest,),) = _newest_attempt().run({"project": project.pk})
    submission = Submission(project=project, attempt=(newest or 0) + 1, submitted_by=by, **values)
    if submission.repository_url and not submission.commit:
        raise RuleViolation(
            _("Give the commit that counts, so that later changes don't matter."), code="no-commit", field="commit"
        )
    # Its numbers and times were made here, under the project's lock: what the database asks for is not looked up before.
    require_valid(submission, asks=False)
    submission.save(force_insert=True)
    return submission


@cache
def _newest_attempt() -> Statement:
    project = Project.objects.filter(pk=Parameter("project")).order_by()
    return Statement.of(project.values_list(Max("submissions__attempt")))


def _require_may_hand_in(
    project: Project, by: Enrolment, people: Sequence[Enrolment], *, began: datetime, now: datetime
) -> AttemptStanding:
    """Return how it stands what somebody hands in, or refuse it."""
    course = project.course
    require_running(course)
    require_active(project)
    if not project.assignment.is_handed_in_here:
        raise RuleViolation(_("This is not handed in here."), code="not-here")
    require_open(project.assignment, now=now)
    if project.waits_for_topic:
        raise RuleViolation(_("Your team has no topic yet. You can hand in once it has one."), code="no-topic-yet")
    members = [person.pk for person in people]
    if by.pk not in members:
        raise RuleViolation(_("You are not in this team."), code="not-a-member")
    deadlines = Deadlines.of(project.assignment)
    due_at = deadlines.for_team(project.pk, members)
    closes = deadlines.closes_at(due_at)
    if due_at is not None and closes is not None and deadlines.standing_at(due_at, began) == Timeliness.REFUSED:
        if closes <= deadline_closes_at(due_at):
            said = _("The deadline was %(due)s. Your upload began %(began)s by the server's clock. %(ask)s")
        elif deadlines.late.grace:
            said = _(
                "The deadline was %(due)s, and with the time of grace hand-ins were taken until %(closes)s. "
                "Your upload began %(began)s by the server's clock. %(ask)s"
            )
        elif deadlines.late.counts:
            said = _(
                "The deadline was %(due)s, and late hand-ins were taken until %(closes)s. "
                "Your upload began %(began)s by the server's clock. %(ask)s"
            )
        else:
            said = _(
                "The deadline was %(due)s, and late hand-ins were kept until %(closes)s. "
                "Your upload began %(began)s by the server's clock. %(ask)s"
            )
        raise RuleViolation(
            said
            % {
                "due": say_time(due_at, course.zone, now=now),
                "closes": say_time(closes - timedelta(minutes=1), course.zone, now=now),
                "began": say_time(began, course.zone, now=now, to_the_second=True),
                "ask": whom_to_ask(course),
            },
            code="deadline-over",
        )
    return deadlines.new_attempt(due_at, began)


def pick_submission(*, project: Project, submission: Submission | None, now: datetime) -> Project:
    """Let another attempt than the newest count; None for the newest again. As long as a new one counts by itself.

    Raises:
        RuleViolation: that is over, or the attempt does not count.
    """
    with transaction.atomic():
        project = lock_project(project.pk)
        require_running(project.course)
        require_active(project)
        members = Membership.objects.active().filter(project=project).values_list("enrolment", flat=True)
        deadlines = Deadlines.of(project.assignment)
        due_at = deadlines.for_team(project.pk, members)
        if due_at is not None and not may_pick(project, deadlines.counts_until(due_at), now):
            raise RuleViolation(
                _("The deadline was %(due)s. What counts can no longer be changed. %(ask)s")
                % {
                    "due": say_time(due_at, project.course.zone, now=now),
                    "ask": whom_to_ask(project.course),
                },
                code="deadline-over",
            )
        if submission is not None and (submission.project_id != project.pk or not deadlines.counts(submission, due_at)):
            raise RuleViolation(_("This attempt doesn't count. Choose another one."), code="does-not-count")
        # Also when it lets the newest count again: points were given for what counted before.
        project.picked, project.picked_at = submission, now
        project.save(update_fields=["picked", "picked_at"])
    return project


def accept_late(*, submission: Submission, by: User, now: datetime) -> Submission:
    """Let a late attempt count as if it were in time, also where the team had picked an earlier one before; it is told."""
    accept_late_attempts(submissions=[submission], by=by, now=now)
    submission.refresh_from_db()
    return submission


def accept_late_attempts(*, submissions: Sequence[Submission], by: User, now: datetime) -> list[Submission]:
    """Let late attempts of one course count, as `accept_late` does; return those that didn't before.

    As many queries for many as for one.
    """
    kind = "projects.late-accepted"
    with transaction.atomic():
        projects = lock_projects(*{submission.project_id for submission in submissions})
        rows = Submission.objects.select_for_update().filter(pk__in=[row.pk for row in submissions])
        accepted = list(rows.filter(accepted_at__isnull=True).order_by("pk"))
        Submission.objects.filter(pk__in=[row.pk for row in accepted]).update(accepted_at=now, accepted_by=by)
        follow_deductions_of([projects[pk] for pk in {row.project_id for row in accepted}], now=now)
        teams = members_by_project(projects[row.project_id] for row in accepted)
        told = [
            told_of(kind, person, str(row.pk), {"submission": row.pk})
            for row in accepted
            for person in teams[row.project_id]
        ]
        notify_each(told, kind=kind, now=now)
        follow_in_feeds({person for team in teams.values() for person in team}, now=now)
    return accepted


def withdraw_submission(*, submission: Submission, now: datetime) -> Submission:
    """Take an attempt out of account and tell the team; nothing is deleted, and `restore_submission` undoes it."""
    return _set_withdrawn(submission, now, now=now)


def restore_submission(*, submission: Submission, now: datetime) -> Submission:
    """Bring a withdrawn attempt back and tell the team."""
    return _set_withdrawn(submission, None, now=now)


def _set_withdrawn(submission: Submission, withdrawn_at: datetime | None, *, now: datetime) -> Submission:
    with transaction.atomic():
        project = lock_project(submission.project_id)
        submission = Submission.objects.select_for_update().get(pk=submission.pk)
        if (submission.withdrawn_at is None) == (withdrawn_at is None):
            return submission
        submission.withdrawn_at, submission.check_due_at = withdrawn_at, None
        submission.save(update_fields=["withdrawn_at", "check_due_at"])
        follow_deductions_of([project], now=now)
        people = members_of(project)
        kind = "projects.attempt-restored" if withdrawn_at is None else "projects.attempt-withdrawn"
        references = {"submission": submission.pk}
        tell(kind, people, cause=f"{submission.pk}:{now.timestamp()}", now=now, references=references)
        follow_in_feeds(people, now=now)
    return submission
