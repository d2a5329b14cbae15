"""Which days are meant: the order of day and month, and the years, decided over all rows together."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from amls.courses.models import Weekday
from amls.portal.takeover.understanding.dates import Mention, WrittenDay, exists, find_days
from amls.portal.takeover.understanding.results import Answers, Question
from amls.portal.takeover.understanding.terms import Term, in_year, plain_year

DAY_FIRST, MONTH_FIRST = "dm", "md"
_FIRST_YEAR, _LAST_YEAR = 1990, 2100
# What parts days of a list, and what stands around their names.
_PARTS = re.compile(r"[,;\n]")
_AROUND_NAMES = " \t\r.:&+()–—-="
_IS_A_NAME = re.compile(r"(?=.*[^\W\d_]{2})\D.{0,199}")
_HAS_A_DAY = re.compile(r"\d{1,4}\s?[./-]\s?\d|\bKW\b")


@dataclass(slots=True)
class Days:
    """The days of a source as they are decided.

    Attributes:
        order: 'dm' or 'md' of days written as two numbers.
        term: with its year; None where neither page nor answer names one.
        questions: what could not be decided.
    """

    order: str = DAY_FIRST
    term: Term | None = None
    questions: list[Question] = field(default_factory=list)

    def numbers(self, day: WrittenDay) -> WrittenDay:
        """Return a day with its month decided."""
        if day.numbers is None:
            return day
        first, second = day.numbers
        is_day_first = self.order == DAY_FIRST
        if second > 12:
            is_day_first = False
        elif first > 12:
            is_day_first = True
        number, month = (first, second) if is_day_first else (second, first)
        return WrittenDay(number, month, day.year)

    def year_of(self, day: WrittenDay) -> int | None:
        """Return in which year a day lies."""
        if day.year is not None:
            return day.year
        return self.term.year_of(day.month) if self.term is not None else None

    def day(self, day: WrittenDay) -> date | None:
        """Return the day, or None where there is none of this name."""
        plain = self.numbers(day)
        year = self.year_of(plain)
        return exists(year, plain.month, plain.day) if year is not None else None

    def last(self, mention: Mention, first: date) -> date | None:
        """Return the last day of a range, which may lie in the next year."""
        if mention.until is None:
            return None
        last = self.day(mention.until)
        if last is not None and last < first and mention.until.year is None:
            last = exists(first.year + (1 if last.month < first.month else 0), last.month, last.day)
        return last if last is not None and first < last < first + timedelta(days=120) else None


def decide(
    mentions: Sequence[Mention],
    *,
    term: Term | None,
    answers: Answers,
    today: date,
    prefers_month_first: bool,
    weekdays: Iterable[int],
) -> Days:
    """Decide order and years by all the places that name days.

    Args:
        mentions: in the order of the source, only those that are meant for days.
        term: that the source names, if any.
        answers: which may hold 'order' and 'year'.
        today: by which a year is suggested where nothing says one.
        prefers_month_first: which order is suggested where nothing tells them apart.
        weekdays: on which the course meets, as far as it says.
    """
    days = Days()
    usual = set(weekdays)
    said = answers.get("year", "").strip()
    year = int(said) if said.isdigit() and _FIRST_YEAR <= int(said) <= _LAST_YEAR else None
    if year is not None:
        term = in_year(term, year) if term is not None else plain_year(year)
    days.order = _order(mentions, term, usual, answers, days.questions, prefers_month_first=prefers_month_first)
    plain = [days.numbers(day) for mention in mentions for day in mention.days]
    without = [day for day in plain if day.year is None]
    if term is not None:
        days.term = _begun(term, plain)
    elif without:
        years = Counter(day.year for day in plain if day.year is not None)
        preset = years.most_common(1)[0][0] if years else _likely_year(mentions, days, today)
        days.term = _begun(plain_year(preset or today.year), plain)
    if year is None and term is not None and without:
        _ask_contradicted(mentions, days)
    return days


def _begun(term: Term, plain: Sequence[WrittenDay]) -> Term:
    """Return the term with what its sessions tell: 'Winter 2022' that begins in January, '2024' that runs into January."""
    months = [day.month for day in plain if day.year is None]
    if not months:
        return term
    if term.season == "year" and months[0] >= 8 and any(month <= 6 for month in months):
        return Term(term.label, term.year, "autumn", term.start, term.end)
    return term.begun_in(months[0])


def _order(
    mentions: Sequence[Mention],
    term: Term | None,
    usual: set[int],
    answers: Answers,
    questions: list[Question],
    *,
    prefers_month_first: bool,
) -> str:
    said = answers.get("order", "").strip().lower()
    open_ones = [(mention, day) for mention in mentions for day in mention.days if day.numbers is not None]
    if said in (DAY_FIRST, MONTH_FIRST) or not open_ones:
        return said if said in (DAY_FIRST, MONTH_FIRST) else DAY_FIRST
    pairs = [day.numbers for _one, day in open_ones if day.numbers is not None]
    is_md, is_dm = all(first <= 12 for first, _second in pairs), all(second <= 12 for _first, second in pairs)
    if is_md != is_dm:
        return MONTH_FIRST if is_md else DAY_FIRST
    score = {order: _score(open_ones, order, term, usual) for order in (DAY_FIRST, MONTH_FIRST)}
    if abs(score[DAY_FIRST] - score[MONTH_FIRST]) >= 1:
        return max(score, key=lambda order: score[order])
    preset = MONTH_FIRST if prefers_month_first else DAY_FIRST
    first = pairs[0]
    questions.append(
        Question(
            "order",
            _("Is %(day)s written with its day or its month first?") % {"day": f"{first[0]}/{first[1]}"},
            "order",
            ((DAY_FIRST, _("day first")), (MONTH_FIRST, _("month first"))),
            preset,
            len(open_ones),
            "--order dm|md",
        )
    )
    return preset


def _score(open_ones: Sequence[tuple[Mention, WrittenDay]], order: str, term: Term | None, usual: set[int]) -> float:
    days = Days(order)
    if term is not None:
        days.term = _begun(term, [days.numbers(day) for _one, day in open_ones])
    score, last = 0.0, None
    for mention, day in open_ones:
        plain = days.numbers(day)
        at = days.day(day)
        if at is None:
            # Without a year the order of the rows still tells.
            at = exists(plain.year or 2023, plain.month, plain.day)
            if at is None:
                score -= 3
                continue
        elif mention.weekday is not None:
            score += 3 if at.weekday() == mention.weekday else -3
        elif usual:
            score += 1 if at.weekday() in usual else -1
        if term is not None:
            score += 1 if plain.month in term.months else -1
        if last is not None:
            score += 1 if 0 <= (at - last).days <= 21 else -1
        last = at
    return score


def _likely_year(mentions: Sequence[Mention], days: Days, today: date) -> int | None:
    """Return the year nearest to today in which the weekdays fit, where at least two are written."""
    written = [
        (mention.weekday, days.numbers(mention.days[0]))
        for mention in mentions
        if mention.weekday is not None and mention.days
    ]
    if len(written) < 2:
        return None
    best = None
    for year in sorted(range(today.year - 8, today.year + 2), key=lambda year: abs(year - today.year)):
        fitting = _fitting(written, plain_year(year), days)
        if fitting == len(written):
            return year
        if best is None or fitting > best[0]:
            best = (fitting, year)
    return best[1] if best is not None and best[0] > len(written) / 2 else None


def _fitting(written: Sequence[tuple[int, WrittenDay]], term: Term, days: Days) -> int:
    moved = Days(days.order, _begun(term, [day for _weekday, day in written]))
    return sum((at := moved.day(day)) is not None and at.weekday() == weekday for weekday, day in written)


def _ask_contradicted(mentions: Sequence[Mention], days: Days) -> None:
    """Ask for the year where the weekdays fit another one than the term."""
    term = days.term
    written = [
        (mention.weekday, days.numbers(mention.days[0]))
        for mention in mentions
        if mention.weekday is not None and mention.days and mention.days[0].year is None
    ]
    if term is None or len(written) < 2 or 2 * _fitting(written, term, days) >= len(written):
        return
    for shift in (1, -1, 2, -2, 3, -3):
        if _fitting(written, in_year(term, term.year + shift), days) >= 0.8 * len(written):
            words = _("The term is %(term)s, but the weekdays fit %(year)d. In which year does it begin?")
            questions = Question(
                "year", words % {"term": term.label, "year": term.year + shift}, "year",
                ((str(term.year), str(term.year)), (str(term.year + shift), str(term.year + shift))), str(term.year), len(written), "--year",
            )  # fmt: skip
            days.questions.append(questions)
            return


def listed_days(text: str, *, start: date) -> dict[date, str]:
    """Return the days that somebody lists, of a range each, with what they are called: '1.5. Tag der Arbeit, 20.12.–31.12.2027'.

    Args:
        text: of days, each with a name after or before it or without one, with commas, semicolons or line breaks between them.
        start: of the term in which a day without a year lies.

    Raises:
        ValueError: with the words that are no day, or may be two.
    """
    mentions = [mention for mention in find_days(text) if mention.days]
    names = _names_beside(text, mentions)
    term = Term("", start.year, "autumn" if start.month >= 7 else "summer")
    days = decide(mentions, term=term, answers={}, today=start, prefers_month_first=False, weekdays=())
    listed: dict[date, str] = {}
    for mention, name in zip(mentions, names, strict=True):
        written = text[mention.start : mention.end].strip()
        firsts = [days.day(day) for day in mention.days]
        lasts = [days.last(mention, first) or first for first in firsts if first is not None]
        is_cut = mention.until is not None and lasts == firsts
        if None in firsts or is_cut or any(question.id == "order" for question in days.questions):
            raise ValueError(written)
        if mention.weekday is not None and firsts[0] is not None and firsts[0].weekday() != mention.weekday:
            raise ValueError(written)
        for first, last in zip(firsts, lasts, strict=True):
            if first is not None:
                for number in range((last - first).days + 1):
                    day = first + timedelta(days=number)
                    listed[day] = listed.get(day) or name
    return dict(sorted(listed.items()))


def _names_beside(text: str, mentions: Sequence[Mention]) -> list[str]:
    """Return what each of some days is called in words that stand beside it, with nothing between that parts a list.

    Raises:
        ValueError: with words that belong to no day.
    """
    ends = [0, *(mention.end for mention in mentions)]
    starts = [*(mention.start for mention in mentions), len(text)]
    names: list[list[str]] = [[] for _mention in mentions]
    for number, (end, begin) in enumerate(zip(ends, starts, strict=True)):
        after, *others = _PARTS.split(text[end:begin])
        before = others.pop() if others else ""
        owners = [(after, number - 1 if number else 0), (before, number)]
        for words, owner in [*owners, *((words, -1) for words in others)]:
            name = words.strip(_AROUND_NAMES)
            if name in ("", "und", "and"):
                continue
            if not 0 <= owner < len(names) or not _IS_A_NAME.fullmatch(name) or _HAS_A_DAY.search(name):
                raise ValueError(name)
            names[owner].append(name)
    return [" ".join(words) for words in names]


def wrong_weekday(at: date, written: int) -> str:
    """Return the warning that a weekday does not fit its date."""
    return _("%(day)s is a %(right)s, not a %(written)s") % {
        "day": at.isoformat(), "right": Weekday(at.weekday()).label, "written": Weekday(written).label,
    }  # fmt: skip


def week_day(year: int, week: int, weekday: int) -> date | None:
    """Return a day of a calendar week (ISO 8601)."""
    try:
        return date.fromisocalendar(year, week, weekday + 1)
    except ValueError:
        return None


def local(moment: str, zone: str) -> datetime | None:
    """Return the wall-clock time of an ISO 8601 moment; one with an offset is turned into the zone, where there is one."""
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        return None
    if at.tzinfo is None:
        return at
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None) if zone else at.replace(tzinfo=None)
