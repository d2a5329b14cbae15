"""Another topic for the same team, and the way back for a day."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amls.core.bounds import Bound, spend
from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment
from projects.models import Project, Topic, TopicSwitch
from projects.services.locks import (
    lock_teams,
    lock_topics,
    require_first_come,
    require_registration_open,
    require_running,
    tell,
)
from projects.services.registration import (
    give_slot_back,
    let_go,
    let_go_of,
    require_active,
    require_available,
    require_unpublished,
    take_slot,
)
from projects.teamrows import members_of, places_taken

# Each is a mail to everyone in the team.
_SWITCHES = Bound(
    "projects.switches",
    most=10,
    per=timedelta(days=1),
    message=gettext_lazy("Your team switched topics %(most)s times today. Switch again in %(wait)s."),
)

# So long the others can take a switch back, and so long the slot that the team left is held for it.
HELD = timedelta(days=1)


def switch_topic(*, project: Project, topic: Topic, by: Enrolment, now: datetime) -> Project:
    """Move a team with everything it has to another topic; its other members are told who did it.

    Where there are others, the old slot is held for the team for a day, so that they can take the
    switch back; a team of one gives it back at once. A further switch within the day lets go of
    the topic in between: what is held is the one that the team had before, for a day from then.

    Raises:
        RuleViolation: registration is closed, the team's result is published, the new topic is not to be had, or too
            small for the team, or it switched too often today. The team then keeps what it has.
    """
    with transaction.atomic():
        topics, projects = lock_teams(project.pk, topics=[topic.pk])
        project = projects[project.pk]
        old, new = project.topic, topics[topic.pk]
        require_active(project)
        if old is None or new.assignment_id != project.assignment_id:
            raise RuleViolation(_("This topic belongs to another assignment."), code="other-assignment")
        if old.pk == new.pk:
            return project
        let_go_of(topics, now=now)
        held = TopicSwitch.objects.to_take_back_at(now).filter(project=project).first()
        if held is not None and held.topic_id == new.pk:
            return _go_back(held, project, old, new, by=by, now=now)
        require_first_come(project.assignment)
        require_registration_open(project.assignment, now=now)
        require_unpublished(project)
        require_available(new, by)
        people = members_of(project)
        require_room(new, people)
        spend(_SWITCHES, who=project.pk, now=now)
        take_slot(new)
        _leave(project, old, held, people, by=by, now=now)
        project.topic = new
        project.save(update_fields=["topic"])
        references = {"project": project.pk, "from": old.pk, "to": new.pk, "who": by.pk}
        cause = f"{project.pk}:{new.pk}:{now.timestamp()}"
        tell("projects.switched", people, cause=cause, now=now, references=references)
    return project


def _leave(
    project: Project, old: Topic, held: TopicSwitch | None, people: list[Enrolment], *, by: Enrolment, now: datetime
) -> None:
    """Hold the slot that a team leaves, or go on holding the one that it had before; else give it back."""
    if held is not None:
        give_slot_back(old)
        held.by, held.switched_at, held.held_until = by, now, now + HELD
        held.save(update_fields=["by", "switched_at", "held_until"])
    elif any(person.pk != by.pk for person in people):
        TopicSwitch.objects.create(project=project, topic=old, by=by, switched_at=now, held_until=now + HELD)
    else:
        give_slot_back(old)


def take_switch_back(*, project: Project, by: Enrolment, now: datetime) -> Project:
    """Give a team the topic again that it had before one of its members switched; everyone in it is told.

    Also after registration closed: the slot was held for it. Pressed twice it is one step.

    Raises:
        RuleViolation: the day is over, the project was withdrawn, the course does not run, or the
            team has grown too large for the topic meanwhile.
    """
    with transaction.atomic():
        topics, projects = lock_teams(project.pk)
        project = projects[project.pk]
        require_active(project)
        require_running(project.course)
        held = TopicSwitch.objects.to_take_back_at(now).filter(project=project).first()
        left = project.topic
        if held is None or left is None:
            raise RuleViolation(
                _("This switch was taken back already, or its day is over. While registration is open, switch again."),
                code="switch-over",
            )
        return _go_back(held, project, left, topics[held.topic_id], by=by, now=now)


def _go_back(
    held: TopicSwitch, project: Project, left: Topic, again: Topic, *, by: Enrolment, now: datetime
) -> Project:
    """Put a locked team back on the locked topic whose slot is held for it."""
    people = members_of(project)
    require_room(again, people)
    held.closed_at = now
    held.save(update_fields=["closed_at"])
    give_slot_back(left)
    project.topic = again
    project.save(update_fields=["topic"])
    references = {"project": project.pk, "from": left.pk, "to": again.pk, "who": by.pk}
    tell("projects.switched-back", people, cause=f"{held.pk}:{now.timestamp()}", now=now, references=references)
    return project


def require_room(topic: Topic, people: Iterable[Enrolment]) -> None:
    """Refuse a topic for these people of a team where it takes fewer.

    Raises:
        RuleViolation: it does.
    """
    if places_taken(people) > topic.team_max:
        raise RuleViolation(
            _("Your team is too large for this topic, which takes at most %(count)d.") % {"count": topic.team_max},
            code="team-too-large",
        )


def release_slots(*, now: datetime) -> int:
    """Give back every slot that was held for a day; return how many. Beat does it, so that pages show them free."""
    over = TopicSwitch.objects.holding().filter(held_until__lte=now)
    count = 0
    for pk in sorted(set(over.values_list("topic", flat=True))):
        with transaction.atomic():
            for topic in lock_topics(pk).values():
                count += let_go(topic, now=now)
    return count
