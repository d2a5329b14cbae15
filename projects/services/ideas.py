"""Own ideas: proposed by students, decided by the staff."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amls.core.bounds import Bound, spend
from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment
from amls.courses.services import lock_course
from projects.models import Assignment, Project, Topic
from projects.models.topics import OWN_IDEA
from projects.services.locks import active_membership, lock_enrolment, lock_topic, require_registration_open, tell
from projects.services.registration import start_project

# Each is a mail to everyone of the staff.
_IDEAS = Bound(
    "projects.ideas",
    most=5,
    per=timedelta(days=1),
    message=gettext_lazy("You proposed %(most)s ideas today. Propose another one in %(wait)s."),
)


def propose_idea(
    *, enrolment: Enrolment, assignment: Assignment, title: str, description: str, now: datetime, **values: Any
) -> Topic:
    """Hand an own idea to the staff.

    Args:
        enrolment: whose idea it is; one open idea per person and assignment.
        assignment: with topics.
        title: of the topic.
        description: Markdown.
        now: the request's clock.
        **values: `skills`, `links`, `team_max`.

    Raises:
        RuleViolation: registration is closed, the person is no student of the course, the assignment takes no own ideas,
            or an idea of this person is open already, or they proposed too many today.
        ValidationError: the values break a rule; by field.
    """
    unknown = values.keys() - {"skills", "links", "team_max"}
    if unknown:
        raise TypeError(f"An idea has no field {', '.join(sorted(unknown))}.")
    with transaction.atomic():
        enrolment = lock_enrolment(enrolment.pk)
        require_registration_open(assignment, now=now)
        own = Topic.objects.filter(assignment=assignment, proposed_by=enrolment)
        require_may_propose(enrolment, assignment, own.filter(proposal=Topic.Proposal.OPEN))
        topic = Topic(
            course=enrolment.course,
            assignment=assignment,
            track=OWN_IDEA,
            title=title,
            description=description,
            proposal=Topic.Proposal.OPEN,
            proposed_by=enrolment,
            proposed_at=now,
            **values,
        )
        topic.full_clean()
        spend(_IDEAS, who=enrolment.pk, now=now)
        topic.save()
        staff = Enrolment.objects.staff().filter(course=enrolment.course).select_related("user", "course")
        tell("projects.idea-proposed", staff, cause=str(topic.pk), now=now, references={"topic": topic.pk})
    return topic


def require_may_propose(enrolment: Enrolment, assignment: Assignment, waiting: Iterable[Topic]) -> None:
    """Refuse an idea of who is no student of the course, for what takes none, or while another one of theirs waits.

    Args:
        enrolment: whose idea it would be.
        assignment: for which it would be proposed.
        waiting: ideas of this person for it on which the staff have not decided yet.

    Raises:
        RuleViolation: it is refused.
    """
    if enrolment.is_staff or enrolment.course_id != assignment.course_id:
        raise RuleViolation(_("Only students of this course propose ideas."), code="not-a-student")
    if not (assignment.has_topics and assignment.takes_own_ideas):
        raise RuleViolation(_("No own ideas are taken here. Choose one of the topics."), code="no-own-ideas")
    if any(waiting):
        raise RuleViolation(
            _("Your idea waits for the staff's decision. Take it back before you propose another one."),
            code="idea-open",
        )


def take_idea_back(*, topic: Topic, now: datetime) -> None:
    """Take an undecided idea back."""
    with transaction.atomic():
        topic = lock_topic(topic.pk)
        if topic.proposal == Topic.Proposal.OPEN:
            topic.proposal = Topic.Proposal.WITHDRAWN
            topic.save(update_fields=["proposal"])


def decide_idea(*, topic: Topic, is_accepted: bool, reason: str, now: datetime) -> Project | None:
    """Accept an own idea, or decline it with a reason; its author is told.

    Accepted, its author is registered with it at once, also after registration closed: the
    idea was proposed in time. If they have another project by now, they may switch to it.

    Raises:
        RuleViolation: it was decided already, or is declined without a reason, or its author teaches in the course by now.
    """
    with transaction.atomic():
        lock_course(topic.course_id)
        topic = lock_topic(topic.pk)
        if topic.proposal != Topic.Proposal.OPEN or topic.proposed_by_id is None:
            raise RuleViolation(_("This idea is decided already, or was taken back."), code="idea-decided")
        if not is_accepted and not reason.strip():
            raise RuleViolation(
                _("Say why, so that the student can do better."), code="no-reason", field="decision_reason"
            )
        author = lock_enrolment(topic.proposed_by_id)
        if is_accepted and author.is_staff:
            raise RuleViolation(
                _("%(name)s teaches in this course now, and is in no team. Decline the idea.") % {"name": author.user},
                code="not-a-student",
            )
        topic.proposal = Topic.Proposal.ACCEPTED if is_accepted else Topic.Proposal.DECLINED
        topic.decision_reason = reason
        topic.save(update_fields=["proposal", "decision_reason"])
        project = None
        if is_accepted and active_membership(author, topic.assignment) is None:
            project = start_project(topic, [author], now=now)
        tell("projects.idea-decided", [author], cause=str(topic.pk), now=now, references={"topic": topic.pk})
    return project
