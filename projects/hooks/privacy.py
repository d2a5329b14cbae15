"""What projects know of a person, as far as it is theirs: teammates and drafts of the staff are not."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db.models import DateTimeField, ExpressionWrapper, F, Prefetch, Q
from django.db.models.functions import Coalesce
from django.urls import reverse

from amls.courses.models import User
from amls.privacy.endings import happenings, latest
from amls.privacy.registry import (
    StoredFile,
    blot_out_of_own,
    delete_with_history,
    forget_rows,
    on_account_deletion,
    on_course_purge,
    personal_data,
)
from projects.exports.archive import distinct, safe_name
from projects.models import (
    Allocation,
    Assessment,
    Assignment,
    EarlierPass,
    Excuse,
    Extension,
    ExtensionRequest,
    Invitation,
    MatchRequest,
    MemberAssessment,
    Membership,
    PointsQuestion,
    Project,
    SeekingNote,
    StaffNote,
    Submission,
    SubmissionFile,
    TaskPoints,
    TeamMatching,
    Topic,
    TopicPlacement,
    TopicSwitch,
    Wish,
    WishChange,
    WishList,
)
from projects.points import score_of
from projects.queries import personal_result
from projects.receipts import receipt_code
from projects.services.farewell import say_farewell


@personal_data.named("projects")
def tell(user: User) -> Iterator[tuple[str, Any]]:
    """Yield teams, invitations, ideas, hand-ins with their files, extensions and published decisions."""
    memberships = _memberships(user)
    yield "memberships.json", [_membership(membership) for membership in memberships]
    yield "invitations.json", list(_invitations(user))
    yield "seeking-note.json", list(
        SeekingNote.objects.filter(enrolment__user=user).values("assignment__course__slug", "topic__title", "text", "written_at")
    )  # fmt: skip
    yield "ideas.json", list(
        Topic.objects.filter(proposed_by__user=user).order_by("pk").values(
            "course__slug", "title", "description", "skills", "links", "team_max", "proposal", "proposed_at",
            "decision_reason",
        )
    )  # fmt: skip
    yield "topic-switches.json", list(
        TopicSwitch.objects.filter(by__user=user).order_by("pk").values(
            "project__assignment__course__slug", "project", "topic__title", "switched_at"
        )
    )  # fmt: skip
    yield "wishes.json", list(_wishes(memberships))
    yield "match-requests.json", list(
        MatchRequest.objects.filter(enrolment__user=user).order_by("pk").values(
            "assignment__course__slug", "assignment__title", "asked_at"
        )
    )  # fmt: skip
    yield from _hand_ins(memberships)
    yield "extension-requests.json", list(
        ExtensionRequest.objects.filter(enrolment__user=user).order_by("pk").values(
            "project__assignment__course__slug", "project", "asked_at", "wanted_until", "reason", "state", "answer",
            "decided_at",
        )
    )  # fmt: skip
    yield "extensions.json", list(_extensions(user, memberships))
    yield "assessments.json", list(_assessments(memberships))
    yield "excuses.json", list(
        Excuse.objects.filter(enrolment__user=user).order_by("pk").values("assignment__course__slug", "assignment__title", "at", "reason")
    )  # fmt: skip
    yield "questions.json", list(
        PointsQuestion.objects.filter(enrolment__user=user).order_by("pk").values(
            "assessment__project__assignment__course__slug", "assessment__project__assignment__title", "task__title", "text",
            "asked_at", "answer", "answered_at",
        )
    )  # fmt: skip
    yield "earlier-passes.json", list(
        EarlierPass.objects.filter(enrolment__user=user).order_by("pk").values(
            "enrolment__course__slug", "term", "extra_points", "note"
        )
    )  # fmt: skip


def _memberships(user: User) -> list[Membership]:
    team = Membership.objects.active().select_related("enrolment__user").order_by("joined_at", "pk")
    attempts = Submission.objects.select_related("submitted_by__user").prefetch_related("files").order_by("attempt")
    rows = Membership.objects.filter(enrolment__user=user).select_related(
        "enrolment", "project__topic", "project__assignment__course"
    )
    return list(
        rows.prefetch_related(
            Prefetch("project__memberships", team, to_attr="team_now"),
            Prefetch("project__submissions", attempts, to_attr="all_attempts"),
        ).order_by("pk")
    )


def _is_in_it(membership: Membership) -> bool:
    return membership.left_at is None and membership.project.is_active


def _membership(membership: Membership) -> dict[str, Any]:
    team: list[Membership] = membership.project.team_now  # type: ignore[attr-defined]
    told = {
        "course": membership.project.course.slug,
        "assignment": membership.project.assignment.title,
        "project": membership.project_id,
        "track": membership.project.topic.track if membership.project.topic is not None else "",
        "topic": membership.project.title,
        "registered": membership.project.registered_at,
        "withdrawn": membership.project.withdrawn_at,
        "joined": membership.joined_at,
        "left": membership.left_at,
    }
    if _is_in_it(membership):
        # As on the project's page, which only the team of today sees.
        told["teammates"] = [str(mate.enrolment.user) for mate in team if mate.enrolment_id != membership.enrolment_id]
    return told


def _invitations(user: User) -> Iterator[dict[str, Any]]:
    rows = Invitation.objects.select_related(
        "project__topic", "project__assignment__course", "invited_by__user", "seeker__user"
    )
    for direction, invitations in (("sent", rows.filter(invited_by__user=user)), ("received", rows.to_user(user))):
        for invitation in invitations.order_by("pk"):
            yield {
                "direction": direction,
                "course": invitation.project.course.slug,
                "topic": invitation.project.title,
                # As on the team's page: the address of who looks for teammates is theirs.
                "to": invitation.label if direction == "sent" else invitation.email,
                "by": str(invitation.invited_by.user),
                "at": invitation.invited_at,
                "expires": invitation.expires_at,
                "state": invitation.state,
                "closed": invitation.closed_at,
            }


def _wishes(memberships: list[Membership]) -> Iterator[dict[str, Any]]:
    # A team's list is everyone's who is in it.
    mine = [membership.project_id for membership in memberships if _is_in_it(membership)]
    members = {membership.project_id: membership.enrolment_id for membership in memberships}
    rows = WishList.objects.filter(project__in=mine).select_related("project__assignment__course")
    for row in rows.prefetch_related("wishes__topic", "project__wish_changes").order_by("pk"):
        yield {
            "course": row.project.course.slug,
            "project": row.project_id,
            "wishes": [wish.topic.title for wish in sorted(row.wishes.all(), key=lambda wish: wish.rank)],
            "changed": row.ranked_at,
            "changed_by_me": row.ranked_by_id == members[row.project_id],
            "changed_by_staff": [
                {"at": change.changed_at, "reason": change.reason} for change in row.project.wish_changes.all()
            ],
        }


def _hand_ins(memberships: list[Membership]) -> Iterator[tuple[str, Any]]:
    told: list[dict[str, Any]] = []
    files: dict[str, StoredFile] = {}
    for membership in memberships:
        attempts: list[Submission] = membership.project.all_attempts  # type: ignore[attr-defined]
        for attempt in attempts:
            left_at = membership.left_at
            if attempt.received_at < membership.joined_at or (left_at is not None and attempt.received_at > left_at):
                continue
            folder = f"hand-ins/{membership.project.course.slug}/{membership.project_id}/{attempt.attempt}"
            names, taken = [], set[str]()
            for file in attempt.files.all():
                # Two files of one attempt may have one name, or one for a system that takes 'A' for 'a'.
                path = f"{folder}/{distinct(safe_name(file.filename), taken)}"
                files[path] = StoredFile(str(file.file.name))
                names.append({"file": path, "bytes": file.size, "sha256": file.sha256})
            told.append(_attempt(attempt, membership, names))
    yield "hand-ins.json", told
    yield from files.items()


def _attempt(attempt: Submission, membership: Membership, files: list[dict[str, Any]]) -> dict[str, Any]:
    code = receipt_code(attempt.pk)
    is_mine = attempt.submitted_by_id == membership.enrolment_id
    told = {
        "course": membership.project.course.slug,
        "project": membership.project_id,
        "attempt": attempt.attempt,
        "handed_in_by_me": is_mine,
        "began": attempt.began_at,
        "received": attempt.received_at,
        "repository": attempt.repository_url,
        "commit": attempt.commit,
        "comment": attempt.comment,
        "receipt_said": attempt.receipt_said,
        "accepted_late": attempt.accepted_at,
        "withdrawn": attempt.withdrawn_at,
        "receipt": code,
        "receipt_page": settings.SITE_URL + reverse("projects:receipt", args=[code]),
        "files": files,
    }
    if _is_in_it(membership) and not is_mine:
        told["handed_in_by"] = str(attempt.submitted_by.user)
    return told


def _extensions(user: User, memberships: list[Membership]) -> Iterator[dict[str, Any]]:
    # Another member's extension is the team's deadline, but its reason and whose it is are not told.
    teams = [membership.project_id for membership in memberships if _is_in_it(membership)]
    assignments = [membership.assignment_id for membership in memberships]
    mine = Q(enrolment__user=user) | Q(project__in=teams)
    mine |= Q(assignment__in=assignments, project__isnull=True, enrolment__isnull=True)
    for extension in Extension.objects.filter(mine).select_related("course").order_by("pk"):
        yield {
            "course": extension.course.slug,
            "for": "me" if extension.enrolment_id else "my team" if extension.project_id else "everyone",
            "until": extension.due_at,
            "by": extension.delta,
            "granted": extension.granted_at,
            "revoked": extension.revoked_at,
        }


def _assessments(memberships: list[Membership]) -> Iterator[dict[str, Any]]:
    mine = {membership.project_id: membership for membership in memberships if _is_in_it(membership)}
    own = MemberAssessment.objects.filter(enrolment__in=[membership.enrolment_id for membership in mine.values()])
    overrides = {(row.assessment_id, row.enrolment_id): row for row in own}
    rows = Assessment.objects.filter(project__in=mine, published_at__isnull=False).order_by("pk")
    rows = rows.select_related("project__assignment").prefetch_related("task_points", "project__assignment__tasks")
    for assessment in rows:
        membership = mine[assessment.project_id]
        override = overrides.get((assessment.pk, membership.enrolment_id))
        published = assessment.published_at
        has_own = any(row.enrolment_id == membership.enrolment_id for row in assessment.task_points.all())
        if override is None and not has_own and published is not None and membership.joined_at > published:
            # As on the pages: who joined later has no result by that.
            continue
        outcome, points = personal_result(assessment, override, membership.enrolment_id)
        yield {
            "course": membership.project.course.slug,
            "project": assessment.project_id,
            "outcome": outcome.value,
            "extra_points": points,
            "points": _points(assessment, membership.enrolment_id),
            "deducted_percent_for_being_late": assessment.late_percent,
            "feedback": assessment.feedback,
            "corrected": assessment.correction_for(membership.enrolment_id),
            "decided_for_me": override.reason if override is not None else "",
            "published": assessment.published_at,
        }


def _points(assessment: Assessment, enrolment: int) -> list[dict[str, Any]]:
    assignment = assessment.project.assignment
    if assignment.grading != Assignment.Grading.POINTS:
        return []
    return [
        {
            "task": str(task.task) if task.task is not None else "",
            "points": task.points,
            "most": task.most,
            "comment": task.comment,
        }
        for task in score_of(assessment, assignment, enrolment).tasks
    ]


@on_account_deletion
def forget(user: User, now: datetime) -> None:
    """Leave teams that came to nothing, close what is open, forget questions and ideas; what a team handed in stays the team's."""
    delete_with_history(PointsQuestion.objects.filter(enrolment__user=user))
    say_farewell(user=user, now=now)
    for model, field in ((Excuse, "reason"), (MemberAssessment, "reason"), (EarlierPass, "note")):
        blot_out_of_own(user, model, field)


