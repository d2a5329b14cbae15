"""What people want by mail: per topic and course, changed on their page or by one click in a mail."""

from collections.abc import Sequence

from amls.courses.models import Course, Enrolment, User
from amls.mail.categories import TOPICS, MailTopic
from amls.mail.letters import topic_of
from amls.mail.models import Notice, Preference


def wants(*, user: User, course: Course, topic: MailTopic) -> bool:
    """Return whether the person wants the mails of a topic in a course."""
    said = Preference.objects.filter(user=user, course=course, topic=topic.name).values_list("is_on", flat=True).first()
    return topic.is_default if said is None else said


def preferences_of(user: User, course: Course) -> list[tuple[MailTopic, bool]]:
    """Return every topic with what the person wants."""
    said = dict(Preference.objects.filter(user=user, course=course).values_list("topic", "is_on"))
    return [(topic, said.get(topic.name, topic.is_default)) for topic in TOPICS.values()]


def set_preference(*, user: User, course: Course, topic: MailTopic, is_on: bool) -> None:
    """Keep what the person wants."""
    Preference.objects.update_or_create(user=user, course=course, topic=topic.name, defaults={"is_on": is_on})


def unwanted(notices: Sequence[Notice]) -> set[int]:
    """Return the pks of those notices whose person does not want their topic: two queries for any number.

    Transactional ones are never among them. Who left the course or can't sign in any more gets no bulk mail.
    """
    switchable = []
    for notice in notices:
        topic = topic_of(notice.kind)
        if topic is not None and notice.recipient is not None and notice.course_id is not None:
            switchable.append((notice, topic))
    if not switchable:
        return set()
    people = {notice.recipient_id for notice, _topic in switchable}
    courses = {notice.course_id for notice, _topic in switchable}
    enrolled = set(Enrolment.objects.filter(user__in=people, course__in=courses).values_list("user_id", "course_id"))
    rows = Preference.objects.filter(user__in=people, course__in=courses)
    said: dict[tuple[int | None, int | None, str], bool] = {
        (row.user_id, row.course_id, row.topic): row.is_on for row in rows
    }
    return {
        notice.pk
        for notice, topic in switchable
        if not said.get((notice.recipient_id, notice.course_id, topic.name), topic.is_default)
        or (notice.recipient_id, notice.course_id) not in enrolled
        or (notice.recipient is not None and not notice.recipient.is_active)
    }
