"""Questions about points: each student asks once about each task, within a time; the staff answer, and may correct."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from amls.agenda.models import AgendaItem
from amls.core.clock import start_of_day
from amls.core.meanwhile import CODE, exactly, is_overtaken
from amls.core.text import clean_line
from amls.core.times import say_time
from amls.core.violations import RuleViolation
from amls.courses.models import Course, Enrolment, User
from amls.held.services import HOLD, need_untold
from amls.mail.corrections import Correction, notify_corrected
from projects.addresses import QUESTIONS, key_of
from projects.models import Assessment, Assignment, Excuse, Membership, PointsQuestion, Project, TaskPoints
from projects.services.locks import follow_in_feeds, lock_project, require_running, save_checked, told_of, whom_to_ask
from projects.services.points import give_points
from projects.services.teamsheets import Given, most_by_task
from projects.teamrows import members_of

_LONGEST_REASON = 300


def asks_until(assignment: Assignment, published_at: datetime | None) -> datetime | None:
    """Return the first moment at which nobody asks about points any more: the end of a day by the course's clock.

    Args:
        assignment: with its course, whose `question_days` say how many days after the publication that is.
        published_at: when the points were published; None: they are not.

    Returns:
        None where no questions are asked.
    """
    if published_at is None or not assignment.question_days:
        return None
    zone = assignment.course.zone
    day = published_at.astimezone(zone).date()
    return start_of_day(day + timedelta(days=assignment.question_days + 1), zone)


def follow_questions(*, course: Course, now: datetime) -> int:
    """Give people the dates until which they ask that they lack; return how many people did: 3 queries where nobody does.

    They lack those of results that were published by a release which knew no questions: a result's time begins when it
    is published, whenever that was.
    """
    asked = Assignment.objects.filter(course=course, grading=Assignment.Grading.POINTS, question_days__gt=0)
    keys = {assignment: key_of(assignment, QUESTIONS) for assignment in asked.select_related("course")}
    if not keys:
        return 0
    by_pk = {assignment.pk: assignment for assignment in keys}
    published = Membership.objects.active().filter(
        assignment__in=by_pk, project__withdrawn_at__isnull=True, project__assessment__published_at__isnull=False
    )
    excused = Excuse.objects.filter(assignment=OuterRef("assignment"), enrolment=OuterRef("enrolment"))
    rows = published.exclude(Exists(excused)).values_list(
        "enrolment", "assignment", "project__assessment__published_at"
    )
    items = AgendaItem.objects.filter(course=course, enrolment__isnull=False, key__in=keys.values(), is_removed=False)
    dated = set(items.values_list("enrolment", "key"))
    lacking = set()
    for person, pk, published_at in rows:
        until = asks_until(by_pk[pk], published_at)
        if until is not None and now < until and (person, keys[by_pk[pk]]) not in dated:
            lacking.add(person)
    if lacking:
        follow_in_feeds(Enrolment.objects.filter(pk__in=lacking), now=now)
    return len(lacking)


def ask_about_points(*, project: Project, task: int | None, by: Enrolment, text: str, now: datetime) -> PointsQuestion:
    """Keep a student's question about the points for a task. The same again, or at once from two devices, is one.

    Args:
        project: a team of theirs, whose points are published.
        task: its key; None asks about the sum of an assignment without tasks.
        by: a member of the team.
        text: what they ask.
        now: the request's clock.

    Raises:
        RuleViolation: they are excused, nothing is published, the time is over, the task is not one of the assignment's, they have asked
            about it already, or say nothing.
    """
    with transaction.atomic():
        project = lock_project(project.pk)
        assignment = project.assignment
        require_running(assignment.course)
        if by.pk not in {member.pk for member in members_of(project)}:
            raise RuleViolation(_("You are not in this team."), code="not-a-member")
        if Excuse.objects.filter(assignment=assignment, enrolment=by).exists():
            raise RuleViolation(_("You are excused: these points count neither for nor against you."), code="excused")
        assessment = Assessment.objects.filter(project=project, published_at__isnull=False).first()
        until = asks_until(assignment, assessment.published_at if assessment is not None else None)
        if assessment is None or until is None:
            raise RuleViolation(_("There are no points here to ask about."), code="no-questions")
        asked = PointsQuestion.objects.filter(assessment=assessment, task=task, enrolment=by).first()
        if asked is not None and asked.text == text.strip():
            return asked
        if asked is not None:
            raise RuleViolation(_("You have asked about this task already."), code="asked-already", field="text")
        if now >= until:
            last = say_time(until - timedelta(minutes=1), assignment.course.zone, now=now)
            raise RuleViolation(
                _("Questions could be asked until %(time)s. %(ask)s")
                % {"time": last, "ask": whom_to_ask(assignment.course)},
                code="too-late",
            )
        if task not in most_by_task(assignment):
            raise RuleViolation(_("This task belongs to another assignment."), code="no-task")
        question = PointsQuestion(assessment=assessment, task_id=task, enrolment=by, text=text.strip(), asked_at=now)
        save_checked(question)
    return question


def version_of_question(question: PointsQuestion, points: Decimal | None) -> str:
    """Return what names what an answer is about: the points that stand, and the answer so far, so that neither is overwritten unseen.

    Args:
        question: as it stands.
        points: that the asking member has for the task; None: none.
    """
    answered = question.answered_at.astimezone(UTC).isoformat() if question.answered_at is not None else ""
    return f"{exactly(points)} {answered}"


def answer_question(
    *,
    question: PointsQuestion,
    answer: str,
    by: User,
    now: datetime,
    points: Decimal | None = None,
    seen: str | None = None,
) -> PointsQuestion:
    """Answer a question, who asked is told in five minutes; with other points, correct them for the reason that the answer gives.

    The points are the team's, or the member's own where the asking member has some for this task.

    Args:
        question: any; one that was answered is answered anew.
        answer: read by who asked; where points change, by the team as their reason.
        by: who answers.
        now: the request's clock.
        points: what there is for the task from now on; None leaves what is there.
        seen: from `version_of_question` what the person had before them; None doesn't ask.

    Raises:
        RuleViolation: no answer, points that there are not, or points or answer are others meanwhile.
    """
    with transaction.atomic():
        project = lock_project(Assessment.objects.get(pk=question.assessment_id).project_id)
        row = (
            PointsQuestion.objects.select_for_update(of=("self",)).select_related("enrolment__user").get(pk=question.pk)
        )
        if not answer.strip():
            raise RuleViolation(_("Write an answer first."), code="empty", field="answer")
        standing = _standing(row)
        _need_seen(row, standing, seen, points)
        if points is not None and (standing is None or standing.points != points):
            _correct(row, project, points, standing, reason=answer, by=by, now=now)
        was = row.answer
        if was == answer.strip():
            return row
        row.answer, row.answered_at, row.answered_by = answer.strip(), now, by
        save_checked(row)
        _tell_answer(row, project, was=was, now=now)
    return row


def take_answer_back(*, question: PointsQuestion, now: datetime) -> PointsQuestion:
    """Take an answer back before it is told: the question waits for one again.

    Raises:
        RuleViolation: it is told already, or there is none.
    """
    with transaction.atomic():
        project = lock_project(Assessment.objects.get(pk=question.assessment_id).project_id)
        row = (
            PointsQuestion.objects.select_for_update(of=("self",)).select_related("enrolment__user").get(pk=question.pk)
        )
        if row.answered_at is None:
            raise RuleViolation(_("It is taken back already."), code="undone")
        need_untold(row.answered_at, course=project.course, now=now)
        was, row.answer, row.answered_at, row.answered_by = row.answer, "", None, None
        save_checked(row)
        _tell_answer(row, project, was=was, now=now)
    return row


def _tell_answer(row: PointsQuestion, project: Project, *, was: str, now: datetime) -> None:
    """Tell who asked in five minutes what is answered, where it is otherwise than they know by then."""
    kind = "projects.question-answered"
    asked = [member for member in members_of(project) if member.pk == row.enrolment_id]
    told = [told_of(kind, person, f"{row.pk}:{now.timestamp()}", {"question": row.pk}) for person in asked]
    notify_corrected([Correction(str(row.pk), was, row.answer, told)], kind=kind, now=now, not_before=now + HOLD)


def _standing(row: PointsQuestion) -> TaskPoints | None:
    """Return what the asking member has for the task: points of their own, else the team's: 1 query."""
    given = TaskPoints.objects.filter(assessment=row.assessment_id, task=row.task_id)
    of = {
        points.enrolment_id: points
        for points in given.filter(enrolment=row.enrolment_id) | given.filter(enrolment=None)
    }
    return of.get(row.enrolment_id) or of.get(None)


