"""What a source leaves open, asked once for all that it concerns."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from amls.core.times import say_day
from amls.portal.takeover.understanding import kinds
from amls.portal.takeover.understanding.heads import Head
from amls.portal.takeover.understanding.labels import kind_label
from amls.portal.takeover.understanding.resolving import Days
from amls.portal.takeover.understanding.results import Answers, Built, Question, Session
from amls.portal.takeover.understanding.slots import WEEKDAYS, Slot
from amls.portal.takeover.understanding.terms import Term
from amls.portal.takeover.understanding.weekly import EACH_WEEK, NONE, kinds_without_dates, question_of, weeks_of
from amls.portal.takeover.understanding.zones import Zone


@dataclass(slots=True)
class KnownSoFar:
    """What is known when questions are asked; `warnings` are what needs no answer but must be said."""

    head: Head
    zone: Zone
    zone_name: str
    term: Term | None
    days: Days
    built: Built
    slots: Sequence[Slot]
    answers: Answers
    is_empty: bool
    is_template: bool
    warnings: list[str] = field(default_factory=list)


def ask(known: KnownSoFar) -> list[Question]:
    """Return the questions, those first on which most depends."""
    built = known.built
    if not (built.sessions or built.exams or built.deadlines or built.free_days):
        if known.is_template:
            known.warnings.append(
                _(
                    "The schedule is not in this file: a site makes it from others. Bring the page that the site shows, or its data file."
                )
            )
        elif not known.is_empty:
            known.warnings.append(
                _("No session was understood. Change what the columns are taken for, or paste only the schedule.")
            )
        else:
            known.warnings.append(
                _(
                    "No schedule was found: no row or line begins or ends with a date. Paste the part of the page with the schedule."
                )
            )
    _contradictions(known)
    return [*_head(known), *_zone(known), *_weeks(known), *_times(known), *_weekly(known), *_exams(known)]


def _head(known: KnownSoFar) -> Iterator[Question]:
    if not known.head.title and not known.answers.get("title"):
        yield Question("title", _("How is the course called?"), "text", option="--title")
    if known.term is None and not known.answers.get("term") and not known.answers.get("year"):
        preset = _term_of_days(known.built)
        words = _("In which term is the course held?")
        yield Question("term", words, "text", preset=preset, concerns=len(known.built.sessions), option="--term")
    elif known.term is None and not known.answers.get("term"):
        yield Question(
            "term",
            _("In which term is the course held?"),
            "text",
            preset=known.answers.get("year", ""),
            option="--term",
            must=False,
        )


def _term_of_days(built: Built) -> str:
    days = sorted(session.day for session in built.sessions if session.day is not None)
    if not days:
        return ""
    first = days[0]
    if first.month >= 8:
        return f"Fall {first.year}"
    return f"Summer {first.year}" if first.month >= 6 else f"Spring {first.year}"


def _zone(known: KnownSoFar) -> Iterator[Question]:
    if known.answers.get("zone") and known.zone_name == known.answers["zone"].strip():
        return
    if known.zone.is_named:
        return
    words = _("In which time zone is the course held?")
    yield Question(
        "zone",
        words,
        "zone",
        preset=known.zone.name,
        concerns=len(known.built.sessions),
        option="--zone",
        must=not known.zone.is_sure,
    )


def _weeks(known: KnownSoFar) -> Iterator[Question]:
    waiting = [draft for draft in known.built.by_week if draft.week is not None and not draft.week.is_calendar_week]
    if waiting:
        count = len(waiting)
        words = ngettext(
            "%(count)d row names only its week. On which day does week 1 begin?",
            "%(count)d rows name only their week. On which day does week 1 begin?",
            count,
        ) % {"count": count}
        yield Question("first-week", words, "date", concerns=count, option="--slot", must=True)


def _times(known: KnownSoFar) -> Iterator[Question]:
    waiting: dict[str, list[Session]] = {}
    for session in known.built.without_time:
        if session.kind != kinds.OTHER:
            waiting.setdefault(session.kind, []).append(session)
    for kind, sessions in waiting.items():
        days = sorted({session.day.weekday() for session in sessions if session.day is not None})
        known_days = {slot.weekday for slot in known.slots if slot.kind == kind}
        preset = "\n".join(WEEKDAYS[day] for day in days if day not in known_days)
        count = len(sessions)
        is_lecture = kind == kinds.LECTURE
        if is_lecture:
            words = ngettext(
                "%(count)d lecture has a date but no time. When does it meet?",
                "%(count)d lectures have dates but no time. When do they meet?",
                count,
            )
        else:
            words = ngettext(
                "%(count)d session (%(kind)s) has a date but no time. When does it meet?",
                "%(count)d sessions (%(kind)s) have dates but no time. When do they meet?", count,
            )  # fmt: skip
        name = "slots" if is_lecture else f"slots:{kind}"
        yield Question(
            name,
            words % {"count": count, "kind": kind_label(kind)},
            "slots",
            preset=preset,
            concerns=count,
            option=f"--slot '{_example(kind, days)}'",
            must=is_lecture,
        )


def _weekly(known: KnownSoFar) -> Iterator[Question]:
    weeks = weeks_of(known.built)
    if weeks is None:
        return
    first, last = map(say_day, weeks)
    for kind in kinds_without_dates(known.built, known.slots):
        if known.answers.get(question_of(kind)):
            continue
        words = _(
            "The page names a weekly time (%(kind)s), but no dates. Make one for each week from %(first)s to %(last)s, without free days?"
        )
        yield Question(
            question_of(kind),
            words % {"kind": kind_label(kind), "first": first, "last": last},
            "choice",
            ((EACH_WEEK, _("one for each week")), (NONE, _("none of them"))),
            option=f"--answer {question_of(kind)}={EACH_WEEK}",
            must=False,
        )


def _example(kind: str, days: Sequence[int]) -> str:
    weekday = WEEKDAYS[days[0]] if days else "tuesday"
    return f"{'' if kind == kinds.LECTURE else kind + ' '}{weekday} 10:15-11:45 H 0107"


def _exams(known: KnownSoFar) -> Iterator[Question]:
    waiting = [exam for exam in known.built.exams if exam.day is not None and exam.begins is None]
    for exam in waiting:
        words = _("%(exam)s on %(day)s has no time. When does it begin?")
        yield Question(
            f"time:{exam.id}",
            words % {"exam": exam.title or _("The exam"), "day": exam.day},
            "time",
            concerns=1,
            option="",
            must=False,
        )


def _contradictions(known: KnownSoFar) -> None:
    """Say what contradicts itself: a number twice with different days, a day twice."""
    seen: dict[tuple[str, str], Session] = {}
    for session in known.built.sessions:
        if not session.number:
            continue
        key = (session.kind, session.number)
        other = seen.setdefault(key, session)
        if other is not session and other.title != session.title and other.day != session.day:
            words = _("%(kind)s %(number)s stands on the page more than once: '%(one)s' and '%(other)s'.")
            known.warnings.append(
                words
                % {
                    "kind": kind_label(session.kind).capitalize(),
                    "number": session.number,
                    "one": other.title,
                    "other": session.title,
                }
            )
