"""Terms of the world: how they are called, and in which year their months lie."""

import re
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache

_I = re.IGNORECASE
_YEAR4 = r"(?:19|20)\d\d"
_SPLIT = rf"{_YEAR4}\s?[/–-]\s?(?:20)?\d\d(?!\d)"
_ANY_YEAR = rf"(?:{_SPLIT}|{_YEAR4}|'\d\d(?:/\d\d)?|\d\d/\d\d(?!/)|[1-3]\d(?![\d.:/]|\s*(?:am|pm|uhr)\b))(?!\d)"
_SEASONS = (
    r"sommersemester|wintersemester|frühjahrssemester|frühlingssemester|herbstsemester|sommerhalbjahr|winterhalbjahr"
    r"|so\.?\s?se\.?|wi\.?\s?se\.?|fss|hws|ss|ws|summer|winter|spring|fall|autumn|herbst|frühjahr|frühling|sommer"
    r"|michaelmas|hilary|lent|trinity"
)
_KINDS = r"(?:term|semester|quarter|session|trimester|block)"
_NAMED = re.compile(
    rf"\b(?P<season>{_SEASONS})(?:\s+{_KINDS})?(?:\s*[,:]\s*|\s+of\s+|\s*){_ANY_YEAR}|\b(?P<swiss>[fh]s)\s?{_YEAR4}\b|\b(?P<swiss2>[fh]s)[12]\d\b",
    _I,
)
_YEAR_FIRST = re.compile(
    rf"\b(?:{_SPLIT}|{_YEAR4})\s?(?P<season>{_SEASONS}|easter|[WS](?![\w-]))(?:\s+{_KINDS})?\b", _I
)
_SHORT = re.compile(r"(?<![\w-])(?P<season>FA|F|SP|SU|S|WI|W|AU)'?(?P<year>[12]\d)(?![\w.:/-])", _I)
_COUNTED = re.compile(
    rf"\b(?P<name>(?:semester|trimester|term|quarter)\s?(?P<number>[1-4])|(?P<letter>[STQ])(?P<number2>[1-4])|(?:1st|2nd|3rd|4th|first|second|third)\s+{_KINDS})"
    rf"\s*,?\s*(?:of\s+)?(?P<year>{_SPLIT}|{_YEAR4})",
    _I,
)
_EASTER = re.compile(rf"\beaster(?:\s+{_KINDS})?\s*,?\s*{_YEAR4}", _I)
_ACADEMIC = re.compile(rf"(?:\b(?:academic year|studienjahr|AY)\s*)?(?<![\d./-]){_SPLIT}(?![/-])", _I)
_MONTH_YEAR = re.compile(
    rf"\b(?:january|february|march|april|june|july|august|september|october|november|december|januar|februar|märz|juni|juli|oktober|dezember)\s+{_YEAR4}\b",
    _I,
)
_LONE_YEAR = re.compile(rf"(?<![\w./-]){_YEAR4}(?![\w/-]|\.\d)")
_DIGITS = re.compile(r"\d{4}|\d\d")
_AUTUMN = {
    "ws",
    "wise",
    "wintersemester",
    "fall",
    "autumn",
    "herbst",
    "herbstsemester",
    "hs",
    "hws",
    "michaelmas",
    "f",
    "fa",
    "au",
    "winterhalbjahr",
}
_SUMMER = {"ss", "sose", "sommersemester", "summer", "su", "sommer", "trinity", "easter", "sommerhalbjahr"}
_WINTER = {"winter", "w", "wi"}
# The two terms of a year in one manner, and the months in which the first begins. A winter term ends in the next year.
_SUMMER_BEGINS, _SPRING_BEGINS = range(3, 9), range(1, 8)
_PAIRS = (
    ("Sommersemester", "Wintersemester", _SUMMER_BEGINS), ("Sommerhalbjahr", "Winterhalbjahr", _SUMMER_BEGINS), ("SoSe", "WiSe", _SUMMER_BEGINS),
    ("SS", "WS", _SUMMER_BEGINS), ("Summer", "Winter", _SUMMER_BEGINS), ("Sommer", "Winter", _SUMMER_BEGINS), ("Spring", "Fall", _SPRING_BEGINS),
    ("Spring", "Autumn", _SPRING_BEGINS), ("Frühjahrssemester", "Herbstsemester", _SPRING_BEGINS), ("Frühlingssemester", "Herbstsemester", _SPRING_BEGINS),
    ("Frühjahr", "Herbst", _SPRING_BEGINS), ("Frühling", "Herbst", _SPRING_BEGINS), ("FSS", "HWS", _SPRING_BEGINS), ("FS", "HS", _SPRING_BEGINS),
)  # fmt: skip
_SEASON = re.compile(rf"{_SEASONS}|[fh]s", _I)
_YEARS = re.compile(r"(?P<first>\d{4}|\d\d)(?:(?P<between>\s?[/–-]\s?)(?P<last>\d{4}|\d\d))?")


