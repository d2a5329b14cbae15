"""What a gradebook's table says and takes back: points, an excuse or nothing by column, and a stamp of what went out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from django.conf import settings
from django.db.models import prefetch_related_objects
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amls.core.decimals import say_decimal
from amls.core.seals import is_one_of, seal_of, seals_of
from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment
from amls.files.tables.meanings import EMAIL, NAMES, NUMBER, Meaning, heading_keys
from amls.files.tables.values import says_nothing
from amls.grading.points import ZERO, read_points
from amls.portal.gradebook.columns import Columns
from amls.portal.gradebook.results import BookResult, results_by_person, task_points_by_person
from exams.models import Exam, ExamTask
from exams.services.points import parse_points
from projects.models import Assignment, Task
from projects.works import Work, works_of

T = TypeVar("T")

STAMP = "stamp"
_SALT = "portal.gradebook.stamp"
_SEAL_LETTERS = 16
_LONGEST_HEADING = 90
_EXCUSED = {"excused", "entschuldigt", "x"}
_MISSING = {"missing", "fehlt"}
# What the table says beside points: no assignment is taken for one of these.
OTHER_HEADINGS = (
    gettext_lazy("project"), gettext_lazy("topic"), gettext_lazy("state"), gettext_lazy("not published yet"),
    gettext_lazy("extra points"), gettext_lazy("admission"), gettext_lazy("what the rules say"),
    gettext_lazy("sum of points"), gettext_lazy("points to be had so far"), gettext_lazy("deducted for being late"),
    gettext_lazy("not in the sum"), gettext_lazy("note"),
    gettext_lazy("stamp: leave it as it is"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class BookEntry:
    """What stands in one field of a person.

    Attributes:
        points: those that count; None where there are none.
        is_excused: it counts neither for nor against them.
        is_published: a change of it is a correction, with a reason.
        earned: the points before something was deducted for being late; None where nothing is.
    """

    points: Decimal | None = None
    is_excused: bool = False
    is_published: bool = field(default=False, compare=False)
    earned: Decimal | None = field(default=None, compare=False)

    @property
    def code(self) -> str:
        """What stands for it in a stamp: '7.25', 'x', or '' for nothing."""
        if self.is_excused:
            return "x"
        return f"{self.points.normalize():f}" if self.points is not None else ""

    @property
    def code_given(self) -> str:
        """What stands for it in what an import keeps, as `code`: the points that are given, of which some may be deducted."""
        return self.code if self.earned is None or self.is_excused else f"{self.earned.normalize():f}"

    @property
    def said(self) -> str:
        """What it says, in words."""
        if self.is_excused:
            return _("excused")
        return say_decimal(self.points) if self.points is not None else ""


NOTHING = BookEntry()


def entry_from(code: str) -> BookEntry:
    """Return what a code of ours stands for."""
    if code == "x":
        return BookEntry(is_excused=True)
    return BookEntry(Decimal(code)) if code else NOTHING


@dataclass(frozen=True, slots=True)
class BookField:
    """A column of the table that can be corrected: an assignment, an exam, or one task of either.

    Attributes:
        key: 'a17', its task 't4', 'e3' or its task 'x5'.
        headings: as its column is called, in each language; no other column is taken for it.
    """

    key: str
    headings: Sequence[str]
    assignment: Assignment | None = None
    task: Task | None = None
    exam: Exam | None = None
    exam_task: ExamTask | None = None

    @property
    def heading(self) -> str:
        """As its column is called in the present language."""
        languages = [code for code, _name in settings.LANGUAGES]
        present = translation.get_language()
        return self.headings[languages.index(present) if present in languages else 0]

    @property
    def meaning(self) -> Meaning:
        """What the reader of tables looks for."""
        return Meaning(self.key, self.heading, tuple(self.headings))

    def read(self, text: str) -> BookEntry:
        """Return what a cell says.

        Raises:
            RuleViolation: neither points that there are nor a word that is known; it names the column.
        """
        word = text.strip().casefold()
        if says_nothing(text) or word in _MISSING:
            return NOTHING
        try:
            if self.exam_task is not None:
                return BookEntry(read_points(text, most=self.exam_task.max_points))
            if self.exam is not None:
                return BookEntry(parse_points(text, self.exam))
            if word in _EXCUSED and self.task is None:
                return BookEntry(is_excused=True)
            most = self.task.max_points if self.task is not None else self.assignment and self.assignment.max_points
            return BookEntry(read_points(text, most=most or ZERO))
        except RuleViolation as violation:
            said = _("%(column)s: %(problem)s") % {"column": self.heading, "problem": violation.message}
            raise RuleViolation(said, code=violation.code) from violation


def fields_of(columns: Columns) -> list[BookField]:
    """Return all that can be corrected in a course: assignments with points and exams, each followed by its tasks.

    The headings are the same whatever part of the gradebook is shown, and no two are alike to the reader of tables.
    """
    by_points = [row for row in columns.assignments if row.grading == Assignment.Grading.POINTS]
    prefetch_related_objects(by_points, "tasks")
    taken = {key for meaning in (EMAIL, NUMBER, *NAMES) for key in meaning.keys}
    for headings in said_in_all_languages(lambda: list(map(str, OTHER_HEADINGS))):
        taken.update(*map(heading_keys, headings))
    for row in columns.assignments:
        if row.grading != Assignment.Grading.POINTS:
            taken |= heading_keys(row.title)
    fields = []
    for made in _plain_fields(columns):
        keys = {key for heading in made.headings for key in heading_keys(heading)}
        if keys & taken or "" in keys:
            # With its key nothing else is called so.
            headings = [f"{heading} #{made.key}" for heading in made.headings]
            made = replace(made, headings=headings)  # noqa: PLW2901
            keys = {key for heading in headings for key in heading_keys(heading)}
        taken |= keys
        fields.append(made)
    return fields


def _plain_fields(columns: Columns) -> Iterator[BookField]:
    for row in columns.assignments:
        if row.grading != Assignment.Grading.POINTS:
            continue
        title = row.title[:_LONGEST_HEADING]
        yield BookField(f"a{row.pk}", [title] * len(settings.LANGUAGES), assignment=row)
        for task in row.tasks.all():
            named = f"{row.title[:50]}: {task.title}"[:_LONGEST_HEADING]
            yield BookField(f"t{task.pk}", [named] * len(settings.LANGUAGES), assignment=row, task=task)
    for exam in columns.exams:
        day = f"{timezone.localtime(exam.starts_at):%Y-%m-%d}"
        if exam.is_graded_directly:
            # Its grade is entered on its page of results.
            continue
        named_each = said_in_all_languages(lambda: str(exam)[:70])  # noqa: B023 - called at once
        yield BookField(f"e{exam.pk}", [f"{name} {day}" for name in named_each], exam=exam)
        for part in exam.tasks.all():
            headings = [f"{name[:40]} {day}: {part.title}"[:_LONGEST_HEADING] for name in named_each]
            yield BookField(f"x{part.pk}", headings, exam=exam, exam_task=part)


def said_in_all_languages(say: Callable[[], T]) -> list[T]:
    """Return what is said in each language of the site, in their order."""
    said: list[T] = []
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            said.append(say())
    return said


Entries = Mapping[str, BookEntry]


def read_entries(
    columns: Columns, people: Sequence[Enrolment], *, now: datetime, with_tasks: bool, with_exam_tasks: bool
) -> dict[int, dict[str, BookEntry]]:
    """Return what stands in each field of these people, by enrolment: 7 queries, one more with exams' tasks.

    Args:
        columns: of their course.
        people: students of one course.
        now: the request's clock.
        with_tasks: whether fields of assignments' tasks are wanted as well.
        with_exam_tasks: whether those of exams' tasks are.
    """
    works = works_of(columns.assignments, people, now=now, with_tasks=with_tasks)
    results, given = results_by_person(people), task_points_by_person(people) if with_exam_tasks else None
    return {
        person.pk: {
            **{key: entry for work in works[person.pk].values() for key, entry in _entries_of(work)},
            **{
                key: entry
                for exam in columns.exams
                for key, entry in _entries_of_exam(
                    exam, results[person.pk].get(exam.pk), given.get(person.pk, {}) if given is not None else None
                )
            },
        }
        for person in people
    }


def _entries_of(work: Work) -> Iterator[tuple[str, BookEntry]]:
    if work.most is None:
        return
    is_excused = work.state == "excused"
    points, earned = (None, None) if is_excused else (work.points, work.earned)
    yield f"a{work.assignment.pk}", BookEntry(points, is_excused, work.is_published, earned)
    scores = {score.task.pk: score.points for score in work.score.tasks if score.task} if work.score else {}
    for task in work.assignment.tasks.all():
        yield f"t{task.pk}", BookEntry(scores.get(task.pk), is_published=work.is_published)


def _entries_of_exam(
    exam: Exam, result: BookResult | None, given: Mapping[int, Decimal] | None
) -> Iterator[tuple[str, BookEntry]]:
    is_published = result is not None and result.is_published
    yield f"e{exam.pk}", BookEntry(result.points, is_published=is_published) if result is not None else NOTHING
    if given is not None:
        for task in exam.tasks.all():
            yield f"x{task.pk}", BookEntry(given.get(task.pk), is_published=is_published)


# ── the stamp ──


def stamp_of(enrolment: int, entries: Entries) -> str:
    """Return what a row of the table said when it went out, so that it is known what somebody changed in it.

    As '12 a17=7.25 a18=x e3=57 9f3a…': whose row it is, the fields, and a seal, by which it is known to be ours and whole.
    """
    said = " ".join([str(enrolment), *(f"{key}={entry.code}" for key, entry in entries.items())])
    return f"{said} {_short(seal_of(_SALT, said))}"


def read_stamp(text: str) -> tuple[int, dict[str, BookEntry]]:
    """Return whose row a stamp is of, and what it said when it went out.

    Raises:
        RuleViolation: it is not as it went out (code 'stamp').
    """
    said, _blank, seal = text.strip().rpartition(" ")
    if not said or not is_one_of(seal, map(_short, seals_of(_SALT, said))):
        raise RuleViolation(
            _("its stamp is not as it was given out. Download the table again, and change only points."), code="stamp"
        )
    enrolment, *fields = said.split(" ")
    return int(enrolment), {key: entry_from(code) for key, _equals, code in (text.partition("=") for text in fields)}


def _short(seal: bytes) -> str:
    return seal.hex()[:_SEAL_LETTERS]