@on_course_purge
def forget_people(courses: Sequence[int]) -> None:
    """Delete teams with their hand-ins, files and assessments, extensions, earlier passes, and students' own ideas."""
    projects = Project.objects.filter(assignment__course__in=courses)
    for log in (
        WishChange.objects.filter(project__in=projects),
        MatchRequest.objects.filter(assignment__course__in=courses),
        TeamMatching.objects.filter(assignment__course__in=courses),
    ):
        log.delete()
    forget_rows(PointsQuestion, assessment__project__in=projects)
    forget_rows(TaskPoints, assessment__project__in=projects)
    forget_rows(Excuse, assignment__course__in=courses)
    forget_rows(MemberAssessment, assessment__project__in=projects)
    forget_rows(Assessment, project__in=projects)
    forget_rows(SubmissionFile, submission__project__in=projects)
    forget_rows(Wish, wish_list__project__in=projects)
    for model in (Submission, Invitation, Membership, StaffNote, WishList, TopicPlacement, ExtensionRequest):
        forget_rows(model, project__in=projects)
    forget_rows(Allocation, assignment__course__in=courses)
    forget_rows(Extension, course__in=courses)
    forget_rows(Project, assignment__course__in=courses)
    forget_rows(EarlierPass, enrolment__course__in=courses)
    delete_with_history(Topic.objects.filter(course__in=courses).exclude(proposal=""))
    Topic.objects.filter(course__in=courses).update(taken=0)


@happenings
def what_happened(courses: Sequence[int]) -> Iterator[tuple[int, datetime | date]]:
    """Yield the latest deadline of each course, also of those who had more time, its latest hand-in, result and answer."""
    yield from latest(Assignment.objects.filter(course__in=courses), "course", "due_at", "assessed_by")
    extensions = Extension.objects.filter(course__in=courses, revoked_at__isnull=True)
    later = ExpressionWrapper(F("assignment__due_at") + F("delta"), output_field=DateTimeField())
    yield from latest(extensions.annotate(until=Coalesce("due_at", later)), "course", "until")
    submissions = Submission.objects.filter(project__assignment__course__in=courses)
    yield from latest(submissions, "project__assignment__course", "received_at", "accepted_at")
    assessments = Assessment.objects.filter(project__assignment__course__in=courses)
    yield from latest(assessments, "project__assignment__course", "assessed_at", "published_at")
    yield from latest(Excuse.objects.filter(assignment__course__in=courses), "assignment__course", "at")
    questions = PointsQuestion.objects.filter(assessment__project__assignment__course__in=courses)
    yield from latest(questions, "assessment__project__assignment__course", "asked_at", "answered_at")
