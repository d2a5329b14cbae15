"""From what was understood to a course's spec."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, time
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from amls.core.folding import spell_out
from amls.portal.takeover.spec import (
    AssignmentSpec,
    CourseSpec,
    DeadlineSpec,
    ExamSpec,
    FreeDaySpec,
    LectureSpec,
    MaterialSpec,
    ProjectSpec,
    SlotSpec,
    StaffSpec,
)
from amls.portal.takeover.understanding import kinds, links
from amls.portal.takeover.understanding.links import LinkedMaterial, is_whole
from amls.portal.takeover.understanding.results import Session, Understood, WrittenDeadline, WrittenExam
from amls.portal.takeover.understanding.slots import WEEKDAYS
from amls.portal.takeover.understanding.times import add_minutes

_NUMBER = re.compile(r"[0-9]{1,4}[a-z]?")
_OWN_NAMES = {
    "pdf",
    "pptx",
    "mp4",
    "slides",
    "video",
    "recording",
    "captions",
    "transcript",
    "folien",
    "aufzeichnung",
    "vtt",
}
_LONGEST_URL = 1000
_DEFAULT_MINUTES = 90
# Such as 'Übungsblatt 3': teams are kept within a series.
_OF_SERIES = re.compile(r"(.{1,100}?)\s+([0-9]{1,3})")
_LAST_MINUTE = time(23, 59)


def to_spec(understood: Understood, *, slug: str | None = None) -> CourseSpec:
    """Return the course that was understood: incomplete, as pages are, and with what is open left open.

    Args:
        understood: its open questions are no obstacle: dates and times stay open.
        slug: of the course; by default made of title and term.
    """
    warnings = list(understood.warnings)
    lectures = _lectures(understood.sessions, warnings)
    exams, without_time = _exams(understood.exams)
    dated = [deadline for deadline in understood.deadlines if deadline.day is not None]
    warnings += [
        _("'%(title)s' is due, but the day is open; enter it by hand.") % {"title": deadline.title}
        for deadline in understood.deadlines
        if deadline.day is None
    ]
    projects, assignments = _pieces(understood.projects, [deadline for deadline in dated if deadline.piece])
    return CourseSpec(
        slug=slug or make_slug(understood.title, understood.term),
        title=understood.title,
        term=understood.term,
        kinds=understood.kinds,
        codes=understood.codes,
        ects=understood.ects,
        language=understood.language,
        timezone=understood.zone,
        description=understood.description,
        slots=tuple(
            SlotSpec(
                kind=slot.kind, weekday=WEEKDAYS[slot.weekday], start=slot.begins, end=slot.ends, room=slot.room,
                mode=slot.mode, call_in=understood.call_in if slot.kind == kinds.LECTURE else "",
            )
            for slot in understood.slots
        ),
        staff=tuple(
            StaffSpec(
                role=person.role, name=person.name, affiliation=person.affiliation, email=person.email, url=person.url
            )
            for person in understood.people
        ),
        office_hours=understood.office_hours,
        parts=understood.parts,
        lectures=(*lectures, *without_time),
        free_days=tuple(
            FreeDaySpec(date=free_day.day, last=free_day.last, title=free_day.title)
            for free_day in understood.free_days
        ),
        deadlines=tuple(_deadline(deadline) for deadline in dated if not deadline.piece),
        projects=projects,
        assignments=assignments,
        exams=exams,
        grading=understood.grading,
        is_complete=False,
        warnings=tuple(warnings),
    )  # fmt: skip


def _deadline(deadline: WrittenDeadline) -> DeadlineSpec:
    due_at = datetime.combine(deadline.day, deadline.at) if deadline.day and deadline.at else None
    return DeadlineSpec(
        title=deadline.title,
        kind=deadline.kind,
        due_at=due_at,
        day=deadline.day if deadline.at is None else None,
        url=deadline.url if is_whole(deadline.url) and len(deadline.url) <= _LONGEST_URL else "",
    )


def _pieces(
    projects: ProjectSpec | None, chosen: Sequence[WrittenDeadline]
) -> tuple[ProjectSpec | None, tuple[AssignmentSpec, ...]]:
    """Return the deadlines that are handed in here as assignments; the first project is the course's, if it has none.

    A day whose time is open ends at 23:59.
    """
    pieces = []
    for deadline in chosen:
        due_at = datetime.combine(deadline.day, deadline.at or _LAST_MINUTE) if deadline.day else None
        if deadline.piece == "project" and projects is None:
            projects = ProjectSpec(title=deadline.title, submission_deadline=due_at)
        else:
            named = _OF_SERIES.fullmatch(deadline.title) if deadline.piece == "sheet" else None
            series, number = (named.group(1), int(named.group(2))) if named is not None else ("", None)
            pieces.append(
                AssignmentSpec(title=deadline.title, kind=deadline.piece, series=series, number=number, due_at=due_at)
            )
    return projects, tuple(pieces)


def _lectures(sessions: Sequence[Session], warnings: list[str]) -> list[LectureSpec]:
    numbers = Counter((session.kind, session.number) for session in sessions if session.number)
    lectures = []
    for session in sessions:
        number = (
            session.number if _NUMBER.fullmatch(session.number) and numbers[session.kind, session.number] == 1 else ""
        )
        starts_at = datetime.combine(session.day, session.begins) if session.day and session.begins else None
        ends = session.ends or (add_minutes(session.begins, _DEFAULT_MINUTES) if session.begins else None)
        ends_at = datetime.combine(session.day, ends) if session.day and ends else None
        if starts_at is not None and (ends_at is None or ends_at <= starts_at):
            ends_at = datetime.combine(starts_at.date(), datetime.max.time().replace(second=0, microsecond=0))
        lectures.append(
            LectureSpec(
                title=session.title,
                kind=session.kind,
                starts_at=starts_at,
                ends_at=ends_at if starts_at else None,
                day=session.day if starts_at is None else None,
                number=number,
                part=session.part,
                room=session.room[:100],
                mode=session.mode,
                call_in=session.call_in if is_whole(session.call_in) else "",
                state="cancelled" if session.is_cancelled else "planned",
                abstract=session.details,
                materials=tuple(_material(link, session, warnings) for link in session.materials),
            )
        )
    return lectures


def _material(material: LinkedMaterial, session: Session, warnings: list[str]) -> MaterialSpec:
    kind = _kind(material)
    name = material.title.lower()
    title = "" if kind != "other" and (name in _OWN_NAMES or len(name) < 2) else material.title or material.kind
    url = material.url if len(material.url) <= _LONGEST_URL else ""
    if url and not is_whole(url):
        what = _("the link '%(url)s' leads nowhere from here; '%(kind)s' is announced, upload its file yourself")
        warnings.append(
            _("Line %(line)d: %(what)s: %(text)s")
            % {
                "line": session.line,
                "what": what % {"url": url[:80], "kind": material.title or material.kind},
                "text": session.title[:120],
            }
        )
    return MaterialSpec(kind=kind, title=title[:200], url=url)


def _kind(material: LinkedMaterial) -> str:
    """Return the kind of material that the course has for it."""
    try:
        path = urlsplit(material.url).path.lower()
    except ValueError:
        path = ""
    if material.kind == links.SLIDES:
        return "pptx" if path.endswith((".pptx", ".ppt")) or material.title.lower() in ("pptx", "ppt") else "pdf"
    return {links.RECORDING: "mp4", "captions": "captions", "transcript": "transcript"}.get(material.kind, "other")


def _exams(exams: Sequence[WrittenExam]) -> tuple[tuple[ExamSpec, ...], list[LectureSpec]]:
    """Return the exams; one whose day or time is open is kept among the sessions, so that it is not lost."""
    specs, kept = [], []
    for exam in exams:
        if exam.day is None or exam.begins is None:
            kept.append(LectureSpec(title=exam.title or _("Exam"), kind=kinds.OTHER, day=exam.day, room=exam.room))
            continue
        spec = ExamSpec(
            starts_at=datetime.combine(exam.day, exam.begins),
            kind=exam.kind,
            title=_exam_title(exam.title),
            place=exam.room,
        )
        viewing = exam.viewing
        if viewing is not None:
            spec = replace(spec, review_at=viewing.begins_at, review_place=viewing.room)
        if viewing is not None and viewing.minutes:
            spec = replace(spec, review_minutes=viewing.minutes)
        specs.append(replace(spec, duration_minutes=exam.minutes) if exam.minutes else spec)
    return tuple(specs), kept


def _exam_title(title: str) -> str:
    """Return the title of an exam; one that only says that it is the exam has none of its own."""
    is_plain = re.fullmatch(
        r"(?:the\s+)?(?:final\s+)?(?:written|oral|final)?\s*exams?|klausur(?:en)?|prüfung(?:en)?", title, re.IGNORECASE
    )
    return "" if is_plain else title


def make_slug(title: str, term: str) -> str:
    """Return an address for a course, such as 'amls-ss2024': initials, where there are three or more, and term."""
    words = re.findall(r"[A-Za-z0-9]+", spell_out(title))
    initials = "".join(word if word.isupper() else word[0] for word in words if word[0].isupper() or word.isupper())
    short = initials.lower() if len(initials) > 2 else "-".join(words[:3]).lower()
    tail = re.sub(r"[^a-z0-9]+", "-", term.lower()).strip("-")
    return f"{short[:40].strip('-') or 'course'}{f'-{tail}' if tail else ''}"[:60].strip("-")
