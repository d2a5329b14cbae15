"""What can be found besides the text of files: short texts of the apps, each contributed by a source."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Model, Q, QuerySet
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from amls.core.hooks import Hook
from amls.mail.models import Announcement
from amls.portal.search.readers import NOW, in_courses, in_managed
from lectures.models import Lecture
from projects.models import Assignment, Topic


@dataclass(frozen=True, slots=True)
class Source:
    """A kind of short text.

    Attributes:
        label: what one of them is called.
        model: whose rows they are.
        rows: those that a reader may see, of all their courses, by the conditions of `amls.portal.search.readers`.
        title: the model's field that counts most.
        texts: further fields.
        named: further fields by which it is found, and which its name shows.
        needed: what else of a row its name, address and group are made of.
        address: where a row is read.
        group: which lecture a row belongs to, if any: its hits stand together.
    """

    name: str
    label: str | Promise
    model: type[Model]
    rows: Callable[[], QuerySet[Any]]
    title: str
    texts: tuple[str, ...]
    address: Callable[[Any], str]
    group: Callable[[Any], int | None] = lambda _row: None
    named: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()


sources: Hook[Source] = Hook("kinds of text that are found")


def find_in(source: Source) -> Source:
    """Let a kind of text be found; its rows have a `course`."""
    return sources.add(source.name, source)


def _lectures() -> QuerySet[Any]:
    return Lecture.objects.filter(in_courses())


def _topics() -> QuerySet[Any]:
    # Students' own ideas are their staff's to find, and nobody else's.
    return Topic.objects.filter(Q(in_managed()) | Q(proposal=""), in_courses())


def _assignments() -> QuerySet[Any]:
    seen = Q(pk__in=Assignment.objects.visible_at(NOW).values("pk"))
    return Assignment.objects.filter(Q(in_managed()) | seen, in_courses())


def _announcements() -> QuerySet[Any]:
    # What is for some of the people only, their staff find; it stands on the course's page for the others.
    wide = Q(in_managed()) | Q(audience="all")
    return Announcement.objects.on_page_at(NOW).filter(wide, in_courses())


def _topic_address(topic: Topic) -> str:
    return reverse("projects:topic", args=[topic.course.slug, topic.pk])


find_in(
    Source(
        name="lectures",
        label=_("Lecture"),
        model=Lecture,
        rows=_lectures,
        title="title",
        texts=("abstract",),
        address=lambda lecture: str(lecture.get_absolute_url()),
        group=lambda lecture: int(lecture.pk),
        named=("number",),
        needed=("kind",),
    )
)
find_in(
    Source(
        name="topics",
        label=_("Project topic"),
        model=Topic,
        rows=_topics,
        title="title",
        texts=("track", "description"),
        address=_topic_address,
    )
)
find_in(
    Source(
        name="assignments",
        label=_("Assignment"),
        model=Assignment,
        rows=_assignments,
        title="title",
        texts=("description",),
        address=lambda assignment: reverse("projects:assignments", args=[assignment.course.slug]),
    )
)
find_in(
    Source(
        name="announcements",
        label=_("announcement"),
        model=Announcement,
        rows=_announcements,
        title="title",
        texts=("text",),
        address=lambda announcement: f"{announcement.course.get_absolute_url()}#announcements",
    )
)
