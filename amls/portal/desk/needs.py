"""What needs a hand in some courses today: the first thing that the desk shows."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, ngettext_lazy

from amls.core.statements import ModelStatement, Parameter, is_among
from amls.courses.contradictions import contradictions_of, doubts_in
from amls.courses.models import Course, SessionKind, User
from amls.held.models import HeldAct
from amls.mail.health import health
from exams.models import Exam
from exams.needs import waiting_in as exams_waiting_in
from lectures.advice import problem
from lectures.models import Extraction, Lecture, Material
from projects.progress import open_questions_in, say_undecided
from projects.progress import waiting_in as projects_waiting_in


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that waits for the staff, and where it is done.

    Attributes:
        title: says what; of a list, how many.
        address: where it is done; empty where each of `rows` has its own.
        at: the date that a title without one is of, by the clock of its `zone`.
        detail: what is the matter, where the title only names a thing.
        rows: the first of the things, one by one.
        more: how many of them are not among `rows`.
    """

    title: str
    address: str = ""
    at: datetime | None = None
    zone: ZoneInfo | None = None
    detail: str = ""
    rows: Sequence["Need"] = ()
    more: int = 0


_MOST_ROWS = 20


def lectures_in(courses: Sequence[Course]) -> list[Lecture]:
    """Return the lectures of these courses that take place, in order, with what they have as `has_…`: 1 query."""
    by_key = {course.pk: course for course in courses}
    lectures = _held_lectures().read({"courses": list(by_key)})
    for lecture in lectures:
        lecture.course = by_key[lecture.course_id]
    return lectures


@cache
def _held_lectures() -> ModelStatement[Lecture]:
    rows = Lecture.objects.filter(is_among("course_id", Parameter("courses"))).exclude(state=Lecture.State.CANCELLED)
    has = {f"has_{kind.value}": _has(kind) for kind in (Material.Kind.PDF, Material.Kind.MP4, Material.Kind.CAPTIONS)}
    return ModelStatement.of(rows.annotate(**has).order_by("starts_at", "pk"), annotated=list(has))


def needs_of(courses: Sequence[Course], lectures: Sequence[Lecture], *, user: User, now: datetime) -> list[Need]:
    """Return what waits in these courses, most urgent kinds first; `lectures` are theirs, from `lectures_in`."""
    return [
        *_mail(user, courses, now=now),
        *_held_back(courses),
        *_exams(courses, now=now),
        *_people(courses),
        *_projects(courses),
        *_questions(courses),
        *_lectures(courses, lectures, now=now),
    ]


def _mail(user: User, courses: Sequence[Course], *, now: datetime) -> Iterator[Need]:
    address = reverse("admin:mail_notice_show_health")
    state = health(now=now, courses=None if user.is_superuser else courses)
    if state.is_late or state.is_beat_missing:
        yield Need(_("Mail does not flow"), address, detail=_("what is due has not gone out; see what is missing"))
    if state.refused:
        detail = _("the mail server is away or refuses us; whoever runs the site looks at %(settings)s")
        yield Need(_("Mail is not taken"), address, detail=detail % {"settings": ", ".join(state.refused)})
    if state.failed:
        text = ngettext("%(count)d mail failed within a day", "%(count)d mails failed within a day", state.failed)
        yield Need(text % {"count": state.failed}, address)


def _held_back(courses: Sequence[Course]) -> Iterator[Need]:
    counts = HeldAct.objects.count_waiting(courses)
    for course in courses:
        count = counts.get(course.pk, 0)
        if count:
            text = ngettext("%(count)d act is held back", "%(count)d acts are held back", count)
            detail = _("it can be taken back before it happens")
            detail = f"{course}: {detail}" if len(courses) > 1 else detail
            yield Need(text % {"count": count}, reverse("held:held", args=[course.slug]), detail=detail)


def _exams(courses: Sequence[Course], *, now: datetime) -> Iterator[Need]:
    waiting = exams_waiting_in(courses, now=now)
    for exam in waiting.overfull:
        text = ngettext("%(count)d person waits for a seat", "%(count)d people wait for a seat", exam.waiting)
        yield _of_exam(exam, text % {"count": exam.waiting})
    for exam in waiting.unseated:
        yield _of_exam(exam, _("people don't know their seats yet"))
    for exam, count in waiting.misplaced:
        text = ngettext("%(count)d person has no seat that fits", "%(count)d people have no seat that fits", count)
        yield _of_exam(exam, text % {"count": count})
    for exam in waiting.unpublished:
        yield _of_exam(exam, _("results are not published"))
    for exam, count in waiting.late:
        text = ngettext("%(count)d result is not published", "%(count)d results are not published", count)
        yield _of_exam(exam, text % {"count": count})


def _of_exam(exam: Exam, detail: str) -> Need:
    address = reverse("exams:staff", args=[exam.course.slug, exam.pk])
    return Need(str(exam), address, exam.starts_at, exam.course.zone, detail)


def _people(courses: Sequence[Course]) -> Iterator[Need]:
    doubts = doubts_in(courses)
    count = doubts.claims
    if count:
        text = ngettext("%(count)d person of a roster to confirm", "%(count)d people of rosters to confirm", count)
        address = f"{reverse('admin:courses_rosterentry_changelist')}?claimed_by__isempty=0"
        yield Need(text % {"count": count}, address)
    contradictions = contradictions_of(doubts.courses)
    if contradictions:
        text = ngettext(
            "%(count)d matriculation number in contradiction",
            "%(count)d matriculation numbers in contradiction",
            len(contradictions),
        )
        shown = [
            Need(
                str(contradiction.enrolment.user),
                reverse("admin:courses_enrolment_change", args=[contradiction.enrolment.pk]),
                detail=contradiction.text,
            )
            for contradiction in contradictions[:_MOST_ROWS]
        ]
        yield Need(text % {"count": len(contradictions)}, rows=shown, more=len(contradictions) - len(shown))


