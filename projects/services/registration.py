"""Topics taken and given back."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from django.db import IntegrityError, transaction
from django.db.models import Case, F, IntegerField, Value, When
from django.utils.translation import gettext as _

from amls.core.statements import Parameter, Statement, is_among
from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment, User
from amls.mail.outbox import notify_each
from projects.models import (
    Assessment,
    Assignment,
    ExtensionRequest,
    Invitation,
    Membership,
    Project,
    SeekingNote,
    Topic,
    TopicSwitch,
)
from projects.services.deductions import follow_deductions_of
from projects.services.locks import (
    active_membership,
    follow_in_feeds,
    lock_enrolment,
    lock_enrolments,
    lock_members,
    lock_team,
    lock_teams,
    lock_topic,
    require_first_come,
    require_registration_open,
    tell,
    tell_revoked,
    told_of,
    whom_to_ask,
)
from projects.teamrows import members_by_project, members_of, places_taken


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
    with transaction.atomic():
        return register_once(enrolment=enrolment, topic=topic, now=now)[0]


def register_once(*, enrolment: Enrolment, topic: Topic, now: datetime) -> tuple[Project, bool]:
    """Do as `register_project` says, in the caller's transaction; return also whether the project is new."""
    locked = lock_topic(topic.pk)
    enrolment = lock_enrolment(enrolment.pk)
    existing = active_membership(enrolment, locked.assignment)
    if existing is not None and existing.project.topic_id == topic.pk:
        return existing.project, False
    _require_student(enrolment, locked)
    require_first_come(locked.assignment)
    require_registration_open(locked.assignment, now=now)
    if existing is not None:
        raise _you_have_a_team(locked.assignment)
    let_go(locked, now=now)
    require_available(locked, enrolment)
    return start_project(locked, [enrolment], now=now), True


def start_project(topic: Topic, people: list[Enrolment], *, now: datetime) -> Project:
    """Write a new project of `people` on a locked topic with a free slot, and tell them."""
    project = Project.objects.create(assignment=topic.assignment, topic=topic, registered_at=now)
    take_slot(topic)
    for person in people:
        add_member(project, person, now=now)
    tell("projects.registered", people, cause=str(project.pk), now=now, references={"project": project.pk})
    return project


def add_member(project: Project, enrolment: Enrolment, *, now: datetime) -> Membership:
    """Put a locked person into a locked team; what they did not answer of its invitations counts as accepted.

    They bring along the time that they have: what is deducted for being late follows.

    Raises:
        RuleViolation: they teach; or they are in one already: the database would not have it either, and nothing else
            can be done in this transaction.
    """
    if enrolment.is_staff:
        raise teaches_here(enrolment)
    try:
        membership = Membership.objects.create(
            project=project, assignment=project.assignment, enrolment=enrolment, joined_at=now
        )
    except IntegrityError as error:
        if "membership_one_active" not in str(error):
            raise
        raise _has_a_team(enrolment) from error
    SeekingNote.objects.filter(enrolment=enrolment, assignment=project.assignment).delete()
    _close_invitations_to(enrolment, project, now=now)
    follow_in_feeds([enrolment], now=now)
    follow_deductions_of([project], now=now)
    return membership


def teaches_here(enrolment: Enrolment) -> RuleViolation:
    """Return the refusal to let somebody into a team who teaches in its course."""
    return RuleViolation(
        _("%(name)s teaches in this course, and is in no team.") % {"name": enrolment.user}, code="not-a-student"
    )


def _close_invitations_to(enrolment: Enrolment, project: Project, *, now: datetime) -> None:
    # Whoever holds one of them is answering it or taking it back, and may wait for this person: it is theirs.
    asked = [pk for (pk,) in _invitations_to().run({"project": project.pk, "user": enrolment.user_id})]
    if not asked:
        return
    still_open = Invitation.objects.filter(pk__in=asked, state=Invitation.State.OPEN)
    pks = [invitation.pk for invitation in still_open.select_for_update(of=("self",), skip_locked=True)]
    Invitation.objects.filter(pk__in=pks).update(state=Invitation.State.ACCEPTED, closed_at=now)


@cache
def _invitations_to() -> Statement:
    rows = Invitation.objects.filter(project=Parameter("project"), state=Invitation.State.OPEN)
    return Statement.of(rows.to_user(Parameter("user")).values_list("pk"))


def take_slot(topic: Topic) -> None:
    """Count one more team on a locked topic; the database refuses one too many."""
    Topic.objects.filter(pk=topic.pk).update(taken=F("taken") + 1)
    topic.taken += 1


