"""Terms of the world: how they are called, and in which year their months lie."""

import re
from dataclasses import dataclass, replace
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
