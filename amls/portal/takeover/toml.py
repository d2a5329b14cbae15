"""The course.toml: one format for export, import and version control."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from types import UnionType
from typing import Any, cast, get_args, get_origin, get_type_hints

import tomlkit
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from tomlkit.items import AoT, Table

from amls.portal.takeover.references import problems_of
from amls.portal.takeover.spec import CourseFileError, CourseSpec

FORMAT = 1
_NOT_IN_FILE = {"is_complete", "warnings"}
# Fields of CourseSpec that are tables of their own; everything else stands in [course].
_TABLES = ("projects", "exam_rules", "grading")
_LISTS = (
    "slots",
    "staff",
    "office_hours",
    "parts",
    "lectures",
    "free_days",
    "deadlines",
    "topics",
    "assignments",
    "lists",
    "admission",
    "exams",
)
# What files of before say otherwise: the only weekly slot, as a table.
_OLD_SLOT = "slot"
_NAMES = {
    str: gettext_lazy("text in quotes"),
    int: gettext_lazy("a whole number"),
    bool: gettext_lazy("true or false"),
    Decimal: gettext_lazy("a number"),
    date: gettext_lazy("a date such as 2024-04-23"),
    time: gettext_lazy("a time such as 16:00:00"),
    datetime: gettext_lazy("a date and time such as 2024-04-18T16:00:00, without a zone"),
}
_LONG_TEXT = 60
_AT_LINE = re.compile(r"\(at line (\d+), column \d+\)")
# Where a key or a value begins with one.
_CURLY = re.compile("(?:^|=)\\s*\\[?\\s*[\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u00ab\u00bb]")
_GERMAN_DATE = re.compile(
    r"=\s*(0?[1-9]|[12]\d|3[01])\.\s?(0?[1-9]|1[0-2])\.\s?(\d{4}|\d\d)(?!\d)(?:[,T\s]+([01]?\d|2[0-3])[:.]([0-5]\d))?"
)


def dump_toml(spec: CourseSpec) -> str:
    """Return the file that says `spec`; the same spec gives the same bytes, and defaults are left out."""
    document = tomlkit.document()
    document.add("format", tomlkit.item(FORMAT))
    course = tomlkit.table()
    for item in fields(spec):
        if item.name not in (*_TABLES, *_LISTS, *_NOT_IN_FILE):
            _put(course, item.name, getattr(spec, item.name), item.default)
    document.add("course", course)
    for name in _TABLES:
        value = getattr(spec, name)
        table = _table(value) if value is not None else None
        if table is not None and (table or name == "projects"):
            document.add(name, table)
    for name in _LISTS:
        rows = getattr(spec, name)
        if rows:
            array: AoT = tomlkit.aot()
            for row in rows:
                array.append(_table(row))
            document.add(name, array)
    return tomlkit.dumps(document)


def _table(value: Any) -> Table:
    table = tomlkit.table()
    for item in fields(value):
        _put(table, item.name, getattr(value, item.name), item.default)
    return table


def _put(table: Table, name: str, value: Any, default: Any) -> None:
    if default is not MISSING and value == default:
        return
    if isinstance(value, tuple) and value and is_dataclass(value[0]):
        array = tomlkit.array()
        for row in value:
            inline = tomlkit.inline_table()
            inline.update(dict(_table(cast("Any", row)).unwrap()))
            array.append(inline)
        table.add(name, array.multiline(len(value) > 3))
    elif isinstance(value, tuple):
        table.add(name, list(value))
    elif isinstance(value, Decimal):
        table.add(name, int(value) if value == value.to_integral_value() else float(value))
    elif isinstance(value, str) and ("\n" in value or len(value) > _LONG_TEXT) and _may_be_multiline(value):
        table.add(name, tomlkit.string(value, multiline=True))
    else:
        table.add(name, value)


def _may_be_multiline(value: str) -> bool:
    # A leading line feed is dropped by TOML, and quotes or backslashes would need escapes.
    return not value.startswith("\n") and '"' not in value and "\\" not in value


def load_toml(text: str) -> CourseSpec:
    """Return what a course.toml says; `[slot]` of older files is the only one of `[[slots]]`.

    Raises:
        CourseFileError: not TOML, another format, unknown or missing keys, wrong types;
            every problem with its place and line.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        why = _("This is not valid TOML: %(error)s.") % {"error": error}
        raise CourseFileError([*_what_to_write(text, str(error)), why]) from error
    if data.get("format") != FORMAT:
        why = _("format = %(format)d must stand at the top; found %(found)r.")
        raise CourseFileError([why % {"format": FORMAT, "found": data.get("format", _("nothing"))}])
    reader = _TomlReader(text, has_old_slot=_OLD_SLOT in data)
    known = {"format", "course", _OLD_SLOT, *_TABLES, *_LISTS}
    for key in data.keys() - known:
        why = _("is not a part of a course file; known are %(known)s")
        reader.problem(key, why % {"known": ", ".join(sorted(known))})
    course = data.get("course")
    if not isinstance(course, dict):
        raise CourseFileError([_("[course] is missing: it holds at least slug, title and term.")])
    nested = {name: data[name] for name in (*_TABLES, *_LISTS) if name in data}
    if _OLD_SLOT in data:
        if "slots" in data:
            reader.problem(_OLD_SLOT, _("stands beside [[slots]]; keep one of them"))
        nested["slots"] = [data[_OLD_SLOT]] if data[_OLD_SLOT] else []
    misplaced = sorted(course.keys() & {*_TABLES, *_LISTS})
    for key in misplaced:
        reader.problem(f"course.{key}", _("belongs outside of [course], as [%(key)s]") % {"key": key})
    return reader.course({**course, **nested})