@dataclass(frozen=True, slots=True)
class Term:
    """A term.

    Attributes:
        label: as it is written.
        year: its first.
        season: autumn (months from July on lie in its year, the others in the next), summer, spring (all lie in
            its year), or winter (it depends on when its sessions begin).
    """

    label: str
    year: int
    season: str
    start: int = 0
    end: int = 0

    def year_of(self, month: int) -> int:
        """Return the year in which a month of this term lies."""
        if self.season == "autumn":
            return self.year if month >= 7 else self.year + 1
        if self.season == "summer":
            return self.year if month > 1 else self.year + 1
        return self.year

    def begun_in(self, month: int) -> "Term":
        """Return it with its season decided by the month of its first session: 'Winter 2022' is two things."""
        if self.season != "winter":
            return self
        return replace(self, season="autumn" if month >= 8 else "spring")

    @property
    def months(self) -> frozenset[int]:
        """The months in which its sessions usually lie."""
        if self.season == "year":
            return frozenset(range(1, 13))
        if self.season == "autumn":
            return frozenset({8, 9, 10, 11, 12, 1, 2})
        return (
            frozenset({4, 5, 6, 7, 8})
            if self.season == "summer"
            else frozenset(range(1, 7))
            if self.season == "spring"
            else frozenset({9, 10, 11, 12, 1, 2, 3, 4})
        )


@lru_cache(maxsize=4096)
def find_term(text: str, *, is_heading: bool = True) -> Term | None:
    """Return the term that a text names first.

    Args:
        text: a line.
        is_heading: whether short forms such as 'F24', and years alone, may be meant for a term.
    """
    for pattern in (_NAMED, _YEAR_FIRST, _COUNTED, _EASTER):
        match = pattern.search(text)
        if match is not None:
            return _term(match)
    if not is_heading:
        return None
    for pattern in (_SHORT, _ACADEMIC, _MONTH_YEAR, _LONE_YEAR):
        match = pattern.search(text)
        if match is not None:
            return _term(match)
    return None


def named_like(old: str, first: date) -> str:
    """Return the name of the term that begins on a day, in the manner of another: 'SoSe 27', 'Winter term 2026/2027'.

    Args:
        old: the other term as it is written; what stands around its season and year stays.
        first: a day of the first weeks of the new term.

    Returns:
        '' where the manner of the old one is not known.
    """
    term = find_term(old)
    written = old[term.start : term.end] if term is not None else ""
    season, years = _SEASON.search(written), _YEARS.search(written)
    name = re.sub(r"[.\s]", "", season.group()).lower() if season is not None else ""
    pair = next((pair for pair in _PAIRS if name in (pair[0].lower(), pair[1].lower())), None)
    if term is None or season is None or years is None or pair is None:
        return ""
    former, latter, begins = pair
    is_second = first.month not in begins
    year = first.year - (first.month < begins.start)
    was_summer = begins is _SUMMER_BEGINS and name == former.lower()
    said = _digits(year, years["first"])
    if is_second and (years["last"] or was_summer):
        said += (years["between"] or "/") + _digits(year + 1, years["last"] or "00")
    new = _YEARS.sub(
        said, _SEASON.sub(_as_written(latter if is_second else former, season.group()), written, count=1), count=1
    )
    return old[: term.start] + new + old[term.end :]


def _digits(year: int, like: str) -> str:
    return f"{year}"[-len(like) :]


def _as_written(name: str, like: str) -> str:
    """Return a name in small or capital letters, where another is written so."""
    if name.lower() == like.lower():
        return like
    return name.lower() if like.islower() else name.upper() if like.isupper() else name


def plain_year(year: int) -> Term:
    """Return the term of a year of which nothing more is known."""
    return Term(str(year), year, "year")


def in_year(term: Term, year: int) -> Term:
    """Return a term moved to another first year."""
    return replace(term, year=year)


def _term(match: re.Match[str]) -> Term:
    groups = match.groupdict()
    label = " ".join(match.group().split()).strip(" ,:")
    name = (groups.get("season") or groups.get("swiss") or groups.get("swiss2") or "").lower()
    name = re.sub(r"[.\s]", "", name)
    digits = label[len(name) :] if name and label.lower().startswith(name) else label
    years = _DIGITS.findall(groups.get("year") or re.sub(r"^\D+", "", digits) or digits)
    first = int(years[0]) if years else 0
    year = first if first > 99 else 2000 + first
    is_split = len(years) > 1
    # '2020W' begins with its year, 'S1 2024' counts.
    if is_split or name in _AUTUMN:
        season = "autumn"
    elif name in _WINTER:
        season = "winter" if not re.match(r"\d{4}\s?W$", label, _I) else "autumn"
    elif name in _SUMMER:
        season = "summer"
    elif name:
        season = "spring"
    else:
        season = "year"
    return Term(label, year, season, match.start(), match.end())
