"""The time zone of a course: named on its page, else suggested by what the page shows, else asked."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_I = re.IGNORECASE
_BERLIN, _ZURICH, _VIENNA, _LONDON = "Europe/Berlin", "Europe/Zurich", "Europe/Vienna", "Europe/London"
_EASTERN, _CENTRAL, _MOUNTAIN, _PACIFIC = "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"
# Behind a time only: 'CT' and 'IST' are much else.
_SHORT = {
    "est": _EASTERN, "edt": _EASTERN, "et": _EASTERN, "cst": _CENTRAL, "cdt": _CENTRAL, "ct": _CENTRAL, "mst": _MOUNTAIN, "mdt": _MOUNTAIN,
    "mt": _MOUNTAIN, "pst": _PACIFIC, "pdt": _PACIFIC, "pt": _PACIFIC, "cet": _BERLIN, "cest": _BERLIN, "mez": _BERLIN, "mesz": _BERLIN,
    "bst": _LONDON, "gmt": _LONDON, "aest": "Australia/Sydney", "aedt": "Australia/Sydney", "jst": "Asia/Tokyo", "kst": "Asia/Seoul",
    "ist": "Asia/Kolkata", "sgt": "Asia/Singapore", "hkt": "Asia/Hong_Kong", "nzst": "Pacific/Auckland", "nzdt": "Pacific/Auckland",
}  # fmt: skip
_AFTER_TIME = re.compile(r"(?:[ap]\.?m\.?|\d:\d\d|\d)\s*\(?\s*(?P<zone>[A-Z]{2,4})\b")
_WORDS = re.compile(
    r"\b(?P<zone>eastern|central|mountain|pacific)(?:\s+(?:standard|daylight))?\s+time\b|times? (?:are|is)(?: in| given in)? (?P<zone2>eastern|pacific|central|mountain)\b",
    _I,
)
_LONG = {"eastern": _EASTERN, "central": _CENTRAL, "mountain": _MOUNTAIN, "pacific": _PACIFIC}
_IANA = re.compile(
    r"\b(?:Africa|America|Asia|Atlantic|Australia|Europe|Indian|Pacific)/[A-Z][A-Za-z_]+(?:/[A-Z][A-Za-z_]+)?\b"
)
_PLACES = (
    (_PACIFIC, r"stanford|berkeley|ucla|uc (?:davis|irvine|san diego|santa (?:cruz|barbara)|riverside)|ucsd|caltech|university of washington|\b(?-i:UW)\b|\b(?-i:USC)\b|oregon|san jose state|university of southern california|california"),
    (_EASTERN, r"carnegie mellon|\b(?-i:CMU)\b|massachusetts institute|\b(?-i:MIT)\b|harvard|princeton|columbia university|cornell|\b(?-i:NYU)\b|new york|yale|brown university|duke|georgia tech|university of (?:pennsylvania|michigan|florida|maryland|virginia|pittsburgh)|penn state|purdue|rutgers|boston|northeastern|johns hopkins|dartmouth|bowdoin"),
    (_CENTRAL, r"ut austin|university of (?:texas|chicago|illinois|wisconsin|minnesota|iowa)|uiuc|northwestern|rice university|washu|washington university"),
    (_MOUNTAIN, r"university of (?:colorado|utah)|brigham young|\b(?-i:BYU)\b|boulder"),
    ("America/Toronto", r"mcgill|university of (?:toronto|waterloo|ottawa)|waterloo|concordia|queen['’]s university|mcmaster|york university"),
    ("America/Vancouver", r"\b(?-i:UBC)\b|university of british columbia|simon fraser|university of victoria"),
    ("America/Edmonton", r"university of (?:alberta|calgary)"),
    (_LONDON, r"cambridge(?!,? ma)|oxford|imperial college|\b(?-i:UCL)\b|king['’]s college london|edinburgh|manchester|warwick|glasgow|st andrews|durham|bristol|southampton|sheffield|nottingham"),
    ("Europe/Dublin", r"trinity college dublin|university college dublin|dublin"),
    (_ZURICH, r"\b(?-i:ETH)\b|\b(?-i:ETH[ZJ])\b|zürich|zurich|epfl|lausanne|universität (?:bern|basel|luzern)|university of (?:bern|basel)|fribourg|\busi lugano\b"),
    (_VIENNA, r"tu (?:graz|wien)|graz|universität (?:wien|innsbruck|salzburg|klagenfurt)|university of vienna|jku linz|\bwien\b|vienna"),
    ("Europe/Amsterdam", r"delft|amsterdam|eindhoven|leiden|utrecht|twente|groningen"),
    ("Europe/Paris", r"sorbonne|école polytechnique|ens paris|inria|grenoble"),
    ("Europe/Copenhagen", r"copenhagen|aarhus|\b(?-i:DTU)\b|itu copenhagen"), ("Europe/Stockholm", r"\b(?-i:KTH)\b|chalmers|uppsala|lund university|linköping"),
    ("Europe/Helsinki", r"helsinki|aalto"), ("Europe/Oslo", r"\b(?-i:NTNU)\b|university of oslo"), ("Europe/Warsaw", r"warsaw|warszaw|kraków"),
    ("Europe/Rome", r"politecnico|sapienza|bologna|università"), ("Europe/Madrid", r"universidad (?:de|politécnica|complutense)|barcelona|\b(?-i:UPC)\b"),
    ("Australia/Sydney", r"university of sydney|\b(?-i:UNSW)\b|\b(?-i:UTS)\b|sydney"), ("Australia/Melbourne", r"melbourne|monash|\b(?-i:RMIT)\b"), ("Australia/Brisbane", r"queensland|\b(?-i:QUT)\b"),
    ("Pacific/Auckland", r"auckland|canterbury, new zealand|otago"), ("Asia/Singapore", r"\b(?-i:NUS)\b|singapore|\b(?-i:NTU)\b|\b(?-i:SUTD)\b"),
    ("Asia/Kolkata", r"\b(?-i:IIT)\b|\b(?-i:IISC)\b|\b(?-i:IIIT)\b|bombay|delhi|madras"), ("Asia/Tokyo", r"tokyo|kyoto|osaka"), ("Asia/Seoul", r"\b(?-i:KAIST)\b|seoul|postech"),
    ("Asia/Shanghai", r"tsinghua|peking|fudan|shanghai|zhejiang|\b(?-i:SJTU)\b|\b(?-i:USTC)\b"), ("Asia/Hong_Kong", r"hong kong|hkust|\b(?-i:HKU)\b|\b(?-i:CUHK)\b"), ("Asia/Jerusalem", r"technion|tel aviv|hebrew university|weizmann"),
    (_BERLIN, (
        r"tu (?:berlin|münchen|dresden|darmstadt|dortmund|braunschweig|chemnitz|ilmenau|hamburg|kaiserslautern)|technische (?:universität|hochschule)|\b(?-i:TUM)\b|\b(?-i:HPI)\b|hasso[- ]plattner|\b(?-i:KIT)\b|rwth|fu berlin|hu berlin|"
        r"universität (?:potsdam|berlin|hamburg|münchen|bonn|köln|leipzig|jena|stuttgart|tübingen|freiburg|heidelberg|mannheim|göttingen|passau|bamberg|bayreuth|ulm|augsburg|regensburg|erlangen\w*|würzburg|kiel|rostock|marburg|gießen|trier|saarland\w*|paderborn|bielefeld|münster|bremen|oldenburg|hannover|magdeburg|halle)"
        r"|university of (?:potsdam|hamburg|bonn|cologne|stuttgart|tübingen|freiburg|mannheim|passau|bamberg|augsburg|paderborn)|hochschule|fachhochschule|karlsruhe|gerthsen"
    )),
)  # fmt: skip
_COMPILED = tuple((zone, re.compile(places, _I)) for zone, places in _PLACES)
_HOSTS = {
    "de": _BERLIN, "at": _VIENNA, "ch": _ZURICH, "uk": _LONDON, "nl": "Europe/Amsterdam", "fr": "Europe/Paris", "it": "Europe/Rome", "es": "Europe/Madrid",
    "se": "Europe/Stockholm", "dk": "Europe/Copenhagen", "fi": "Europe/Helsinki", "no": "Europe/Oslo", "pl": "Europe/Warsaw", "cz": "Europe/Prague", "ie": "Europe/Dublin",
    "be": "Europe/Brussels", "jp": "Asia/Tokyo", "kr": "Asia/Seoul", "sg": "Asia/Singapore", "hk": "Asia/Hong_Kong", "in": "Asia/Kolkata", "il": "Asia/Jerusalem", "nz": "Pacific/Auckland", "cn": "Asia/Shanghai",
}  # fmt: skip
# Single words that a page of another country may hold as well.
_WEAK = {"uhr", "raum", "lp", "vl", "ue", "vu", "sws"}
_PUBLISHERS = re.compile(
    r"\b(?:cambridge|oxford|mit|princeton|harvard|chicago|stanford|yale|columbia)\s+(?:university\s+)?press\b|the mit press",
    _I,
)
_NOT_THEIRS = ("youtu.be", "git.io", "fb.me")
# The words and titles of universities where German is spoken.
_GERMAN = re.compile(
    r"\b(?:vorlesung(?:en)?|übung(?:en)?|sommersemester|wintersemester|uhr|montags?|dienstags?|mittwochs?|donnerstags?|freitags?|folien|klausur|abgabe|dozent(?:in)?|hörsaal|thema|termine?|einführung|raum|veranstaltung|univ\.-prof\.|dr\.-ing\.|dipl\.-\w+|vl|ue|vu|swS|lp)\b|\b(?:so\.?se|wi\.?se|ss|ws)\s?\d",
    _I,
)


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone, and whether the page says it or only looks like it."""

    name: str
    is_named: bool = False
    is_sure: bool = False


