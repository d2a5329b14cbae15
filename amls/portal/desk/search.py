"""What is found at the desk: people, teams, topics, lectures and exams of the courses that somebody teaches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Prefetch, Q, QuerySet, Value, When
from django.urls import reverse
from django.utils.translation import gettext as _

from amls.core.folding import is_found, searchable
from amls.core.keys import primary_key
from amls.core.times import say_moment
from amls.courses.models import Course, Enrolment
from exams.models import Exam
from lectures.models import Lecture
from projects.models import Membership, Project, Topic

_MOST, _MOST_EXAMS, _LONGEST, _MOST_WORDS = 8, 200, 100, 6


@dataclass(frozen=True, slots=True)
class DeskHit:
    """Something at the desk.

    Attributes:
        title: what it is called.
        detail: what tells it from others of the name.
        address: where staff work on it.
        course: where the person teaches several, of which it is.
    """

    title: str
    detail: str
    address: str
    course: Course | None


@dataclass(frozen=True, slots=True)
class DeskHits:
    """What was found of one kind, the chosen course's first; `has_more` where there was no room for all."""

    title: str
    icon: str
    rows: Sequence[DeskHit]
    has_more: bool


def find_at_desk(typed: str, *, courses: Sequence[Course], chosen: Course | None) -> list[DeskHits]:
    """Return what holds each of the words that were typed, folded as everywhere: 6 queries, of bounded size.

    Args:
        typed: words; '#17' and '17' are also the number of a team or lecture.
        courses: those that the person teaches; of nothing else anything is found.
        chosen: the one that they work in.
    """
    words = typed[:_LONGEST].split()[:_MOST_WORDS]
    if not words or not courses:
        return []
    search = _Search(words, courses, chosen)
    kinds = [
        search.kind(_("People"), "person", search.people(), _person),
        search.kind(_("Teams"), "groups", search.teams(), _team),
        search.kind(_("Topics"), "lightbulb", search.topics(), _topic),
        search.kind(_("Lectures"), "event", search.lectures(), _lecture),
        search.kind(_("Exams"), "edit_calendar", search.exams(), _exam),
    ]
    return [kind for kind in kinds if kind.rows]


class _Search:
    def __init__(self, words: Sequence[str], courses: Sequence[Course], chosen: Course | None) -> None:
        self.words, self.chosen = words, chosen
        self.courses = {course.pk: course for course in courses}

    def kind(
        self, title: str, icon: str, rows: Iterable[tuple[Course, object]], say: Callable[..., tuple[str, str, str]]
    ) -> DeskHits:
        shown = [DeskHit(*say(row), course if len(self.courses) > 1 else None) for course, row in rows]
        return DeskHits(title, icon, shown[:_MOST], len(shown) > _MOST)

    def _first(self, rows: QuerySet[Any], path: str, *order: str) -> Iterator[tuple[Course, Any]]:
        """Yield the first of some rows with their courses, the chosen one's first, and one more than are shown."""
        archived = [course.pk for course in self.courses.values() if course.state == Course.State.ARCHIVED]
        near = Case(
            When(**{path: self.chosen.pk if self.chosen else 0}, then=Value(0)),
            When(**{f"{path}__in": archived}, then=Value(2)),
            default=Value(1),
        )
        # Read by the courses themselves: their rows need not be joined.
        for row in rows.order_by(near, *order)[: _MOST + 1]:
            yield self.courses[getattr(row, "course_id", None) or row.assignment.course_id], row

    def _with_all_words(self, rows: QuerySet[Any], *fields: str) -> QuerySet[Any]:
        for word in self.words:
            condition = Q()
            for field in fields:
                condition |= Q(**{f"{field}__finds": word})
            rows = rows.filter(condition)
        return rows

    def _people(self) -> QuerySet[Enrolment]:
        return Enrolment.objects.filter(course__in=self.courses).found_by(" ".join(self.words))

    def people(self) -> Iterator[tuple[Course, Any]]:
        return self._first(self._people().select_related("user"), "course", "course", "user__sort_name", "pk")

    def teams(self) -> Iterator[tuple[Course, Any]]:
        members = Membership.objects.filter(enrolment__in=self._people())
        number = primary_key(self.words[0].removeprefix("#")) if len(self.words) == 1 else 0
        rows = Project.objects.filter(
            Q(pk__in=members.values("project")) | Q(pk=number), assignment__course__in=self.courses
        )
        rows = rows.select_related("topic", "assignment").prefetch_related(
            Prefetch("memberships", Membership.objects.select_related("enrolment__user").order_by("pk"))
        )
        return self._first(rows, "assignment__course", "withdrawn_at", "-pk")

    def topics(self) -> Iterator[tuple[Course, Any]]:
        rows = self._with_all_words(Topic.objects.filter(course__in=self.courses), "title", "track", "mentor__name")
        return self._first(rows.select_related("mentor"), "course", "position", "pk")

    def lectures(self) -> Iterator[tuple[Course, Any]]:
        rows = self._with_all_words(Lecture.objects.filter(course__in=self.courses), "number", "title", "room")
        for course, row in self._first(rows, "course", "starts_at", "pk"):
            row.course = course
            yield course, row

    def exams(self) -> Iterator[tuple[Course, Any]]:
        """Yield exams by all that stands on them, dates in words included: there are few."""
        rows = list(Exam.objects.filter(course__in=self.courses).order_by("-starts_at", "pk")[:_MOST_EXAMS])
        rows.sort(key=lambda exam: self.chosen is not None and exam.course_id != self.chosen.pk)
        typed = " ".join(self.words)
        for exam in rows:
            exam.course = self.courses[exam.course_id]
            # Also by what people call it.
            said = [str(exam), exam.place, str(exam.get_kind_display()), _when(exam), _("exam, written test")]
            if is_found(typed, searchable(" ".join(said))):
                yield exam.course, exam


def _person(enrolment: Enrolment) -> tuple[str, str, str]:
    facts = [enrolment.number, enrolment.user.email, str(enrolment.get_role_display()) if enrolment.is_staff else ""]
    address = reverse("desk_person", args=[enrolment.pk])
    return str(enrolment.user), " · ".join(filter(None, facts)), address


def _team(project: Project) -> tuple[str, str, str]:
    names = ", ".join(str(membership.enrolment.user) for membership in project.memberships.all()) or _("nobody")
    withdrawn = _("withdrawn") if project.withdrawn_at else ""
    detail = " · ".join(filter(None, [project.title, withdrawn]))
    return f"#{project.pk} {names}", detail, reverse("admin:projects_project_assess", args=[project.pk])


def _topic(topic: Topic) -> tuple[str, str, str]:
    mentor = topic.mentor.name if topic.mentor else ""
    detail = " · ".join(filter(None, [topic.said_track, mentor]))
    return topic.title, detail, reverse("admin:projects_topic_change", args=[topic.pk])


def _lecture(lecture: Lecture) -> tuple[str, str, str]:
    moment = say_moment(lecture.starts_at.astimezone(lecture.course.zone)) if lecture.starts_at else ""
    detail = " · ".join(filter(None, [moment, lecture.room]))
    return str(lecture), detail, reverse("admin:lectures_lecture_change", args=[lecture.pk])


def _exam(exam: Exam) -> tuple[str, str, str]:
    address = reverse("exams:staff", args=[exam.course.slug, exam.pk])
    cancelled = _("cancelled") if exam.is_cancelled else ""
    return str(exam), " · ".join(filter(None, [_when(exam), exam.place, cancelled])), address


def _when(exam: Exam) -> str:
    return say_moment(exam.starts_at.astimezone(exam.course.zone))
