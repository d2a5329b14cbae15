"""Who teaches: people with their roles, from lines such as 'TAs: A, B, C' and 'Lecturer: Prof. X, DAMS'."""

import re
from dataclasses import dataclass

from amls.core.addresses import address_of, address_pattern
from amls.portal.takeover.sourcerows import SourceCell

_I = re.IGNORECASE
_LECTURER = r"(?:course\s+|guest\s+)?(?:lecturers?|instructors?|professors?|prof\.?s?|faculty|teachers?|taught by|dozent(?:in|en|innen)?|dozierende[r]?|vortragende[r]?|vorlesender|lehrperson(?:en)?|referent(?:in)?|leitung|verantwortlich(?:e[r]?)?|lehrende[r]?|veranstalter(?:in)?|course (?:organi[sz]er|coordinator|leader)s?|convenor)"
_ASSISTANT = r"(?:(?:head|lead|graduate|undergraduate|course)\s+)?(?:(?:teaching|course|graduate|lab)\s+(?:assistants?|fellows?)|assistants?|g?u?tas?|tas|tutor(?:s|in|en|innen|innen und tutoren)?|assistent(?:in|en|innen)?|übungsleit(?:ung|er|erin|ende)|übung(?:en)? betreut von|betreu(?:ung|er|erin)|hiwis?|wissenschaftliche mitarbeit(?:er|erin)|course staff|teaching staff|graders?|cas?|mitarbeit(?:er|ende))"
_LABEL = re.compile(
    rf"(?:^|(?<=[.;|·•]\s)|(?<=[.;]\s\s))\W{{0,6}}(?P<role>(?P<lecturer>{_LECTURER})|(?P<assistant>{_ASSISTANT}))(?P<feminine>[/:*]?-?innen|[/:*]in(?:nen)?)?(?:\s*\(s\))?\s*(?::|\s[–—-]\s|\|)\s*(?P<names>.+)$",
    _I,
)
_TITLE = r"(?:univ\.?-?|hon\.?-?|apl\.\s?|ass\.?-?\s?|assoc\.?-?\s?|jun\.?-?|vertr\.?-?)?(?:prof(?:essor|essorin)?\.?|dr\.?(?:-ing\.?|\.?\s?(?:rer\.\s?nat|phil|med|habil|h\.\s?c)\.?)?|m\.\s?sc\.?|b\.\s?sc\.?|dipl\.-\w+\.?|mag\.|pd|ph\.?d\.?|mr\.?|mrs\.?|ms\.?|msc|bsc|dr)"
_DEGREE = re.compile(rf"^\s*(?:{_TITLE})\s*$", _I)
_NAME_WORD = r"[^\W\d_][\w'’.-]*"
_NAME = re.compile(rf"^(?:{_TITLE}[\s,]+)*(?:{_NAME_WORD}\s+){{1,4}}{_NAME_WORD}$", _I)
_ORGANISATION = re.compile(
    r"\b(?:universit|institut|department|fachgebiet|lehrstuhl|group|gruppe|lab\b|school|chair|college|faculty|fakultät|center|centre|zentrum|office|room|raum|büro|building|inc\b|gmbh|research|uni\b|univ\b|(?-i:TU|FU|HU|RWTH|KIT|ETH|EPFL|LMU|TUM|MIT|CMU|UCL)\b)",
    _I,
)
_EMAIL = address_pattern(at=r"\s?(?:@|\(at\)|\[at\])\s?", domain=r"[\w-]+(?:\.[\w-]+)+")
_NOISE = re.compile(r"\(([^()]*)\)|\[[^\[\]]*\]|<[^<>]*>")
_SENTENCE_END = re.compile(
    r"\s[|·•]\s|(?<=[a-zäöü][a-zäöü)])(?<!rof)(?<!ipl)(?<!Ing)(?<!rer)(?<!nat)(?<!hil)(?<!bil)\.\s+(?=[A-Z])"
)
_NEXT_LABEL = re.compile(rf"[.;,]?\s+(?:{_LECTURER}|{_ASSISTANT}|office hours?|sprechstunde|email|room|raum)\s*:", _I)
_MARK = re.compile(
    r"^\W*(?:office hours?|sprechstunde|email|e-mail|mail|contact|kontakt|tel\.?|phone|website|homepage)\b", _I
)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who teaches; `role` is lecturer or assistant."""

    role: str
    name: str
    affiliation: str = ""
    email: str = ""
    url: str = ""


def is_label(text: str) -> bool:
    """Return whether a line says who teaches."""
    return _LABEL.search(text) is not None


def find_people(cell: SourceCell) -> list[Person]:
    """Return the people that a line names behind their roles."""
    return _people(cell.text.replace("\n", " "), cell)


def _people(text: str, cell: SourceCell) -> list[Person]:
    match = _LABEL.search(text)
    if match is None:
        return []
    role = "lecturer" if match.group("lecturer") else "assistant"
    label = match.group("role").lower()
    is_several = (
        bool(match.group("feminine"))
        or (label.endswith("s") and not label.endswith("ss"))
        or label.endswith(("innen", "en", "ende"))
    )
    names = match.group("names")
    # A sentence behind the names, or the next label of the same line.
    ends = [end.start() for end in (_SENTENCE_END.search(names), _NEXT_LABEL.search(names)) if end is not None]
    end = min(ends, default=len(names))
    names, rest = names[:end], names[end:].lstrip(" .,;|·•")
    names = re.sub(r"(?<![A-Z.][a-z])(?<!Sc)(?<!A)(?<!D)\.$", "", names.strip(" ,;"))
    return [*(_with_links(person, cell) for person in _split(names, role, is_several=is_several)), *_people(rest, cell)]


def _split(names: str, role: str, *, is_several: bool) -> list[Person]:
    people: list[Person] = []
    for part in re.split(r"\s*;\s*|\s+(?:and|und|&)\s+|\s+/\s+", names):
        email = _EMAIL.search(part)
        notes = [note for note in _NOISE.findall(part) if note and not _EMAIL.search(note)]
        plain = _EMAIL.sub("", _NOISE.sub("", part)).strip(" ,;:<>")
        pieces = [piece.strip() for piece in plain.split(",") if piece.strip()]
        if not pieces:
            continue
        before = len(people)
        for piece in pieces:
            last = people[-1] if len(people) > before else None
            if last is not None and _DEGREE.match(piece):
                people[-1] = Person(role, f"{last.name}, {piece}", last.affiliation)
            elif last is None or _is_name(piece, is_several=is_several):
                people.append(Person(role, piece))
            else:
                joined = f"{last.affiliation}, {piece}" if last.affiliation else piece
                people[-1] = Person(role, last.name, joined.strip(" ."))
        if len(people) == before + 1:
            affiliation = people[-1].affiliation or (notes[0] if notes and _ORGANISATION.search(notes[0]) else "")
            people[-1] = Person(
                role,
                people[-1].name,
                affiliation,
                address_of(email).replace(" ", "") if email and "@" in email.group() else "",
            )
    return [
        person
        for person in people
        if any(map(str.isalpha, person.name)) and len(person.name) <= 100 and not _MARK.match(person.name)
    ]


def _is_name(text: str, *, is_several: bool) -> bool:
    if _ORGANISATION.search(text):
        return False
    if _NAME.match(text) and text[0].isupper():
        return True
    # 'TAs: Anna, Ben'; but 'Lecturer: A. Boehm, DAMS'.
    return is_several and " " not in text and text[:1].isupper() and not text.isupper()


def _with_links(person: Person, cell: SourceCell) -> Person:
    email, url = person.email, ""
    for link in cell.links:
        if link.text and (link.text in person.name or person.name in link.text):
            if link.href.startswith("mailto:"):
                email = email or link.href.removeprefix("mailto:").split("?")[0]
            elif link.href.startswith("http"):
                url = link.href
    return Person(person.role, person.name, person.affiliation, email, url)