def _what_to_write(text: str, error: str) -> list[str]:
    """Return what to write in the line of an error, where it shows what word processors and Germans write."""
    at = _AT_LINE.search(error)
    if at is None:
        return []
    number = int(at.group(1))
    line = text.split("\n")[number - 1]
    if _CURLY.search(line):
        why = _('line %(line)d: write straight quotes, "…", instead of curly ones, which word processors make of them.')
        return [why % {"line": number}]
    written = _GERMAN_DATE.search(line)
    if written is None:
        return []
    day, month, year, hour, minute = written.groups()
    right = f"{int(year) if len(year) == 4 else 2000 + int(year)}-{int(month):02}-{int(day):02}"
    if hour:
        right = f"{right}T{int(hour):02}:{minute}:00"
    why = _("line %(line)d: write %(right)s instead of %(wrong)s.")
    return [why % {"line": number, "right": right, "wrong": written.group().lstrip("= ")}]


class _TomlReader:
    """Reads tables into dataclasses by their type hints, and collects every problem."""

    def __init__(self, text: str, *, has_old_slot: bool) -> None:
        self.lines = text.splitlines()
        self.has_old_slot = has_old_slot
        self.problems: list[str] = []

    def problem(self, path: str, why: str) -> None:
        if self.has_old_slot:
            path = path.replace("slots[0]", _OLD_SLOT)
        line = self._line_of(path)
        if line:
            self.problems.append(_("line %(line)d: %(path)s %(why)s.") % {"line": line, "path": path, "why": why})
        else:
            self.problems.append(f"{path} {why}.")

    def course(self, table: Mapping[str, Any]) -> CourseSpec:
        """Return the whole course, and raise what is wrong with it."""
        spec = cast("CourseSpec", self.read(CourseSpec, table, "course"))
        if not self.problems:
            for path, why in problems_of(spec):
                self.problem(path, why)
        if self.problems:
            raise CourseFileError(self.problems)
        return spec

    def read(self, cls: type, table: Mapping[str, Any], path: str) -> Any:
        hints = get_type_hints(cls)
        values: dict[str, Any] = {}
        known = {item.name for item in fields(cls)} - _NOT_IN_FILE
        for key in table.keys() - known:
            self.problem(f"{path}.{key}", _("is not known; known are %(known)s") % {"known": ", ".join(sorted(known))})
        for item in fields(cls):
            if item.name in table and item.name in known:
                at = item.name if cls is CourseSpec and item.name in (*_TABLES, *_LISTS) else f"{path}.{item.name}"
                values[item.name] = self._value(hints[item.name], table[item.name], at)
            elif item.default is MISSING and item.default_factory is MISSING:
                self.problem(f"{path}.{item.name}", _("is missing"))
                values[item.name] = None
        return cls(**values)

    def _value(self, hint: Any, value: Any, path: str) -> Any:
        if isinstance(hint, UnionType):
            hint = next(option for option in get_args(hint) if option is not type(None))
        if get_origin(hint) is tuple:
            if not isinstance(value, list):
                self.problem(path, _("must be a list"))
                return ()
            inner = get_args(hint)[0]
            return tuple(self._value(inner, element, f"{path}[{index}]") for index, element in enumerate(value))
        if is_dataclass(hint):
            if not isinstance(value, dict):
                self.problem(path, _("must be a table"))
                return None
            return self.read(cast("type", hint), value, path)
        return self._plain(hint, value, path)

    def _plain(self, hint: type, value: Any, path: str) -> Any:
        if hint is Decimal and isinstance(value, int | float) and not isinstance(value, bool):
            try:
                return Decimal(str(value))
            except InvalidOperation:
                pass
        elif type(value) is hint and not (isinstance(value, datetime) and value.tzinfo is not None):
            return value
        if isinstance(value, datetime) and value.tzinfo is not None and hint is datetime:
            said = _("must have no time zone: write it as clocks in the course show it, such as %(value)s")
            self.problem(path, said % {"value": value.replace(tzinfo=None).isoformat()})
            return None
        shown = value.isoformat() if isinstance(value, date | time) else repr(value)
        self.problem(path, _("must be %(kind)s, found %(value)s") % {"kind": _NAMES[hint], "value": shown})
        return None

    def _line_of(self, path: str) -> int | None:
        """Return the line on which a path most likely stands; None where it can't be told."""
        head, _dot, rest = path.partition(".")
        match = re.fullmatch(r"(\w+)(?:\[(\d+)\])?", head)
        if match is None:
            return None
        name, index = match.group(1), int(match.group(2) or 0)
        headers = [
            number for number, line in enumerate(self.lines) if re.fullmatch(rf"\s*\[\[?{name}\]\]?\s*(#.*)?", line)
        ]
        if index >= len(headers):
            return next(
                (number + 1 for number, line in enumerate(self.lines) if re.match(rf"\s*{name}\s*=", line)), None
            )
        key = re.split(r"[.\[]", rest)[0]
        for number in range(headers[index] + 1, len(self.lines)):
            if self.lines[number].startswith("["):
                break
            if key and re.match(rf"\s*{key}\s*=", self.lines[number]):
                return number + 1
        return headers[index] + 1
