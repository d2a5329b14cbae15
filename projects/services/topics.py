"""The staff's proposals."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from amls.core.violations import RuleViolation
from amls.courses.models import User
from amls.courses.services import finish_course_change, lock_course, touch
from projects.models import Assignment, Project, Topic
from projects.services.assignments import project_of
from projects.services.locks import lock_topics, save_checked


def save_topic(*, assignment: Assignment, track: str, title: str, values: Mapping[str, Any], now: datetime) -> Topic:
    """Add a topic of the staff, or change the one with this track and title.

    Args:
        assignment: whose topic it is.
        track: as the topics' page groups them.
        title: within the track.
        values: other fields of the topic; what is left out stays as it is.
        now: the request's clock.

    Raises:
        RuleViolation: the values break a rule, such as fewer slots than teams have it.
    """
    with transaction.atomic():
        course = lock_course(assignment.course_id)
        rows = Topic.objects.filter(assignment=assignment, track=track, title=title)
        pk = rows.values_list("pk", flat=True).first()
        topic = lock_topics(pk)[pk] if pk else Topic(course=course, assignment=assignment, track=track, title=title)
        for name, value in values.items():
            setattr(topic, name, value)
        save_checked(topic)
        touch(course, now=now)
    return topic


def keep_topic(topic: Topic, *, by: User | None = None, now: datetime) -> None:
    """Keep a topic, new or changed, of the course's project unless it says of which assignment.

    How many teams have it is counted by the database alone.

    Raises:
        RuleViolation: it breaks a rule, such as fewer slots than teams have it.
    """
    with transaction.atomic():
        course = lock_course(topic.course_id)
        if topic.pk:
            topic.taken = lock_topics(topic.pk)[topic.pk].taken
        if not topic.assignment_id:
            topic.assignment = project_of(course)
        save_checked(topic)
        finish_course_change(course, now=now)


def delete_topic(topic: Topic, *, by: User | None = None, now: datetime) -> None:
    """Delete a topic that no team has or had.

    Raises:
        RuleViolation: one has, or had (code 'has-teams').
    """
    with transaction.atomic():
        lock_course(topic.course_id)
        locked = lock_topics(topic.pk)[topic.pk]
        if Project.objects.filter(topic=locked).exists():
            raise RuleViolation(_("A team has or had this topic. Close it instead."), code="has-teams")
        locked.delete()
        finish_course_change(topic.course, now=now)