def is_zone(name: str) -> bool:
    """Return whether there is a zone of this IANA name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return "/" in name or name == "UTC"


def find_zone(texts: Iterable[str], rows: Iterable[str], hosts: Iterable[str]) -> Zone:
    """Return the zone of a course; without a name where nothing shows it.

    Args:
        texts: the running text of its page.
        rows: of its tables, where a place may be that of a guest or a paper.
        hosts: addresses that it links to.
    """
    running, tables = "\n".join(texts), "\n".join(rows)
    text = f"{running}\n{tables}"
    named = next((match.group() for match in _IANA.finditer(text) if is_zone(match.group())), "")
    if named:
        return Zone(named, is_named=True, is_sure=True)
    words = _WORDS.search(text)
    if words is not None:
        return Zone(_LONG[(words.group("zone") or words.group("zone2")).lower()], is_named=True, is_sure=True)
    place, other = _first_place(running), _first_place(tables)
    for match in _AFTER_TIME.finditer(text):
        zone = _SHORT.get(match.group("zone").lower())
        # The German-speaking countries and their neighbours share their time.
        if zone is not None:
            return Zone(
                place if zone == _BERLIN and place.startswith("Europe/") and place != _LONDON else zone,
                is_named=True,
                is_sure=True,
            )
    if place:
        return Zone(place, is_sure=True)
    words_found = set(map(str.lower, _GERMAN.findall(text)))
    german = len(words_found)
    is_german = german > 1 or bool(words_found - _WEAK)
    ends = [zone for host in hosts if (zone := _zone_of(host))]
    if ends and ends.count(ends[0]) > len(ends) / 2:
        return Zone(ends[0], is_sure=is_german or len(ends) > 1)
    return Zone(_BERLIN if german else other, is_sure=is_german)


def _first_place(text: str) -> str:
    """Return the zone of the place that is named first, but for those of publishers."""
    plain = _PUBLISHERS.sub(" ", text)
    places = [(match.start(), zone) for zone, pattern in _COMPILED if (match := pattern.search(plain))]
    return min(places)[1] if places else ""


def _zone_of(address: str) -> str:
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        return ""
    if host in _NOT_THEIRS:
        return ""
    return _HOSTS.get(host.rpartition(".")[2], "")