def _need_seen(row: PointsQuestion, standing: TaskPoints | None, seen: str | None, points: Decimal | None) -> None:
    """Refuse an answer to what is otherwise than its writer saw; that others gave the same points contradicts nothing."""
    stand = standing.points if standing is not None else None
    if not is_overtaken(seen, stands=version_of_question(row, stand)) or (row.answered_at is None and points == stand):
        return
    decision = row.assessment
    is_answered = row.answered_at is not None and row.answered_at >= decision.assessed_at
    raise RuleViolation(
        _("%(name)s changed the points or the answer meanwhile. Look at them again before you send yours.")
        % {"name": (row.answered_by if is_answered else decision.assessed_by) or _("Somebody")},
        code=CODE,
    )


def _correct(
    row: PointsQuestion,
    project: Project,
    points: Decimal,
    standing: TaskPoints | None,
    *,
    reason: str,
    by: User,
    now: datetime,
) -> None:
    wanted = {row.task_id: Given(points, standing.comment if standing is not None else "")}
    why = clean_line(reason)[:_LONGEST_REASON]
    if standing is None or standing.enrolment_id is None:
        give_points(project=project, given=wanted, reason=why, by=by, now=now)
        return
    # What else the member has of their own stays.
    others = TaskPoints.objects.filter(assessment=row.assessment_id, enrolment=row.enrolment_id)
    members = {row.enrolment_id: {other.task_id: Given(other.points, other.comment) for other in others} | wanted}
    give_points(project=project, given={}, members=members, reason=why, by=by, now=now)