def _projects(courses: Sequence[Course]) -> Iterator[Need]:
    waiting, names = projects_waiting_in(courses), {course.pk: str(course) for course in courses}
    listing = reverse("admin:projects_project_changelist")
    ideas = f"{reverse('admin:projects_topic_changelist')}?proposal__exact=open"
    requests = f"{reverse('admin:projects_extensionrequest_changelist')}?state__exact=open"
    rows = [
        (
            waiting.ideas,
            ngettext("%(count)d own idea to decide on", "%(count)d own ideas to decide on", waiting.ideas),
            ideas,
        ),
        (
            waiting.requests,
            ngettext("%(count)d request for more time", "%(count)d requests for more time", waiting.requests),
            requests,
        ),
        (
            waiting.late,
            ngettext(
                "%(count)d team with a late hand-in that waits",
                "%(count)d teams with late hand-ins that wait",
                waiting.late,
            ),
            f"{listing}?needs=late",
        ),
        (
            waiting.newer,
            ngettext(
                "%(count)d team handed in after its decision",
                "%(count)d teams handed in after their decision",
                waiting.newer,
            ),
            f"{listing}?needs=newer",
        ),
    ]
    for count, text, address in rows:
        if count:
            yield Need(text % {"count": count}, address)
    for row in waiting.undecided:
        address = f"{listing}?needs=ungraded&course={row.course}&assignment={row.assignment}"
        # Of several courses each has such a row: which it is about must be seen.
        yield Need(say_undecided(row), address, detail=names[row.course] if len(courses) > 1 else "")
    if waiting.small:
        text = ngettext(
            "%(count)d team below its topic's minimum", "%(count)d teams below their topic's minimum", waiting.small
        )
        yield Need(text % {"count": waiting.small}, f"{listing}?needs=small")


def _questions(courses: Sequence[Course]) -> Iterator[Need]:
    for assignment, count in open_questions_in(courses):
        text = ngettext("%(count)d question about points", "%(count)d questions about points", count)
        address = reverse("projects:questions", args=[assignment.course.slug, assignment.pk])
        yield Need(str(assignment), address, detail=text % {"count": count})


def _lectures(courses: Sequence[Course], lectures: Sequence[Any], *, now: datetime) -> Iterator[Need]:
    read = _odd_readings().read({"courses": [course.pk for course in courses]})
    # A lecture whose date is open is not over.
    past = [
        lecture
        for lecture in lectures
        if lecture.kind == SessionKind.LECTURE and lecture.ends_at is not None and lecture.starts_at < now
    ]
    groups: list[tuple[Sequence[Any], Callable[[Any], Need], Promise]] = [
        (
            [lecture for lecture in past if not lecture.has_pdf],
            _of_lecture,
            ngettext_lazy("%(count)d past lecture without slides", "%(count)d past lectures without slides", "count"),
        ),
        (
            [lecture for lecture in past if lecture.ends_at < now and not lecture.has_mp4],
            _of_lecture,
            ngettext_lazy(
                "%(count)d past lecture without a recording", "%(count)d past lectures without a recording", "count"
            ),
        ),
        (
            [lecture for lecture in lectures if lecture.has_mp4 and not lecture.has_captions],
            _of_lecture,
            ngettext_lazy("%(count)d recording without captions", "%(count)d recordings without captions", "count"),
        ),
        (
            [extraction for extraction in read if extraction.problem],
            lambda extraction: _of_file(extraction, problem(extraction)),
            ngettext_lazy(
                "%(count)d file that can't be read in full", "%(count)d files that can't be read in full", "count"
            ),
        ),
        (
            [extraction for extraction in read if extraction.is_tagged is False],
            lambda extraction: _of_file(extraction, extraction.file.filename),
            ngettext_lazy(
                "%(count)d PDF without tags, which screen readers can't follow",
                "%(count)d PDFs without tags, which screen readers can't follow",
                "count",
            ),
        ),
    ]
    for rows, need, text in groups:
        if rows:
            shown = [need(row) for row in rows[:_MOST_ROWS]]
            yield Need(text % {"count": len(rows)}, rows=shown, more=len(rows) - len(shown))


@cache
def _odd_readings() -> ModelStatement[Extraction]:
    rows = Extraction.objects.current().filter(
        ~Q(problem="") | Q(is_tagged=False), is_among("file__material__lecture__course_id", Parameter("courses"))
    )
    return ModelStatement.of(
        rows.order_by("file__material__lecture__starts_at", "pk"), along=["file__material__lecture__course"]
    )


def _has(kind: str) -> Exists:
    return Exists(Material.objects.filter(lecture=OuterRef("pk"), kind=kind, current__isnull=False))


def _of_lecture(lecture: Lecture) -> Need:
    address = reverse("admin:lectures_lecture_change", args=[lecture.pk])
    return Need(str(lecture), address, lecture.starts_at, lecture.course.zone)


def _of_file(reading: Extraction, detail: str) -> Need:
    lecture = reading.file.material.lecture
    return Need(str(lecture), lecture.get_absolute_url(), detail=detail)
