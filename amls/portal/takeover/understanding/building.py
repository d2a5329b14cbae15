"""From drafts to sessions, days without class, deadlines and exams: kinds and times, once the days are decided."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta

from django.utils.translation import gettext as _

from amls.core.times import say_clock
from amls.portal.takeover.understanding import kinds
from amls.portal.takeover.understanding.dates import Mention, find_days
from amls.portal.takeover.understanding.deciding import (
    DUES,
    OUT,
    VIEWING,
    WORK,
    cancelled_title,
    exam_title,
    free_title,
    is_cancelled,
    kind_of,
    merged,
    says_more,
    told_apart,
)
from amls.portal.takeover.understanding.drafts import Draft, Due
from amls.portal.takeover.understanding.dues import due_title
from amls.portal.takeover.understanding.holding import places_of_exam, with_remarks
from amls.portal.takeover.understanding.resolving import Days, local, week_day, wrong_weekday
from amls.portal.takeover.understanding.results import (
    Answers,
    Built,
    Session,
    Viewing,
    WrittenDeadline,
    WrittenExam,
    WrittenFreeDay,
)
from amls.portal.takeover.understanding.rooms import room_in
from amls.portal.takeover.understanding.slots import Slot, slot_for
from amls.portal.takeover.understanding.times import Times, add_minutes, find_minutes, find_times, minutes_between

_DEFAULT_MINUTES = 90
_MAX_RANGE = 100


class Builder:
    """Makes things of drafts, in their order."""

    def __init__(
        self,
        days: Days,
        slots: Sequence[Slot],
        answers: Answers,
        *,
        zone: str,
        default_kind: str,
        first_week: date | None,
    ) -> None:
        self.days, self.slots, self.answers, self.zone = days, slots, answers, zone
        self.default_kind, self.first_week = default_kind, first_week
        self.built = Built()
        self._lectures: set[date] = set()
        self._viewings: list[tuple[Draft, list[tuple[date, date | None]]]] = []

    def all(self, drafts: Iterable[Draft]) -> Built:
        """Return what came of all drafts."""
        ordered = list(drafts)
        named = {
            draft.id: kind_of(draft, chosen=self.answers.get(f"kind:{draft.id}", ""), default=self.default_kind)
            for draft in ordered
        }
        self._lectures = {
            day
            for draft in ordered
            if named[draft.id] == kinds.LECTURE
            for day, _last in self._days(draft, kinds.LECTURE, quiet=True)
        }
        for draft in ordered:
            self._one(draft, named[draft.id])
        self.built.exams = told_apart(merged(self.built.exams))
        for draft, days in self._viewings:
            self._viewing(draft, days)
        self.built.keep_last_of_each()
        return self.built

    # ── its days ──

    def _days(self, draft: Draft, kind: str, *, quiet: bool = False) -> list[tuple[date, date | None]]:
        """Return the days of a draft, each with the last of its range."""
        chosen = _date(self.answers.get(f"date:{draft.id}", ""))
        if chosen is not None:
            return [(chosen, None)]
        if draft.begins:
            return self._known_days(draft)
        days = self._written_days(draft, quiet=quiet)
        if draft.weekday is not None and draft.is_week:
            days = [(at + timedelta(days=draft.weekday - at.weekday()), None) for at, _last in days[:1]]
        elif draft.is_week and kind not in (kinds.DEADLINE, kinds.EXAM) and days:
            days = self._in_week(days[0][0], kind)
        elif draft.from_column:
            days = self._of_its_column(draft, kind, days)
        if not days and draft.week is not None:
            days = self._by_week(draft, kind, quiet=quiet)
        return days

    def _of_its_column(
        self, draft: Draft, kind: str, days: list[tuple[date, date | None]]
    ) -> list[tuple[date, date | None]]:
        """Return the days of a session in a column of its own, on its weekday in the weeks of the row's days.

        Which weekday that is, the heading says, 'Übung (Mo)', or the only weekly time of its kind.
        """
        said = (
            {draft.weekday} if draft.weekday is not None else {slot.weekday for slot in self.slots if slot.kind == kind}
        )
        if len(said) != 1:
            return days
        moved = [at + timedelta(days=weekday - at.weekday()) for at, _last in days for weekday in said]
        return [(at, None) for at in dict.fromkeys(moved)]

    def _known_days(self, draft: Draft) -> list[tuple[date, date | None]]:
        begins, ends = local(draft.begins, self.zone), local(draft.ends, self.zone) if draft.ends else None
        if begins is None:
            return []
        is_range = ends is not None and "T" not in draft.ends and ends.date() > begins.date()
        return [(begins.date(), ends.date() if is_range and ends is not None else None)]

    def _written_days(self, draft: Draft, *, quiet: bool) -> list[tuple[date, date | None]]:
        spans: list[tuple[date, date | None]] = []
        for mention in draft.days:
            for day in mention.days:
                at = self.days.day(day)
                if at is None:
                    if not quiet:
                        self._no_such_day(draft, mention)
                    continue
                if mention.weekday is not None and at.weekday() != mention.weekday and not quiet:
                    self.built.warnings.append((draft.line, wrong_weekday(at, mention.weekday), draft.text))
                spans.append((at, self.days.last(mention, at)))
        return spans

    def _no_such_day(self, draft: Draft, mention: Mention) -> None:
        missing = next(day for day in mention.days if self.days.day(day) is None)
        plain = self.days.numbers(missing)
        shown = next(
            (draft.text[mention.start : mention.end] for mention in find_days(draft.text) if missing in mention.days),
            f"{plain.day:02}.{plain.month:02}.",
        )
        year = self.days.year_of(plain)
        if year is not None:
            self.built.why[draft.id] = _("there is no '%(day)s' in %(year)d") % {"day": shown.strip(), "year": year}

    def _in_week(self, start: date, kind: str) -> list[tuple[date, date | None]]:
        monday = start - timedelta(days=start.weekday())
        if kind == kinds.FREE:
            return [(monday, monday + timedelta(days=6))]
        own = [slot.weekday for slot in self.slots if slot.kind == kind] or [
            slot.weekday for slot in self.slots if slot.kind == kinds.LECTURE
        ]
        return [(monday + timedelta(days=weekday), None) for weekday in own[:1]]

    def _by_week(self, draft: Draft, kind: str, *, quiet: bool) -> list[tuple[date, date | None]]:
        week = draft.week
        if week is None or week.week is None:
            return []
        if week.is_calendar_week:
            term = self.days.term
            year = term.year_of(1 if week.week < 27 else 12) if term is not None else None
            monday = week_day(year, week.week, 0) if year is not None else None
        else:
            monday = (
                self.first_week - timedelta(days=self.first_week.weekday()) + timedelta(weeks=week.week - 1)
                if self.first_week
                else None
            )
        if monday is None:
            if not quiet:
                self.built.by_week.append(draft)
            return []
        if draft.weekday is not None:
            return [(monday + timedelta(days=draft.weekday), None)]
        return self._in_week(monday, kind)

    # ── what comes of it ──

    def _one(self, draft: Draft, kind: str) -> None:
        if self.answers.get(f"drop:{draft.id}"):
            self.built.what[draft.id] = "dropped"
            return
        if draft.no_day and not self.answers.get(f"date:{draft.id}"):
            why = _("'%(text)s' is not a date, nor a spreadsheet's number of one; write it such as 18 Oct 2026")
            self.built.why[draft.id] = why % {"text": draft.no_day[:60]}
            return
        title = self.answers.get(f"title:{draft.id}", "").strip()
        if title:
            draft = replace(draft, title=title)
        days = self._days(draft, kind)
        self._dues(draft, days)
        make: dict[str, Callable[[Draft, list[tuple[date, date | None]]], None]] = {
            kinds.FREE: self._free, kinds.DEADLINE: self._deadline, kinds.EXAM: self._exam,
        }  # fmt: skip
        if kind in make:
            make[kind](draft, days)
        elif kind == VIEWING:
            self._viewings.append((draft, days))
        elif kind in (OUT, DUES):
            self.built.what[draft.id] = "deadline" if draft.dues else "work that is given out"
        elif kind == WORK:
            self.built.why[draft.id] = _("a piece of work, but not whether it is given out or due on this day")
        else:
            self._session(draft, kind, days)
        for word in draft.unknown:
            self.built.warnings.append(
                (draft.line, _("'%(word)s' was not understood") % {"word": word[:60]}, draft.text)
            )

    def _free(self, draft: Draft, days: list[tuple[date, date | None]]) -> None:
        if draft.from_column:
            self.built.what[draft.id] = "no session"
            return
        said = (
            draft.title
            if draft.title and not _says_nothing(draft.title)
            else draft.label or next(iter(draft.details), "")
        )
        reasons = [free_title(text) for text in (said, *draft.details[:1])]
        # 'Vorlesung fällt aus' says no reason.
        title = next((reason for reason in reasons if reason and not _is_kind(reason)), said)
        for number, (day, last) in enumerate(days, start=1):
            self.built.free_days.append(
                WrittenFreeDay(id=_numbered(draft.id, number), line=draft.line, title=title, day=day, last=last)
            )
        if days or draft in self.built.by_week:
            self.built.what[draft.id] = kinds.FREE
        else:
            self.built.why.setdefault(draft.id, _("a day without class, but not which"))

    def _dues(self, draft: Draft, days: list[tuple[date, date | None]]) -> None:
        for number, due in enumerate(draft.dues, start=1):
            self._due(draft, due, days, f"{draft.id}.d{number}")

    def _due(self, draft: Draft, due: Due, days: list[tuple[date, date | None]], name: str) -> None:
        if self.answers.get(f"drop:{name}"):
            return
        day = self.days.day(due.mention.days[0]) if due.mention is not None else days[0][0] if days else None
        title = due_title(due.text)
        if not title or re.fullmatch(r"\W*(?:bis|by|at|um)?\W*", title):
            title = draft.title or draft.label or draft.link_title
        # A sheet that is only given out has no session of its own: its link is what is to be done.
        url = due.url or ("" if draft.title else draft.link_address)
        at = self._time(due.times)
        title = self.answers.get(f"title:{name}", "") or title
        self.built.deadlines.append(
            WrittenDeadline(
                id=name,
                line=draft.line,
                title=title[:200],
                kind=kinds.deadline_kind(title),
                day=day,
                at=at,
                url=url,
                piece=self.answers.get(f"piece:{name}", ""),
            )
        )

    def _deadline(self, draft: Draft, days: list[tuple[date, date | None]]) -> None:
        options = [
            draft.title,
            *(detail for detail in draft.details if kinds.is_due(detail) or kinds.is_work(detail)),
            draft.label,
        ]
        titles = (due_title(option) for option in options if option)
        title = next((title for title in titles if len(title) > 1), "")
        title = title or re.split(r"\s*:\s", draft.title or draft.label)[0]
        at = self._time(draft.times) or next(
            (self._time(spans[0]) for option in options if (spans := _times(option))), None
        )
        if draft.begins:
            moment = local(draft.begins, self.zone)
            at = moment.time() if moment is not None and "T" in draft.begins else at
        else:
            at = at or next((mention.at for mention in draft.days if mention.at), None)
        if not title:
            self.built.why[draft.id] = _("something is due, but not what")
            return
        url = draft.link_address
        for number, (day, last) in enumerate(days or [(None, None)], start=1):
            self.built.deadlines.append(
                WrittenDeadline(
                    id=_numbered(draft.id, number),
                    line=draft.line,
                    title=title[:200],
                    kind=kinds.deadline_kind(f"{draft.label} {title}"),
                    day=last or day,
                    at=at,
                    url=url,
                    piece=self.answers.get(f"piece:{_numbered(draft.id, number)}", ""),
                )
            )
        self.built.what[draft.id] = kinds.DEADLINE

    def _exam(self, draft: Draft, days: list[tuple[date, date | None]]) -> None:
        if is_cancelled(draft) or kinds.is_cancelled(draft.title):
            self.built.why[draft.id] = _("an exam that is cancelled")
            return
        is_label = (
            kinds.is_exam(draft.label)
            and len(draft.label.split()) <= 4
            and (draft.label.lower() != "exam" or not draft.title)
        )
        title = draft.label if is_label or not (kinds.is_exam(draft.title) or not draft.label) else draft.title
        title = title or draft.label
        text = " ".join([draft.title, draft.label, *draft.details])
        times = draft.times or next(iter(_times(text)), None)
        begins, ends = self._own_times(draft, times)
        room = draft.room or room_in(text) or places_of_exam(draft.title, draft.text)
        minutes = minutes_between(begins, ends) if begins and ends and ends > begins else find_minutes(text)
        for number, (day, _last) in enumerate(days or [(None, None)], start=1):
            at, until = begins, minutes
            if at is None and day is not None:
                slot = slot_for(self.slots, kinds.LECTURE, day.weekday())
                if slot is not None:
                    at, until = slot.begins, until or (minutes_between(slot.begins, slot.ends) if slot.ends else None)
                    room = room or slot.room
            self.built.exams.append(
                WrittenExam(
                    id=_numbered(draft.id, number),
                    line=draft.line,
                    title=exam_title(title),
                    kind=kinds.exam_kind(text),
                    day=day,
                    begins=at,
                    minutes=until,
                    room=room,
                    number=draft.number,
                )
            )
        self.built.what[draft.id] = kinds.EXAM

    def _viewing(self, draft: Draft, days: list[tuple[date, date | None]]) -> None:
        """Give the last exam before it the time when people look at it; without one it is a session of its own."""
        text = " ".join([draft.title, draft.label, *draft.details])
        begins, ends = self._own_times(draft, draft.times or next(iter(_times(text)), None))
        day = days[0][0] if days else None
        earlier = [exam for exam in self.built.exams if exam.day and day and exam.day < day and exam.viewing is None]
        last = max(earlier, key=lambda exam: exam.day or date.min, default=None)
        if day is None or begins is None or last is None or last.begins is None:
            self._session(draft, kinds.OTHER, days)
            return
        viewing = Viewing(
            begins_at=datetime.combine(day, begins),
            minutes=minutes_between(begins, ends) if ends and ends > begins else None,
            room=draft.room or room_in(text),
        )
        self.built.exams[self.built.exams.index(last)] = replace(last, viewing=viewing)
        self.built.what[draft.id] = kinds.EXAM

    def _session(self, draft: Draft, kind: str, days: list[tuple[date, date | None]]) -> None:
        draft = with_remarks(draft)
        title = draft.title or draft.label or ("" if draft.dues else draft.link_title)
        if not title:
            self.built.what.setdefault(draft.id, kinds.DEADLINE if draft.dues else "only a day")
            return
        without_class = is_cancelled(draft)
        title, why = cancelled_title(title) if without_class else (title, "")
        details = [detail for detail in (why, *draft.details) if detail and (not without_class or says_more(detail))]
        spread = [held_on for day, last in days for held_on in self._spread(day, last, kind)]
        if draft.id in self.built.why:
            return
        begins, ends = self._own_times(draft, draft.times)
        if self.answers.get(f"time:{draft.id}"):
            chosen = _times(self.answers[f"time:{draft.id}"])
            begins, ends = (chosen[0].begins, chosen[0].ends) if chosen else (begins, ends)
        if draft.times is not None and draft.times.problem:
            self.built.why[draft.id] = _("'%(text)s' is not a time") % {"text": draft.times.problem}
            return
        for number, day in enumerate(spread or [None], start=1):
            slot = self._slot(kind, day) if day is not None else None
            at = begins or (slot.begins if slot is not None and day is not None else None)
            until = ends or (self._end(at, slot) if at is not None else None)
            mode = draft.mode or (slot.mode if slot is not None else "in_person")
            room = "" if mode == "virtual" else draft.room or (slot.room if slot is not None else "")
            session = Session(
                id=_numbered(draft.id, number), line=draft.line, kind=kind, title=title[:500], number=draft.number, part=draft.part,
                day=day, begins=at, ends=until, room=self.answers.get(f"room:{draft.id}", "") or room, mode=mode, call_in=draft.call_in,
                is_cancelled=without_class, details="\n".join(dict.fromkeys(details)), materials=tuple(draft.materials),
            )  # fmt: skip
            self.built.sessions.append(session)
            if day is not None and at is None:
                self.built.without_time.append(session)
            if at is not None and at.hour < 6:
                at_night = _("%(time)s at night is surely a slip; it is imported as written")
                self.built.warnings.append((draft.line, at_night % {"time": say_clock(at)}, draft.text))
        self.built.what[draft.id] = kind

    def _spread(self, day: date, last: date | None, kind: str) -> list[date]:
        """Return the days of a range on which the course meets; its first where nothing says when it meets."""
        if last is None or (last - day).days > _MAX_RANGE:
            return [day]
        weekdays = {slot.weekday for slot in self.slots if slot.kind == kind} or {slot.weekday for slot in self.slots}
        within = [day + timedelta(days=number) for number in range((last - day).days + 1)]
        if not weekdays:
            return within if len(within) <= 7 else [day]
        return [held_on for held_on in within if held_on.weekday() in weekdays] or [day]

    def _own_times(self, draft: Draft, times: Times | None) -> tuple[time | None, time | None]:
        if draft.begins and "T" in draft.begins:
            begins, ends = local(draft.begins, self.zone), local(draft.ends, self.zone) if draft.ends else None
            if begins is not None:
                is_same_day = ends is not None and ends.date() == begins.date() and ends > begins
                return begins.time(), ends.time() if is_same_day and ends is not None else None
        if times is not None and not times.problem:
            return times.begins, times.ends
        return next(((mention.at, None) for mention in draft.days if mention.at), (None, None))

    def _time(self, times: Times | None) -> time | None:
        if times is None or times.problem:
            return None
        return times.ends or times.begins

    def _slot(self, kind: str, day: date) -> Slot | None:
        own = [slot for slot in self.slots if slot.kind == kind]
        if own:
            fitting = [slot for slot in own if slot.weekday == day.weekday()]
            if fitting:
                return fitting[0]
            # Off its weekday a session is held at the same time, where there is only one.
            return own[0] if len({(slot.begins, slot.ends) for slot in own}) == 1 else None
        if kind != kinds.LECTURE and day in self._lectures:
            return None
        slot = slot_for(self.slots, kind, day.weekday())
        lectures = [slot for slot in self.slots if slot.kind == kinds.LECTURE]
        return slot or (lectures[0] if kind in (kinds.LECTURE, kinds.SEMINAR) and len(lectures) == 1 else None)

    def _end(self, begins: time, slot: Slot | None) -> time | None:
        minutes = (
            minutes_between(slot.begins, slot.ends) if slot is not None and slot.ends is not None else _DEFAULT_MINUTES
        )
        return add_minutes(begins, minutes)


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def _is_kind(text: str) -> bool:
    """Return whether a text only names a kind of session: 'Vorlesung'."""
    return bool(kinds.kind_of_word(text)) and kinds.kind_of_word(text) in kinds.SESSIONS


def _says_nothing(title: str) -> bool:
    return not re.sub(r"\W", "", title)


def _times(text: str) -> list[Times]:
    plain = text
    for mention in reversed(find_days(text)):
        plain = f"{plain[: mention.start]} {plain[mention.end :]}"
    return [span for span in find_times(plain) if not span.problem]


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{name}.{number}"
