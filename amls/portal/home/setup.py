"""What a draft still needs before its people come: one list instead of many forms to remember."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.translation import gettext as _

from amls.courses.models import Course, Enrolment, RosterEntry
from amls.desk.chosen_course import way_to_choose
from exams.models import Exam
from lectures.models import Lecture, Material
from projects.models import Assignment, Topic


@dataclass(frozen=True, slots=True)
class SetupStep:
    """Something to see to.

    Attributes:
        count: how many there are; what has none is not done.
        address: where it is done, at the desk of this course.
        said: how it is, where that is no number.
    """

    title: str
    count: int
    address: str
    said: str = ""

    @property
    def is_done(self) -> bool:
        """Whether there is any."""
        return self.count > 0


def setup_steps(course: Course) -> list[SetupStep]:
    """Return what a course is made of and how much of it is there, in the order in which it is needed: 1 query."""
    wanted: list[tuple[str, QuerySet[Any], str, str]] = [
        (_("Sessions with a date"), Lecture.objects.exclude(starts_at=None), "course", "lectures_lecture_changelist"),
        (
            _("Assignments with a deadline"),
            Assignment.objects.exclude(due_at=None),
            "course",
            "projects_assignment_add",
        ),
        (_("Topics of the project"), Topic.objects.all(), "course", "projects_topic_upload_topics"),
        (_("People on the roster"), RosterEntry.objects.all(), "course", "courses_rosterentry_upload_roster"),
        (_("Students in the course"), Enrolment.objects.students(), "course", "courses_enrolment_add"),
        (_("Exams"), Exam.objects.all(), "course", "exams_exam_add"),
        (_("Slides and recordings"), Material.objects.all(), "lecture__course", "lectures_lecture_upload_files"),
    ]
    counts = {f"step_{place}": _count(rows, path) for place, (_title, rows, path, _name) in enumerate(wanted)}
    (amounts,) = Course.objects.filter(pk=course.pk).annotate(**counts).values_list(*counts)
    steps = [
        SetupStep(title, count, way_to_choose(reverse(f"admin:{name}"), course))
        for (title, _rows, _path, name), count in zip(wanted, amounts, strict=True)
    ]
    settings = way_to_choose(reverse("admin:courses_course_change", args=[course.pk]), course)
    is_open = course.enrolment_policy != Course.EnrolmentPolicy.CLOSED
    return [*steps, SetupStep(_("Who may enrol"), int(is_open), settings, course.get_enrolment_policy_display())]


def _count(rows: QuerySet[Any], path: str) -> Coalesce:
    counted = rows.filter(**{path: OuterRef("pk")}).order_by().values(path).annotate(total=Count("pk")).values("total")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)
