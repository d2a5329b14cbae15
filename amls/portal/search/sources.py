"""What can be found besides the text of files: short texts of the apps, each contributed by a source."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import CharField, F, Func, Model, Q, QuerySet
from django.db.models.functions import Coalesce, NullIf
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from amls.core.hooks import Hook
from amls.mail.models import Announcement
from amls.portal.search.readers import NOW, in_courses, in_managed, sees_material
from lectures.models import Lecture, Material
from projects.models import Assignment, Topic


@dataclass(frozen=True, slots=True)
class Source:
    """A kind of short text.

    Attributes:
        label: what one of them is called.
        model: whose rows they are.
        rows: those that a reader may see, of all their courses, by the conditions of `amls.portal.search.readers`.
        title: the field, or annotation of `rows`, that counts most.
        texts: further ones.
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


# Without a value of its own: what is found is made of columns alone.
_EMPTY = Func(template="''", output_field=CharField())

sources: Hook[Source] = Hook("kinds of text that are found")


def find_in(source: Source) -> Source:
    """Let a kind of text be found; its rows have a `course_id`, be it as an annotation."""
    return sources.add(source.name, source)


def _lectures() -> QuerySet[Any]:
    return Lecture.objects.filter(in_courses())


def _materials() -> QuerySet[Any]:
    # By their names: of what is read, slides and captions, the pages are found; and 'Slides, PDF' tells nobody anything.
    called = Coalesce(NullIf("title", _EMPTY), "current__filename", "url")
    named = Q(current__isnull=False) | ~Q(url="")
    rows = Material.objects.filter(
        ~Q(title="") | Q(kind=Material.Kind.OTHER), named, sees_material(), in_courses("lecture__course")
    )
    return rows.annotate(
        course_id=F("lecture__course_id"), called=called, filename=Coalesce("current__filename", _EMPTY)
    )


def _material_address(row: Any) -> str:
    return reverse("lectures:material", args=[row.course.slug, row.pk, row.filename]) if row.filename else str(row.url)


def _topics() -> QuerySet[Any]:
    # Students' own ideas are their staff's to find, and nobody else's.
    offered = Q(proposal="", assignment__in=Assignment.objects.visible_at(NOW).values("pk"))
    return Topic.objects.filter(Q(in_managed()) | offered, in_courses())


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
        name="materials",
        label=_("Material"),
        model=Material,
        rows=_materials,
        title="called",
        texts=(),
        address=_material_address,
        named=("filename",),
        needed=("url",),
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