def give_slot_back(topic: Topic) -> None:
    """Count one team less on a locked topic."""
    give_slots_back({topic.pk: topic}, {topic.pk: 1})


def take_slots(topics: Mapping[int, Topic], taken: Mapping[int, int]) -> None:
    """Count so many teams more on locked topics, by their keys: 1 query; the database refuses one too many."""
    _count_teams(topics, taken)


def give_slots_back(topics: Mapping[int, Topic], freed: Mapping[int, int]) -> None:
    """Count so many teams less on locked topics, by their keys: 1 query."""
    _count_teams(topics, {pk: -count for pk, count in freed.items()})


def _count_teams(topics: Mapping[int, Topic], more: Mapping[int, int]) -> None:
    if not more:
        return
    change = Case(*(When(pk=pk, then=Value(count)) for pk, count in more.items()), output_field=IntegerField())
    Topic.objects.filter(pk__in=more).update(taken=F("taken") + change)
    for pk, count in more.items():
        topics[pk].taken += count


def let_go(topic: Topic, *, now: datetime) -> int:
    """Give back the slots of a locked topic that were held for teams for a day; return how many."""
    return let_go_of({topic.pk: topic}, now=now)


def let_go_of(topics: Mapping[int, Topic], *, now: datetime) -> int:
    """Give back the slots of locked topics that were held for teams for a day; return how many."""
    over = dict(_holding_until().run({"topics": list(topics), "now": now}))
    if over:
        TopicSwitch.objects.filter(pk__in=over).update(closed_at=now)
        give_slots_back(topics, Counter(over.values()))
    return len(over)


@cache
def _holding_until() -> Statement:
    rows = TopicSwitch.objects.holding().filter(
        is_among("topic_id", Parameter("topics")), held_until__lte=Parameter("now")
    )
    return Statement.of(rows.values_list("pk", "topic"))


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


def require_without_project(enrolment: Enrolment, assignment: Assignment) -> None:
    """Refuse who is in a team for the assignment already.

    Raises:
        RuleViolation: they are; leaving or switching comes first.
    """
    if active_membership(enrolment, assignment) is not None:
        raise _you_have_a_team(assignment)


def _you_have_a_team(assignment: Assignment) -> RuleViolation:
    if assignment.has_topics:
        text = _("You have a project already. Leave it or switch its topic first.")
    else:
        text = _("You are in a team already. Leave it first.")
    return RuleViolation(text, code="has-project")


