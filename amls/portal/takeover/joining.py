"""From what was understood to a course's spec."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from amls.portal.takeover.spec import (
    CourseSpec,
    DeadlineSpec,
    ExamSpec,
    FreeDaySpec,
    LectureSpec,
    MaterialSpec,
    SlotSpec,
    StaffSpec,
)
from amls.portal.takeover.understanding import kinds, links
from amls.portal.takeover.understanding.links import Material, is_whole
from amls.portal.takeover.understanding.results import Exam, Session, Understood
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


def to_spec(understood: Understood, *, slug: str | None = None) -> CourseSpec:
    """Return the course that was understood: incomplete, as pages are, and with what is open left open.

    Args:
        understood: its open questions are no obstacle: dates and times stay open.
        slug: of the course; by default made of title and term.
    """
    warnings = list(understood.warnings)
    lectures = _lectures(understood.sessions, warnings)
    exams, without_time = _exams(understood.exams)
    dated = [one for one in understood.deadlines if one.day is not None]
    warnings += [
        _("'%(title)s' is due, but the day is open; enter it by hand.") % {"title": one.title}
        for one in understood.deadlines
        if one.day is None
    ]
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
                kind=one.kind, weekday=WEEKDAYS[one.weekday], start=one.begins, end=one.ends, room=one.room, mode=one.mode,
                call_in=understood.call_in if one.kind == kinds.LECTURE else "",
            )
            for one in understood.slots
        ),
        staff=tuple(StaffSpec(role=one.role, name=one.name, affiliation=one.affiliation, email=one.email, url=one.url) for one in understood.people),
        office_hours=understood.office_hours,
        parts=understood.parts,
        lectures=(*lectures, *without_time),
        free_days=tuple(FreeDaySpec(date=one.day, last=one.last, title=one.title) for one in understood.free_days),
        deadlines=tuple(
            DeadlineSpec(
                title=one.title, kind=one.kind, due_at=datetime.combine(one.day, one.at) if one.day and one.at else None,
                day=one.day if one.at is None else None, url=one.url if is_whole(one.url) and len(one.url) <= _LONGEST_URL else "",
            )
            for one in dated
        ),
        projects=understood.projects,
        exams=exams,
        grading=understood.grading,
        is_complete=False,
        warnings=tuple(warnings),
    )  # fmt: skip


def _lectures(sessions: Sequence[Session], warnings: list[str]) -> list[LectureSpec]:
    numbers = Counter((one.kind, one.number) for one in sessions if one.number)
    found = []
    for one in sessions:
        number = one.number if _NUMBER.fullmatch(one.number) and numbers[one.kind, one.number] == 1 else ""
        starts_at = datetime.combine(one.day, one.begins) if one.day and one.begins else None
        ends = one.ends or (add_minutes(one.begins, _DEFAULT_MINUTES) if one.begins else None)
        ends_at = datetime.combine(one.day, ends) if one.day and ends else None
        if starts_at is not None and (ends_at is None or ends_at <= starts_at):
            ends_at = datetime.combine(starts_at.date(), datetime.max.time().replace(second=0, microsecond=0))
        found.append(
            LectureSpec(
                title=one.title,
                kind=one.kind,
                starts_at=starts_at,
                ends_at=ends_at if starts_at else None,
                day=one.day if starts_at is None else None,
                number=number,
                part=one.part,
                room=one.room[:100],
                mode=one.mode,
                call_in=one.call_in if is_whole(one.call_in) else "",
                state="cancelled" if one.is_cancelled else "planned",
                abstract=one.details,
                materials=tuple(_material(link, one, warnings) for link in one.materials),
            )
        )
    return found


def _material(material: Material, session: Session, warnings: list[str]) -> MaterialSpec:
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


def _kind(material: Material) -> str:
    """Return the kind of material that the course has for it."""
    try:
        path = urlsplit(material.url).path.lower()
    except ValueError:
        path = ""
    if material.kind == links.SLIDES:
        return "pptx" if path.endswith((".pptx", ".ppt")) or material.title.lower() in ("pptx", "ppt") else "pdf"
    return {links.RECORDING: "mp4", "captions": "captions", "transcript": "transcript"}.get(material.kind, "other")


def _exams(exams: Sequence[Exam]) -> tuple[tuple[ExamSpec, ...], list[LectureSpec]]:
    """Return the exams; one whose day or time is open is kept among the sessions, so that it is not lost."""
    found, kept = [], []
    for one in exams:
        if one.day is None or one.begins is None:
            kept.append(LectureSpec(title=one.title or _("Exam"), kind=kinds.OTHER, day=one.day, room=one.room))
            continue
        spec = ExamSpec(
            starts_at=datetime.combine(one.day, one.begins), kind=one.kind, title=_exam_title(one.title), place=one.room
        )
        found.append(replace(spec, duration_minutes=one.minutes) if one.minutes else spec)
    return tuple(found), kept


def _exam_title(title: str) -> str:
    """Return the title of an exam; one that only says that it is the exam has none of its own."""
    is_plain = re.fullmatch(
        r"(?:the\s+)?(?:final\s+)?(?:written|oral|final)?\s*exams?|klausur(?:en)?|prüfung(?:en)?", title, re.IGNORECASE
    )
    return "" if is_plain else title


def make_slug(title: str, term: str) -> str:
    """Return an address for a course, such as 'amls-ss2024': initials and term."""
    words = re.findall(r"[A-Za-z0-9]+", title)
    initials = "".join(word if word.isupper() else word[0] for word in words if word[0].isupper() or word.isupper())
    short = initials.lower() if len(initials) > 1 else "-".join(words[:3]).lower()
    tail = re.sub(r"[^a-z0-9]+", "-", term.lower()).strip("-")
    return f"{short[:40].strip('-') or 'course'}{f'-{tail}' if tail else ''}"[:60].strip("-")
