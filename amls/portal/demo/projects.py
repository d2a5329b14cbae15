"""The demo's teams: with drafts, published results, a late hand-in, a wish for more time and an own idea."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from pypdf import PdfWriter

from amls.courses.eligibility import terms_of
from amls.courses.models import Course, Enrolment, Role, User
from amls.mail.models import Notice
from projects.models import Assignment, Project, Topic
from projects.services.assessing import assess, assign_assessor, note_for_staff, publish_assessments
from projects.services.extensions import extend, request_extension
from projects.services.handin import hand_in
from projects.services.ideas import propose_idea
from projects.services.registration import add_member, register_project


def make_projects(course: Course, people: dict[str, User], *, now: datetime) -> None:
    """Give a course of the demo teams at every stage; one that has teams stays as it is.

    Args:
        course: with topics, rules and people; the archived one is assessed and published.
        people: the demo's accounts by address.
        now: until which things have happened; in the archived course until after its deadline.
    """
    main = Assignment.objects.main_of(course)
    if main is None or main.due_at is None or Project.objects.of_course(course).exists():
        return
    is_archived = course.state == Course.State.ARCHIVED
    with _running(course):
        story = _Story(course, people, main.due_at, main.due_at if is_archived else now)
        if is_archived:
            story.tell_past()
        else:
            story.tell_present()
    if is_archived:
        # What happened then was told then.
        Notice.objects.filter(course=course).delete()


@contextmanager
def _running(course: Course) -> Iterator[None]:
    """Let students act in the archived course while its past is made up."""
    state = course.state
    Course.objects.filter(pk=course.pk).update(state=Course.State.RUNNING)
    course.state = Course.State.RUNNING
    yield
    Course.objects.filter(pk=course.pk).update(state=state)
    course.state = state


class _Story:
    def __init__(self, course: Course, people: dict[str, User], deadline: datetime, now: datetime) -> None:
        self.course, self.deadline, self.now = course, deadline, now
        self.assistant = people["assistant@example.org"]
        students = Enrolment.objects.filter(course=course, role=Role.STUDENT).select_related("user", "course")
        self.students = {student.user.email: student for student in students}
        self.topics = list(Topic.objects.filter(course=course, proposal="").order_by("position", "pk"))

    def student(self, number: int) -> Enrolment:
        return self.students["student@example.org" if number == 1 else f"student{number}@example.org"]

    def team(self, topic: int, *numbers: int, days: int) -> Project:
        began = self.now - timedelta(days=days)
        first, *rest = (self.student(number) for number in numbers)
        project = register_project(enrolment=first, topic=self.topics[topic], now=began)
        with transaction.atomic():
            for member in rest:
                add_member(project, member, now=began + timedelta(hours=1))
        return project

    def hand_in(
        self, project: Project, number: int, at: datetime, *uploads: SimpleUploadedFile, commit: str = ""
    ) -> None:
        hand_in(
            project=project,
            by=self.student(number),
            uploads=list(uploads),
            repository_url="https://git.example.org/team/project" if commit else "",
            commit=commit,
            request_key=uuid.uuid4(),
            began_at=at,
            now=at + timedelta(seconds=9),
        )

    def tell_past(self) -> None:
        before, after = self.deadline - timedelta(hours=5), self.deadline + timedelta(days=5)
        first = self.team(0, 1, 2, 3, days=60)
        self.hand_in(first, 1, before - timedelta(days=3), _zip("aggregates.zip", "v1"), make_report())
        self.hand_in(first, 2, before, _zip("aggregates.zip", "v2"), make_report())
        second = self.team(3, 4, 5, days=50)
        self.hand_in(second, 4, before, _notebook(), commit="4f2a91c07b3d")
        third = self.team(5, 6, days=40)
        self.hand_in(third, 6, before, _zip("imputation.zip", "v1"))
        late = self.team(6, 7, 8, days=40)
        self.hand_in(late, 7, self.deadline + timedelta(hours=7), _zip("frames.zip", "v1"))
        projects = [first, second, third, late]
        assign_assessor(projects=projects, assessor=self.assistant)
        self.assess(first, "passed", "4.5", "A **careful** study. The third data set is the most telling.", after)
        self.assess(second, "passed", "2", "It works; the measurements need a baseline.", after)
        self.assess(third, "failed", "0", "The built-in has no tests, and the comparison is missing.", after)
        publish_assessments(projects=projects, now=after)

    def tell_present(self) -> None:
        now = self.now
        first = self.team(0, 1, 2, days=20)
        self.hand_in(first, 1, now - timedelta(days=4), _zip("aggregates.zip", "v1"), make_report())
        self.hand_in(first, 2, now - timedelta(days=1), _zip("aggregates.zip", "v2"), make_report(), _notebook())
        second = self.team(1, 3, days=19)
        request_extension(
            project=second,
            by=self.student(3),
            reason="My partner left the course, and I start over alone.",
            wanted_until=self.deadline + timedelta(days=3),
            now=now - timedelta(hours=20),
        )
        third = self.team(3, 4, 5, days=18)
        self.hand_in(third, 4, now - timedelta(days=2), _notebook(), commit="4f2a91c07b3d")
        self.assess(third, "passed", "3", "Handed in early and **complete**.", now - timedelta(days=1))
        fourth = self.team(5, 6, days=17)
        self.hand_in(fourth, 6, now - timedelta(days=6), _zip("imputation.zip", "v1"))
        self.assess(fourth, "passed", "5", "Excellent: merged upstream.", now - timedelta(days=3))
        publish_assessments(projects=[fourth], now=now - timedelta(days=3))
        fifth = self.team(6, 7, 8, days=10)
        extend(projects=[fifth], by=self.assistant, reason="Ill", now=now, delta=timedelta(days=2))
        assign_assessor(projects=[first, second], assessor=self.assistant)
        note_for_staff(
            project=first, text="Promised a run on the large data set.", by=self.assistant, now=now - timedelta(days=1)
        )
        propose_idea(
            enrolment=self.student(9),
            assignment=fifth.assignment,
            title="Energy of matrix multiplications",
            description="Measure the **energy** of dense and sparse kernels on two processors.",
            skills=["C++", "measuring"],
            team_max=2,
            now=now - timedelta(hours=30),
        )

    def assess(self, project: Project, outcome: str, points: str, feedback: str, at: datetime) -> None:
        given = min(Decimal(points), terms_of(self.course).most_extra_points)
        assess(project=project, outcome=outcome, extra_points=given, feedback=feedback, by=self.assistant, now=at)


def _zip(name: str, version: str) -> SimpleUploadedFile:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.md", f"# {name}\n\n{version}\n")
        archive.writestr("src/main.py", "print('hello')\n")
    return SimpleUploadedFile(name, buffer.getvalue())


def make_report() -> SimpleUploadedFile:
    """Return a PDF of one page, as somebody uploads it."""
    buffer, writer = io.BytesIO(), PdfWriter()
    writer.add_blank_page(595, 842)
    writer.add_metadata({"/Title": "Report"})
    writer.write(buffer)
    return SimpleUploadedFile("report.pdf", buffer.getvalue())


def _notebook() -> SimpleUploadedFile:
    cell = {"cell_type": "markdown", "metadata": {}, "source": ["# Measurements"]}
    book = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    return SimpleUploadedFile("measurements.ipynb", json.dumps(book).encode())