def _has_a_team(enrolment: Enrolment) -> RuleViolation:
    return RuleViolation(
        _("%(name)s is in another team for this by now.") % {"name": enrolment.user}, code="has-project"
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
        if project.assignment.has_topics:
            text = _("This project was withdrawn. Register a new one.")
        else:
            text = _("This team was dissolved. Look at the assignment's page again.")
        raise RuleViolation(text, code="project-withdrawn")


def require_unpublished(project: Project) -> None:
    """Refuse members of a locked team what changes who it is, or on what it works, once its result is published: 1 query.

    A result is of those for whom it was published: nobody comes to it by joining, nor loses it by leaving.

    Raises:
        RuleViolation: it is published; with whom to ask.
    """
    if Assessment.objects.filter(project=project, published_at__isnull=False).exists():
        raise RuleViolation(
            _("The result of your team is published: its team and its topic stay as they are now. %(ask)s")
            % {"ask": whom_to_ask(project.course)},
            code="result-published",
        )


def is_published_to(membership: Membership) -> bool:
    """Return whether a result of the team is the member's: published while they were in it, or decided on them since.

    3 queries at most.
    """
    assessment = Assessment.objects.filter(project=membership.project_id, published_at__isnull=False).first()
    if assessment is None or assessment.published_at is None:
        return False
    own = {"enrolment": membership.enrolment_id}
    return (
        membership.joined_at <= assessment.published_at
        or assessment.overrides.filter(**own).exists()
        or assessment.task_points.filter(**own).exists()
    )


def leave_team(*, project: Project, enrolment: Enrolment, now: datetime) -> None:
    """Take a person out of their team until registration closes. What the team handed in stays the team's.

    Raises:
        RuleViolation: registration is closed, the team's result is published, or nobody else is left: giving the
            project up is another act, `dissolve_project`.
    """
    with transaction.atomic():
        project = lock_team(project.pk)
        lock_members(project, also=[enrolment])
        membership = Membership.objects.active().filter(project=project, enrolment=enrolment).first()
        if membership is None:
            return
        require_registration_open(project.assignment, now=now)
        require_unpublished(project)
        rest = require_others(project, enrolment)
        end_membership(membership, project, now=now)
        cause = f"{membership.pk}"
        references = {"project": project.pk, "who": enrolment.pk}
        tell("projects.member-left", [*rest, enrolment], cause=cause, now=now, references=references)
        # An extension of the person who left was the team's as well.
        follow_in_feeds(rest, now=now)


def require_others(project: Project, enrolment: Enrolment) -> list[Enrolment]:
    """Return who stays in a locked team when a person leaves it to them.

    Raises:
        RuleViolation: nobody does, perhaps since the page was shown on which they chose to leave.
    """
    rest = [member for member in members_of(project) if member.pk != enrolment.pk]
    if not rest:
        raise RuleViolation(
            _(
                "You did not leave your team: nobody else is left in it who would keep it. This page says now what "
                "you can do."
            ),
            code="nobody-left",
        )
    return rest


def end_membership(membership: Membership, project: Project, *, now: datetime) -> None:
    """End a person's part in a locked team; their calendar, and what is deducted of it for being late, follow.

    The time that was given to them alone goes with them.
    """
    membership.left_at = now
    membership.save(update_fields=["left_at"])
    follow_in_feeds([membership.enrolment], now=now)
    follow_deductions_of([project], now=now)


def dissolve_project(*, project: Project, by: Enrolment, now: datetime) -> None:
    """Withdraw a project for its last member, until registration closes: its slot is free.

    Nobody ends what is others' as well: where there are others, each leaves for themselves, and the last one gives it up.

    Raises:
        RuleViolation: registration is closed, the result is published, or there are others in the team.
    """
    with transaction.atomic():
        project = lock_team(project.pk)
        if not project.is_active:
            return
        require_registration_open(project.assignment, now=now)
        require_unpublished(project)
        if places_taken(member for member in members_of(project) if member.pk != by.pk):
            raise RuleViolation(
                _(
                    "You are not alone in this team, and what it has is the others' as well. Leave the team instead; "
                    "whoever is the last one in it can give it up."
                ),
                code="others-in-team",
            )
        close_project(project, now=now, who=by)


def withdraw_project(*, project: Project, now: datetime, by: User | None = None) -> None:
    """Withdraw a project for the staff, at any time. Hand-ins stay, and `restore_project` undoes it."""
    withdraw_projects(projects=[project], now=now, by=by)


def withdraw_projects(*, projects: Iterable[Project], now: datetime, by: User | None = None) -> int:
    """Withdraw projects for the staff, all at once, and return how many were not yet; see `withdraw_project`."""
    with transaction.atomic():
        topics, locked = lock_teams(*(project.pk for project in projects))
        active = [project for project in locked.values() if project.is_active]
        close_projects(topics, active, now=now, by=by)
    return len(active)


def close_project(project: Project, *, now: datetime, who: Enrolment | None = None, by: User | None = None) -> None:
    """Withdraw one project that is locked with its topic; see `close_projects`."""
    held = TopicSwitch.objects.holding().filter(project=project).select_related("topic")
    topics = {switch.topic_id: switch.topic for switch in held}
    if project.topic is not None:
        topics[project.topic.pk] = project.topic
    close_projects(topics, [project], now=now, who=who, by=by)


def close_projects(
    topics: Mapping[int, Topic],
    projects: Sequence[Project],
    *,
    now: datetime,
    who: Enrolment | None = None,
    by: User | None = None,
) -> None:
    """Withdraw locked projects on their locked topics: members out, invitations and requests closed, slots free.

    As many queries for many as for one. Locked with `lock_teams`, which locks the topics whose slots are held for
    the teams as well.

    Args:
        topics: those of the projects, by their keys.
        projects: active ones.
        now: the request's clock.
        who: the last member, who gives it up.
        by: who of the staff does it; the mail says that it was the staff.
    """
    if not projects:
        return
    teams = members_by_project(projects)
    Project.objects.filter(pk__in=teams).update(withdrawn_at=now)
    for project in projects:
        project.withdrawn_at = now
    # Whoever left at this very time comes back when it is undone.
    Membership.objects.active().filter(project__in=teams).update(left_at=now)
    invited = Invitation.objects.filter(project__in=teams, state=Invitation.State.OPEN)
    if waiting := list(invited.select_related("project__topic", "project__assignment__course").order_by("pk")):
        invited.update(state=Invitation.State.REVOKED, closed_at=now)
        tell_revoked((invitation for invitation in waiting if invitation.expires_at > now), now=now)
    ExtensionRequest.objects.filter(project__in=teams, state=ExtensionRequest.State.OPEN).update(
        state=ExtensionRequest.State.WITHDRAWN, decided_at=now
    )
    held = TopicSwitch.objects.holding().filter(project__in=teams)
    freed = Counter(project.topic_id for project in projects if project.topic_id is not None)
    if of_switched := list(held.values_list("topic", flat=True)):
        held.update(closed_at=now)
        freed.update(of_switched)
    give_slots_back(topics, freed)
    done_by = {"who": who.pk} if who is not None else {"by": by.pk} if by is not None else {}
    _tell_teams("projects.withdrawn", projects, teams, now=now, also=done_by)


def _tell_teams(
    kind: str,
    projects: Iterable[Project],
    teams: Mapping[int, Sequence[Enrolment]],
    *,
    now: datetime,
    also: Mapping[str, int] | None = None,
) -> None:
    """Tell everyone in these teams what became of their project, and let their calendars follow."""
    told = [
        told_of(kind, person, f"{project.pk}:{now.timestamp()}", {"project": project.pk, **(also or {})})
        for project in projects
        for person in teams[project.pk]
    ]
    notify_each(told, kind=kind, now=now)
    follow_in_feeds([person for project in projects for person in teams[project.pk]], now=now)


def restore_project(*, project: Project, now: datetime) -> Project:
    """Undo a withdrawal, with everyone who was in the team then.

    Raises:
        RuleViolation: the slot was given to another team, or a member has another project.
    """
    restored = restore_projects(projects=[project], now=now)
    for refusal in restored.refused.values():
        raise refusal
    return restored.projects[project.pk]


@dataclass(frozen=True, slots=True)
class Restored:
    """What came of undoing withdrawals.

    Attributes:
        projects: those that are active now, by their keys, also if they were before.
        refused: why others are not, by their keys.
    """

    projects: dict[int, Project]
    refused: dict[int, RuleViolation]


def restore_projects(*, projects: Sequence[Project], now: datetime) -> Restored:
    """Undo withdrawals in the given order, each by itself: one that is refused keeps none of the others.

    As many queries for many as for one; see `restore_project` for why one is refused.
    """
    with transaction.atomic():
        topics, locked = lock_teams(*(project.pk for project in projects))
        gone = [locked[project.pk] for project in projects if not locked[project.pk].is_active]
        let_go_of(topics, now=now)
        rows = Membership.objects.filter(project__in=gone, left_at=F("project__withdrawn_at")).order_by("pk")
        places: dict[int, list[Membership]] = {project.pk: [] for project in gone}
        for row in rows:
            places[row.project_id].append(row)
        people = lock_enrolments(*(row.enrolment_id for several in places.values() for row in several))
        elsewhere = Membership.objects.active().filter(enrolment__in=people)
        busy = set(elsewhere.values_list("enrolment", "assignment"))
        taken: Counter[int] = Counter()
        back: list[Project] = []
        refused: dict[int, RuleViolation] = {}
        for project in gone:
            members = sorted((row.enrolment_id, row.assignment_id) for row in places[project.pk])
            occupied = next((pk for pk, assignment in members if (pk, assignment) in busy), None)
            teaching = next((pk for pk, _assignment in members if people[pk].is_staff), None)
            topic = topics[project.topic_id] if project.topic_id is not None else None
            if topic is not None and topic.free - taken[topic.pk] < 1:
                refused[project.pk] = RuleViolation(
                    _("The slot has been given to another team. Give the topic one more slot first."),
                    code="topic-full",
                )
            elif occupied is not None:
                refused[project.pk] = _has_a_team(people[occupied])
            elif teaching is not None:
                refused[project.pk] = teaches_here(people[teaching])
            else:
                if topic is not None:
                    taken[topic.pk] += 1
                busy.update(members)
                back.append(project)
        teams = {project.pk: [people[row.enrolment_id] for row in places[project.pk]] for project in back}
        Membership.objects.filter(pk__in=[row.pk for project in back for row in places[project.pk]]).update(
            left_at=None
        )
        Project.objects.filter(pk__in=teams).update(withdrawn_at=None)
        for project in back:
            project.withdrawn_at = None
        _count_teams(topics, taken)
        follow_deductions_of(back, now=now)
        _tell_teams("projects.restored", back, teams, now=now)
    return Restored({pk: project for pk, project in locked.items() if project.is_active}, refused)
