"""What stands in a cell or line besides its date: title, number, kind, materials, what is due, and the rest."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from amls.portal.takeover.sourcerows import Link
from amls.portal.takeover.understanding import kinds
from amls.portal.takeover.understanding.dues import due_title
from amls.portal.takeover.understanding.links import CALL, OTHER, LinkedMaterial, is_place, material_of, word_kind

_I = re.IGNORECASE
_PREFIX = re.compile(
    r"^(?P<word>lecture|lect|lec|class|session|vorlesung|vl|sitzung|einheit|termin|l|v)\s*[#.:]?\s*(?P<number>\d{1,2}[a-z]?(?:\.\d{1,2})?)?\s*(?:[:.)\]|–—-]+\s*|\s+|$)(?P<rest>.*)$",
    _I | re.DOTALL,
)
_NUMBERED = re.compile(r"^(?P<number>\d{1,2}[a-z]?)(?:[.:)]|\s*[–—-])?\s+(?P<rest>[^\W\d_].*|[\"'(„].*)$", re.DOTALL)
_OUT_LABEL = re.compile(
    r"^\W*(?:assigned|assignments?(?: out)?|released?|out|ausgabe|handed out|homework|hw|project|quiz(?:zes)?)\s*:", _I
)
_MATERIAL_LABEL = re.compile(
    r"^\W*(?:optional\s+|required\s+|suggested\s+|further\s+|additional\s+|recommended\s+|pre-?)?(?:readings?|preparation|prep|papers?|slides?|folien|videos?|recordings?|notes?|materials?|material(?:ien)?|links?|code|literatur|references?|textbook|resources?|unterlagen|handouts?)\b[^:\n]{0,20}:",
    _I,
)
_PERSON_LABEL = re.compile(
    r"^\W*(?:guest\s+)?(?:speakers?|instructors?|lecturers?|presenters?|scribes?|dozent(?:in)?|referent(?:in)?)\s*:", _I
)
_TOPIC_LABEL = re.compile(r"^\W*(?:topics?|thema|themen|title|titel|content|inhalt)\s*:\s*", _I)
_EMPTY_BRACKETS = re.compile(r"\(\s*[,;/|&\s]*\)|\[\s*[,;/|&\s]*\]")
_MATERIAL_WORDS = re.compile(
    r"(?:\s*[\[(]\s*(?:slides?|pdf|pptx?|folien|videos?|notes?|recordings?|aufzeichnung|mp4|html|code|notebook)(?:\s*[,;/|&]\s*(?:slides?|pdf|pptx?|folien|videos?|notes?|recordings?|aufzeichnung|mp4|html|code|notebook))*\s*[\])])+\s*$",
    _I,
)
_BRACKETS = re.compile(r"\s*(?:\((?P<round>[^()]*)\)|\[(?P<square>[^\[\]]*)\])")
# Between what a session is about and what is due on its day.
_JOINT = re.compile(r"\s*;\s+|\s+[–—|-]\s+|(?<=[^\W_])\.\s+(?=[A-ZÄÖÜ])|(?P<comma>,\s+)")
_NOTHING = re.compile(r"^[\s\-–—―_.…*/|]*$|^(?:none|n/?a|keine?|tba|tbd|no (?:assignments?|reading)\.?)$", _I)


@dataclass(slots=True)
class Content:
    """What a text says; `dues` are its lines or brackets that say that something is due."""

    title: str = ""
    details: list[str] = field(default_factory=list)
    number: str = ""
    kind: str = ""
    materials: list[LinkedMaterial] = field(default_factory=list)
    dues: list[tuple[str, str]] = field(default_factory=list)
    call_in: str = ""


def is_nothing(text: str) -> bool:
    """Return whether a cell says nothing: a dash, 'none', 'n/a'."""
    return _NOTHING.match(text.strip()) is not None


def read_content(text: str, links: Sequence[Link], *, column: str = "") -> Content:
    """Return what a text with its links says.

    Args:
        text: with the line breaks of its source, without the date.
        links: that stand in it.
        column: the kind of materials that its column holds, if it does.
    """
    content = Content()
    left = [link for link in links if not is_place(link)]
    for line in _main_first(text.split("\n")):
        own = [link for link in left if link.text and link.text in line]
        for link in own:
            left.remove(link)
        held, dues = (line, []) if content.title else dues_apart(line)
        for due in dues:
            said = [link for link in own if link.text in due]
            own = [link for link in own if link not in said]
            content.dues.append((due, said[0].href if said else ""))
        _read_line(held.strip(), own, content, column)
    for link in left:
        _add(content, material_of(link, column=column))
    _name(content)
    return content


def _main_first(lines: list[str]) -> list[str]:
    """Return the lines with that which names the session before what is due, given out or to be read."""
    if len(lines) < 2 or not is_aside(lines[0]):
        return lines
    main = next(
        (at for at, line in enumerate(lines) if line.strip() and not is_aside(line) and not kinds.is_free(line)), 0
    )
    return [lines[main], *lines[:main], *lines[main + 1 :]]


def is_aside(line: str) -> bool:
    """Return whether a line says what is due, given out, to be read, or who speaks, and not what the session is."""
    return bool(
        (kinds.is_due(line) and not dues_apart(line)[1])
        or _OUT_LABEL.match(line)
        or _MATERIAL_LABEL.match(line)
        or _PERSON_LABEL.match(line)
    )


def dues_apart(line: str) -> tuple[str, list[str]]:
    """Return what a line says is held, and what it says is due besides.

    'LL(1)' and 'PA1 due' of 'LL(1) (PA1 due)', 'Joins' and 'HW 1 due' of 'Joins; HW 1 due'. Where what is due is the line
    itself, as in 'HW 1 (due Friday)' or 'Project – final report due', nothing is apart.
    """
    if not kinds.is_due(line) or kinds.is_work(line):
        return line, []
    for brackets in _BRACKETS.finditer(line):
        inner = brackets.group("round") or brackets.group("square") or ""
        rest = f"{line[: brackets.start()]} {line[brackets.end() :]}".strip()
        if kinds.is_due(inner) and _names_something(due_title(inner)) and _is_held(rest, inner):
            return rest, [inner]
    for joint in reversed(list(_JOINT.finditer(line))):
        held, due = line[: joint.start()], line[joint.end() :]
        if joint.group("comma") and not kinds.is_work(due):
            continue
        if kinds.is_due(due) and _names_something(due_title(due)) and _is_held(held, due):
            return held, [due]
    return line, []


def _names_something(text: str) -> bool:
    return re.search(r"[^\W\d_]{2}|\w\d", text) is not None


def _is_held(text: str, due: str) -> bool:
    """Return whether a text is what is held, and not a part of what is due: 'Project' of 'Project – final report due'."""
    is_other = kinds.is_work(due) or kinds.deadline_kind(text) == "other"
    return is_other and _names_something(text) and not (kinds.is_due(text) or kinds.is_work(text) or kinds.is_out(text))


def _read_line(line: str, links: Sequence[Link], content: Content, column: str) -> None:
    is_first = not content.title
    label = _MATERIAL_LABEL.match(line)
    if label is not None and (links or not is_first):
        for link in links:
            _add(content, material_of(link, column=column, before=label.group()))
        if not links:
            content.details.append(line)
    elif not is_first and kinds.is_due(line):
        content.dues.append((line, links[0].href if links else ""))
    elif not is_first and _OUT_LABEL.match(line):
        content.details.append(line)
    else:
        _read_words(line, links, content, column)


def _read_words(line: str, links: Sequence[Link], content: Content, column: str) -> None:
    """Read a line of the title or of what follows it, without what only names its links."""
    is_first = not content.title
    for link in links:
        before = line[: line.find(link.text)]
        _add(content, material_of(link, column=column, before=before.rpartition(":")[0][-30:]))
        if word_kind(link.text) and len(link.text.split()) <= 3 and link.text.strip() != line.strip(" -–—:;,.()[]"):
            line = line.replace(link.text, "", 1)
        elif line.endswith(f", {link.text}") and is_first:
            line = line.removesuffix(f", {link.text}")
    line = _EMPTY_BRACKETS.sub("", line)
    if is_first:
        line = _TOPIC_LABEL.sub("", _MATERIAL_WORDS.sub("", line))
    line = re.sub(r"\s+", " ", line).strip(" \t|,;·•–—-*/@")
    line = line[:-1].strip() if line.endswith(".") and links else line
    if is_first:
        content.title = line
    elif line and not is_nothing(line):
        content.details.append(line)


def _add(content: Content, material: LinkedMaterial) -> None:
    if material.kind == CALL:
        content.call_in = content.call_in or material.url
    elif material not in content.materials:
        content.materials.append(material)


def _name(content: Content) -> None:
    """Take number and kind off the title: 'LEC 3: Replication', 'Lecture 1.1:' with its title on the next line."""
    if not any(map(str.isalnum, content.title)):
        content.title = content.details.pop(0) if content.details else ""
    prefix = _PREFIX.match(content.title)
    # 'L: Mental models' is one; 'Vectors in space' and 'Lecture hall' are none.
    if prefix is not None and (prefix.group("number") or re.match(r"^\w+\s*[:|–—]", content.title)):
        rest = prefix.group("rest").strip(" :–—-")
        if rest or content.details or prefix.group("number"):
            content.number, content.kind = prefix.group("number") or "", kinds.LECTURE
            if not rest and content.details:
                rest = content.details.pop(0)
            content.title = rest or content.title.strip(" :")
        return
    numbered = _NUMBERED.match(content.title)
    if numbered is not None:
        content.number, content.title = numbered.group("number"), numbered.group("rest").strip()
        return
    short = re.match(r"^(?P<kind>[A-Za-zÜü]{1,2})(?P<number>\d{1,2})?\s*[:|]\s+(?P<rest>\S.*)$", content.title)
    if short is not None and kinds.kind_of_word(short.group("kind")) in kinds.SESSIONS:
        content.kind, content.title = kinds.kind_of_word(short.group("kind")), short.group("rest")
        return
    if content.title.endswith(":") or (content.details and re.fullmatch(r".*:", content.title)):
        content.title = (
            f"{content.title.rstrip(':')}: {content.details.pop(0)}" if content.details else content.title.rstrip(":")
        )


def announced(words: str, kind: str) -> list[LinkedMaterial]:
    """Return the materials that a cell of a column of materials only announces: 'pdf, pptx', 'Folien 01'."""
    pieces = [word for word in re.split(r"\s*[,;/|\n]\s*", words) if word and not is_nothing(word) and len(word) <= 60]
    return [LinkedMaterial(kind, word) for word in pieces if word_kind(word) or kind != OTHER]
