"""Topics taken and given back."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment
from projects.models import ExtensionRequest, Invitation, Membership, Project, SeekingNote, Topic, TopicSwitch
from projects.services.locks import (
    active_membership,
    follow_in_feeds,
    lock_enrolment,
    lock_enrolments,
    lock_members,
    lock_team,
    lock_topic,
    members_of,
    require_registration_open,
    tell,
    tell_revoked,
)


def register_project(*, enrolment: Enrolment, topic: Topic, now: datetime) -> Project:
    """Give a person, as a team of one so far, a slot of a topic.

    The last free slot goes to one team, whatever the load: the topic is locked, counted
    and written. Pressed twice it gives the same project.

    Args:
        enrolment: who registers; they must not be in another project of the course.
        topic: of the same course.
        now: the request's clock.

    Raises:
        RuleViolation: registration is not open, the topic is taken or not on offer to
            this person, or they have a project already.
    """
    return register_once(enrolment=enrolment, topic=topic, now=now)[0]


def register_once(*, enrolment: Enrolment, topic: Topic, now: datetime) -> tuple[Project, bool]:
    """Do as `register_project` says; return also whether the project is new."""
    with transaction.atomic():
        locked = lock_topic(topic.pk)
        enrolment = lock_enrolment(enrolment.pk)
        existing = active_membership(enrolment)
        if existing is not None and existing.project.topic_id == topic.pk:
            return existing.project, False
        _require_student(enrolment, locked)
        require_registration_open(locked.course, now=now)
        require_without_project(enrolment)
        let_go(locked, now=now)
        require_available(locked, enrolment)
        return start_project(locked, [enrolment], now=now), True


def start_project(topic: Topic, people: list[Enrolment], *, now: datetime) -> Project:
    """Write a new project of `people` on a locked topic with a free slot, and tell them."""
    project = Project.objects.create(topic=topic, registered_at=now)
    take_slot(topic)
    for one in people:
        add_member(project, one, now=now)
    tell("projects.registered", people, cause=str(project.pk), now=now, references={"project": project.pk})
    return project


def add_member(project: Project, enrolment: Enrolment, *, now: datetime) -> Membership:
    """Put a locked person into a team; what they did not answer of its invitations counts as accepted.

    Raises:
        RuleViolation: they are in one already; the database would not have it either.
    """
    try:
        with transaction.atomic():
            membership = Membership.objects.create(project=project, enrolment=enrolment, joined_at=now)
    except IntegrityError as error:
        if "membership_one_active" not in str(error):
            raise
        raise _has_project(enrolment) from error
    SeekingNote.objects.filter(enrolment=enrolment).delete()
    _close_invitations_to(enrolment, project, now=now)
    follow_in_feeds([enrolment], now=now)
    return membership


def _close_invitations_to(enrolment: Enrolment, project: Project, *, now: datetime) -> None:
    # Whoever holds one of them is answering it or taking it back, and may wait for this person: it is theirs.
    asked = Invitation.objects.filter(project=project, state=Invitation.State.OPEN).to_user(enrolment.user)
    pks = [one.pk for one in asked.select_for_update(of=("self",), skip_locked=True)]
    if pks:
        Invitation.objects.filter(pk__in=pks).update(state=Invitation.State.ACCEPTED, closed_at=now)


def take_slot(topic: Topic) -> None:
    """Count one more team on a locked topic; the database refuses one too many."""
    Topic.objects.filter(pk=topic.pk).update(taken=F("taken") + 1)
    topic.taken += 1


def give_slot_back(topic: Topic, count: int = 1) -> None:
    """Count one team less, or several, on a locked topic."""
    Topic.objects.filter(pk=topic.pk).update(taken=F("taken") - count)
    topic.taken -= count


def let_go(topic: Topic, *, now: datetime) -> int:
    """Give back the slots of a locked topic that were held for teams for a day; return how many."""
    over = TopicSwitch.objects.holding().filter(topic=topic, held_until__lte=now)
    count = over.update(closed_at=now)
    if count:
        give_slot_back(topic, count)
    return count


def require_available(topic: Topic, enrolment: Enrolment) -> None:
    """Refuse a topic that this person can't take.

    Raises:
        RuleViolation: closed, undecided, somebody else's idea, or without a free slot.
    """
    is_own = topic.proposed_by_id == enrolment.pk
    if topic.proposal == Topic.Proposal.OPEN and is_own:
        raise RuleViolation(
            _("The staff have not decided on your idea yet. You get a mail when they do."), code="idea-not-decided"
        )
    if not topic.is_open or (topic.proposal and not (topic.proposal == Topic.Proposal.ACCEPTED and is_own)):
        raise RuleViolation(_("This topic is not on offer. Choose another one."), code="topic-closed")
    if topic.free < 1:
        raise RuleViolation(
            _("All slots of this topic are taken. Choose another one, or look for a team on its page."),
            code="topic-full",
        )


def require_without_project(enrolment: Enrolment) -> None:
    """Refuse who is in a project of the course already.

    Raises:
        RuleViolation: they are; leaving or switching comes first.
    """
    if active_membership(enrolment) is not None:
        raise _has_project(enrolment)


def _has_project(enrolment: Enrolment) -> RuleViolation:
    return RuleViolation(
        _("%(name)s already has a project in this course. Leave it or switch its topic first.")
        % {"name": enrolment.user},
        code="has-project",
    )


def _require_student(enrolment: Enrolment, topic: Topic) -> None:
    if enrolment.is_staff or enrolment.course_id != topic.course_id:
        raise RuleViolation(_("Only students of this course register projects."), code="not-a-student")


def require_active(project: Project) -> None:
    """Refuse what is to be done with a project that was withdrawn.

    Raises:
        RuleViolation: it was.
    """
    if not project.is_active:
        raise RuleViolation(_("This project was withdrawn. Register a new one."), code="project-withdrawn")


def leave_team(*, project: Project, enrolment: Enrolment, now: datetime) -> None:
    """Take a person out of their team until registration closes; the last one dissolves it.

    What the team handed in stays the team's, also where nobody is left: staff can bring it back.

    Raises:
        RuleViolation: registration is closed.
    """
    with transaction.atomic():
        topic, project = lock_team(project.pk)
        lock_members(project, also=[enrolment])
        membership = Membership.objects.active().filter(project=project, enrolment=enrolment).first()
        if membership is None:
            return
        require_registration_open(topic.course, now=now)
        rest = [one for one in members_of(project) if one.pk != enrolment.pk]
        if not rest:
            close_project(topic, project, now=now)
            return
        end_membership(membership, now=now)
        cause = f"{membership.pk}"
        references = {"project": project.pk, "who": enrolment.pk}
        tell("projects.member-left", [*rest, enrolment], cause=cause, now=now, references=references)
        # An extension of the person who left was the team's as well.
        follow_in_feeds(rest, now=now)


def end_membership(membership: Membership, *, now: datetime) -> None:
    """End a person's part in a team and let their calendar follow."""
    membership.left_at = now
    membership.save(update_fields=["left_at"])
    follow_in_feeds([membership.enrolment], now=now)


