"""The reader of YAML and JSON as static course sites keep them: lists of entries, however their keys are called."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

import yaml
from lxml import html

from amls.files.judges.sources.rows import MAX_COLUMNS, ReadCell, ReadRow, bounded, fact, tidy
from amls.files.limited.refused import Refused

_MAX_NODES = 200_000
_MAX_DEPTH = 12
_MARKUP = re.compile(r"</?[a-zA-Z][^<>]*>")
_BREAK = re.compile(r"<(?:br|/?p|/?li|/?div|/?ul)\b[^<>]*>", re.IGNORECASE)
_MARKDOWN_LINK = re.compile(r"\[([^\[\]]*)\]\(([^()\s]*)\)")
_ADDRESS = re.compile(
    r"(?:https?://|/|\.\.?/)\S+|\S+/\S+\.[a-z0-9]{2,5}|\S+\.(?:pdf|pptx?|html?|mp4|ipynb|zip|md)", re.IGNORECASE
)
_TEXT_KEYS = ("title", "name", "text", "label", "desc", "description", "titel", "paper", "author")
_LINK_KEYS = ("url", "link", "href", "file", "path", "adresse")

Value = str | list["Value"] | dict[str, "Value"]


@dataclass(slots=True)
class _Mapping:
    """A mapping that is one row, with the line on which it begins."""

    line: int
    cells: dict[str, ReadCell] = field(default_factory=dict)


def yaml_rows(file: IO[bytes], *, base: str = "") -> Iterator[list[object]]:
    """Yield the rows of a YAML file as JSON knows them; the limited child begins here."""
    return bounded(read_yaml(file.read()))


def json_rows(file: IO[bytes], *, base: str = "") -> Iterator[list[object]]:
    """Yield the rows of a JSON file as JSON knows them; the limited child begins here."""
    return bounded(read_json(file.read()))


def read_yaml(content: bytes, *, first_line: int = 0, is_front: bool = False) -> Iterator[ReadRow]:
    """Yield facts and the rows of every list of entries in a YAML file.

    Every scalar stays as it is written: YAML 1.1 takes '10:15' for a number and 'no' for false.

    Raises:
        Refused: it is no YAML (with the line), or its anchors unfold to too much.
    """
    try:
        documents = list(yaml.compose_all(content.decode(), Loader=yaml.CSafeLoader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise Refused(
            "no-yaml", line=mark.line + 1 if mark else 0, why=str(getattr(error, "problem", "") or "")[:200]
        ) from error
    for number, line in enumerate(content.decode().splitlines()[:8], start=1):
        if line.startswith("#") and not is_front:
            yield ReadRow(number, "text", [ReadCell(line.strip("# "))])
    counter = _Counter(first_line)
    for document in documents:
        if document is not None:
            yield from _rows(counter.plain(document), is_front=is_front)


def read_json(content: bytes) -> Iterator[ReadRow]:
    """Yield facts and the rows of every list of entries in a JSON file.

    Raises:
        Refused: it is no JSON, with the line.
    """
    try:
        value = json.loads(content)
    except (json.JSONDecodeError, RecursionError) as error:
        raise Refused("no-json", line=getattr(error, "lineno", 0), why=str(getattr(error, "msg", ""))[:200]) from error
    lines = _json_lines(content.decode())
    yield from _rows(_from_json(value, lines, [0], 0), is_front=False)


@dataclass(slots=True)
class _Map:
    line: int
    entries: list[tuple[str, object]]


@dataclass(slots=True)
class _Scalar:
    line: int
    text: str


class _Counter:
    """Makes nodes plain, and counts: what anchors repeat counts each time."""

    def __init__(self, first_line: int) -> None:
        self.first_line = first_line
        self.left = _MAX_NODES

    def plain(self, node: yaml.Node, depth: int = 0) -> object:
        self.left -= 1
        if self.left < 0 or depth > _MAX_DEPTH:
            raise Refused("too-many-anchors")
        line = node.start_mark.line + 1 + self.first_line
        if isinstance(node, yaml.MappingNode):
            entries: list[tuple[str, object]] = []
            for key, value in node.value:
                made = self.plain(value, depth + 1)
                if isinstance(key, yaml.ScalarNode) and key.value == "<<" and isinstance(made, _Map):
                    entries = made.entries + entries
                else:
                    entries.append((str(getattr(key, "value", ""))[:60], made))
            return _Map(line, entries)
        if isinstance(node, yaml.SequenceNode):
            return [self.plain(child, depth + 1) for child in node.value]
        is_nothing = node.tag == "tag:yaml.org,2002:null"
        return _Scalar(line, "" if is_nothing else str(node.value))


def _json_lines(text: str) -> list[int]:
    """Return on which line each object begins, in their order."""
    lines: list[int] = []
    line, is_text, is_escaped = 1, False, False
    for sign in text:
        if sign == "\n":
            line += 1
        elif is_escaped:
            is_escaped = False
        elif is_text and sign == "\\":
            is_escaped = True
        elif sign == '"':
            is_text = not is_text
        elif sign == "{" and not is_text:
            lines.append(line)
    return lines


def _from_json(value: object, lines: list[int], seen: list[int], depth: int) -> object:
    if depth > _MAX_DEPTH:
        raise Refused("too-many-anchors")
    if isinstance(value, dict):
        line = lines[seen[0]] if seen[0] < len(lines) else 0
        seen[0] += 1
        return _Map(line, [(str(key)[:60], _from_json(inner, lines, seen, depth + 1)) for key, inner in value.items()])
    if isinstance(value, list):
        return [_from_json(inner, lines, seen, depth + 1) for inner in value]
    return _Scalar(0, "" if value is None else str(value))


def _rows(value: object, *, is_front: bool) -> Iterator[ReadRow]:
    tables: list[list[_Mapping]] = []
    facts: list[ReadRow] = []
    _gather(value, {}, tables, facts, 0)
    yield from facts
    for number, entries in enumerate(tables, start=1):
        if is_front and len(entries) < 2:
            continue
        names = list(dict.fromkeys(name for entry in entries for name in entry.cells))[:MAX_COLUMNS]
        yield ReadRow(entries[0].line, "header", [ReadCell(name) for name in names], table=-number)
        for entry in entries:
            yield ReadRow(entry.line, "cells", [entry.cells.get(name, ReadCell()) for name in names], table=-number)


def _gather(
    value: object,
    inherited: dict[str, ReadCell],
    tables: list[list[_Mapping]],
    facts: list[ReadRow],
    depth: int,
    name: str = "",
) -> None:
    """Find the lists of entries; what stands above entries is theirs as well."""
    if isinstance(value, list):
        _gather_list(value, inherited, tables, facts, depth, name)
    elif isinstance(value, _Map):
        _gather_map(value, inherited, tables, facts, depth)


def _gather_list(
    values: list[object],
    inherited: dict[str, ReadCell],
    tables: list[list[_Mapping]],
    facts: list[ReadRow],
    depth: int,
    name: str,
) -> None:
    entries: list[_Mapping] = []
    tables.append(entries)
    for element in values:
        if isinstance(element, _Map):
            _entry(element, inherited, entries, tables, facts, depth)
        elif isinstance(element, _Scalar) and element.text and depth < 2:
            entries.append(_Mapping(element.line, {name or "date": _content(element, name)}))
    if not entries:
        tables.remove(entries)


def _gather_map(
    value: _Map, inherited: dict[str, ReadCell], tables: list[list[_Mapping]], facts: list[ReadRow], depth: int
) -> None:
    nested = [(key, inner) for key, inner in value.entries if _is_list_of_maps(inner)]
    maps = [(key, inner) for key, inner in value.entries if isinstance(inner, _Map)]
    if not nested and _are_entries([entry for _key, entry in maps]):
        _gather_list([_named(key, entry) for key, entry in maps], inherited, tables, facts, depth + 1, "")
        maps = []
    for key, inner in value.entries:
        if isinstance(inner, _Scalar) and inner.text:
            facts.append(fact(key, _content(inner, key).text, inner.line))
        elif isinstance(inner, list) and inner and depth < 1 and not _is_list_of_maps(inner):
            words = ", ".join(part.text for part in inner if isinstance(part, _Scalar))
            facts.append(fact(key, words, value.line))
            _gather_list(inner, inherited, tables, facts, depth + 1, key)
    for key, inner in [*maps, *nested]:
        _gather(inner, inherited, tables, facts, depth + 1, key)


def _are_entries(maps: list[_Map]) -> bool:
    """Return whether mappings are entries by their date or name, as in '2024-09-03: {title: …}'."""
    kinds_of_keys = {tuple(sorted(key for key, _one in entry.entries)) for entry in maps}
    return len(maps) > 2 and len(kinds_of_keys) <= len(maps) / 2 + 1


def _named(key: str, entry: _Map) -> _Map:
    name = "date" if re.match(r"\d", key) else "name"
    return _Map(entry.line, [(name, _Scalar(entry.line, key)), *entry.entries])


def _is_list_of_maps(value: object) -> bool:
    return isinstance(value, list) and any(isinstance(element, _Map) for element in value)


def _is_links(value: object) -> bool:
    """Return whether a value is a link, or a list of them, with their texts: no rows of a schedule."""
    if isinstance(value, list):
        return all(isinstance(element, _Scalar) or _is_links(element) for element in value)
    if not isinstance(value, _Map):
        return False
    names = {key.lower() for key, _one in value.entries}
    if names & {"date", "datum", "day", "days", "week"}:
        return False
    return all(isinstance(inner, _Scalar) for _key, inner in value.entries) and (
        bool(names & {*_LINK_KEYS, *_TEXT_KEYS})
        or all(_ADDRESS.match(inner.text) for _key, inner in value.entries if isinstance(inner, _Scalar) and inner.text)
    )


def _entry(
    value: _Map,
    inherited: dict[str, ReadCell],
    entries: list[_Mapping],
    tables: list[list[_Mapping]],
    facts: list[ReadRow],
    depth: int,
) -> None:
    own = dict(inherited)
    inner: list[tuple[str, object]] = []
    for key, held in value.entries:
        if isinstance(held, _Scalar) or _is_links(held) or (isinstance(held, list) and not _is_list_of_maps(held)):
            own[key] = _content(held, key)
        else:
            inner.append((key, held))
    if not inner:
        entries.append(_Mapping(value.line, own))
        return
    has_date = any("dat" in key.lower() for key in own)
    if has_date:
        entries.append(_Mapping(value.line, own))
    above = {key: ReadCell(cell.text, cell.links, spans=True) for key, cell in own.items()}
    for _key, nested in inner:
        for part in nested if isinstance(nested, list) else [nested]:
            if isinstance(part, _Map):
                _entry(part, above, entries, tables, facts, depth + 1)


def _content(value: object, key: str) -> ReadCell:
    if isinstance(value, _Scalar):
        return _text(value.text, key)
    cell = ReadCell()
    lines: list[str] = []
    for element in value if isinstance(value, list) else [value]:
        if isinstance(element, _Map):
            names = {name.lower(): part.text for name, part in element.entries if isinstance(part, _Scalar)}
            link = next((names[name] for name in _LINK_KEYS if names.get(name)), "")
            text = next((names[name] for name in _TEXT_KEYS if names.get(name)), "")
            if not link and not text:
                for name, part in element.entries:
                    inner = _content(part, name)
                    lines.append(inner.text if inner.text != name else name)
                    cell.links += inner.links
                continue
            inner = _text(text, key)
            lines.append(inner.text)
            cell.links += [(inner.text or key, link)] if link else inner.links
        else:
            inner = _content(element, key)
            lines.append(inner.text)
            cell.links += inner.links
    cell.text = "\n".join(filter(None, lines))
    return cell


def _text(text: str, key: str) -> ReadCell:
    """Return a text with the links in it; an address alone is a link that is called like its key."""
    stripped = text.strip()
    if _ADDRESS.fullmatch(stripped):
        return ReadCell(key, [(key, stripped)])
    links = [(label, address) for label, address in _MARKDOWN_LINK.findall(text) if address]
    text = _MARKDOWN_LINK.sub(r"\1", text)
    if _MARKUP.search(text):
        broken = _BREAK.sub("\n", text)
        fragment = html.fragment_fromstring(f"<div>{broken}</div>")
        links += [(tidy("".join(link.itertext())), link.get("href")) for link in fragment.iter("a") if link.get("href")]
        text = "".join(fragment.itertext())
    return ReadCell(re.sub(r"(?<!\w)[*_]{1,3}(\S(?:[^*_\n]*\S)?)[*_]{1,3}(?!\w)", r"\1", tidy(text)), links)