def dissolve_project(*, project: Project, by: Enrolment, now: datetime) -> None:
    """Withdraw a whole project until registration closes: its slot is free, its members are told.

    Raises:
        RuleViolation: registration is closed.
    """
    with transaction.atomic():
        topic, project = lock_team(project.pk)
        if not project.is_active:
            return
        require_registration_open(topic.course, now=now)
        close_project(topic, project, now=now)


def withdraw_project(*, project: Project, now: datetime) -> None:
    """Withdraw a project for the staff, at any time. Hand-ins stay, and `restore_project` undoes it."""
    with transaction.atomic():
        topic, project = lock_team(project.pk)
        if project.is_active:
            close_project(topic, project, now=now)


def close_project(topic: Topic, project: Project, *, now: datetime) -> None:
    """Withdraw a locked project on its locked topic: members out, invitations and requests closed, slots free.

    Locked with `lock_teams`, which locks the topic whose slot is held for the team as well.
    """
    people = members_of(project)
    project.withdrawn_at = now
    project.save(update_fields=["withdrawn_at"])
    # Whoever left at this very time comes back when it is undone.
    Membership.objects.active().filter(project=project).update(left_at=now)
    invited = Invitation.objects.filter(project=project, state=Invitation.State.OPEN)
    waiting = list(invited.filter(expires_at__gt=now).select_related("project__topic__course"))
    invited.update(state=Invitation.State.REVOKED, closed_at=now)
    tell_revoked(waiting, now=now)
    ExtensionRequest.objects.filter(project=project, state=ExtensionRequest.State.OPEN).update(
        state=ExtensionRequest.State.WITHDRAWN, decided_at=now
    )
    give_slot_back(topic)
    # Its topic was locked with the project's own.
    for held in TopicSwitch.objects.holding().filter(project=project).select_related("topic"):
        held.closed_at = now
        held.save(update_fields=["closed_at"])
        give_slot_back(held.topic)
    cause = f"{project.pk}:{now.timestamp()}"
    tell("projects.withdrawn", people, cause=cause, now=now, references={"project": project.pk})
    follow_in_feeds(people, now=now)


def restore_project(*, project: Project, now: datetime) -> Project:
    """Undo a withdrawal, with everyone who was in the team then.

    Raises:
        RuleViolation: the slot was given to another team, or a member has another project.
    """
    with transaction.atomic():
        topic, project = lock_team(project.pk)
        if project.is_active:
            return project
        let_go(topic, now=now)
        if topic.free < 1:
            raise RuleViolation(
                _("The slot has been given to another team. Give the topic one more slot first."), code="topic-full"
            )
        rows = Membership.objects.filter(project=project, left_at=project.withdrawn_at)
        people = list(lock_enrolments(*(row.enrolment_id for row in rows)).values())
        for one in people:
            require_without_project(one)
        rows.update(left_at=None)
        project.withdrawn_at = None
        project.save(update_fields=["withdrawn_at"])
        take_slot(topic)
        cause = f"{project.pk}:{now.timestamp()}"
        tell("projects.restored", people, cause=cause, now=now, references={"project": project.pk})
        follow_in_feeds(people, now=now)
    return project
