"""Topics as a table, out and in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, ClassVar

from django.http import HttpResponse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from import_export.fields import Field

from amls.core.text import clean_line, clean_text
from amls.core.violations import RuleViolation
from amls.courses.models import StaffMember, User
from amls.files.models import ImportedRow
from amls.files.tables.imports import need_unchanged, takes_back
from amls.files.tables.meanings import Meaning
from amls.files.tables.plan import changes_of
from amls.files.tables.values import read_number, read_yes_no
from amls.files.tables.writing import table_response
from projects.exports.resource import ImportRow, ServiceResource, StoredRow
from projects.models import Assignment, Topic
from projects.services.topics import delete_topic, save_topic

_NUMBERS = ("team_min", "team_max", "slots", "position")
KIND = "projects.topics"


class TopicResource(ServiceResource):
    """The staff's topics of a course, matched by track and title; a column that is left out stays as it is."""

    kind = KIND
    meanings: ClassVar = (
        Meaning("track", gettext_lazy("track"), ("spur", "bereich", "schwerpunkt", "themenbereich")),
        Meaning("title", gettext_lazy("title"), ("titel", "thema", "topic")),
        Meaning("description", gettext_lazy("description"), ("beschreibung",)),
        Meaning("mentor", gettext_lazy("mentor"), ("betreuer", "betreuerin", "betreuer/in", "betreuung", "supervisor")),
        Meaning("skills", gettext_lazy("skills"), ("kenntnisse", "vorkenntnisse")),
        Meaning("links", gettext_lazy("links"), ("link",)),
        Meaning("team_min", gettext_lazy("smallest team"), ("min team size", "team min", "mindestens", "mindestgröße")),
        Meaning("team_max", gettext_lazy("largest team"), ("max team size", "team max", "höchstens", "höchstgröße")),
        Meaning("slots", gettext_lazy("slots"), ("plätze", "anzahl teams")),
        Meaning("taken", gettext_lazy("taken"), ("vergeben", "belegt"), is_read=False),
        Meaning("open", gettext_lazy("open"), ("is_open", "offen", "ist offen", "frei")),
        Meaning("position", gettext_lazy("position"), ("reihenfolge",)),
    )
    needs: ClassVar = (["track"], ["title"])

    track = Field(column_name="track", attribute="track")
    title = Field(column_name="title", attribute="title")
    description = Field(column_name="description", attribute="description")
    mentor = Field(column_name="mentor")
    skills = Field(column_name="skills")
    links = Field(column_name="links")
    team_min = Field(column_name="team_min")
    team_max = Field(column_name="team_max")
    slots = Field(column_name="slots")
    taken = Field(column_name="taken")
    is_open = Field(column_name="open")
    position = Field(column_name="position")

    def export_field(self, field: Field, instance: Topic, **kwargs: Any) -> object:
        """Return a cell."""
        name = field.column_name
        if name in (*_NUMBERS, "taken"):
            return getattr(instance, name)
        return _words(instance)[name]

    @cached_property
    def _mentors(self) -> dict[str, StaffMember]:
        return {mentor.name.lower(): mentor for mentor in StaffMember.objects.filter(course=self.course)}

    @cached_property
    def _topics(self) -> dict[tuple[str, str], Topic]:
        rows = Topic.objects.filter(assignment=self._main).select_related("mentor")
        return {(row.track, row.title): row for row in rows}

    @cached_property
    def _main(self) -> Assignment:
        """The course's project, to which new topics belong."""
        main = Assignment.objects.main_of(self.course)
        if main is None:
            raise RuleViolation(_("This course has no projects."), code="no-projects")
        return main

    def read(self, row: Mapping[str, str]) -> tuple[object, ImportRow]:
        """Find the topic and what becomes of it."""
        key = clean_line(row["track"]), clean_line(row["title"])
        if not all(key):
            raise RuleViolation(_("A topic needs a track and a title."), code="no-title")
        topic = self._topics.get(key)
        if topic is not None and topic.proposal:
            raise RuleViolation(_("This is a student's own idea. Decide on it at the desk."), code="own-idea")
        values = self._values(row)
        before = _words(topic) if topic else {}
        after = _words(Topic(track=key[0], title=key[1], **values))
        shown = {name: after[name] for name in after if topic is None or _ATTRIBUTES[name] in values}
        if topic is None:
            shown = {name: text for name, text in shown.items() if text}
        line = ImportRow(f"{key[0]}: {key[1]}", topic, values, is_new=topic is None, changes=changes_of(before, shown))
        line.values |= {"track": key[0], "title": key[1]}
        return key, line

    def _values(self, row: Mapping[str, str]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name in _NUMBERS:
            if row.get(name, "").strip():
                values[name] = _number(name, row[name].strip())
        if "description" in row:
            values["description"] = clean_text(row["description"])
        for name in ("skills", "links"):
            if name in row:
                values[name] = [clean_line(entry) for entry in row[name].split(";") if entry.strip()]
        if row.get("open", "").strip():
            values["is_open"] = read_yes_no(row["open"])
        if "mentor" in row:
            values["mentor"] = self._mentor(clean_line(row["mentor"]))
        return values

    def _mentor(self, name: str) -> StaffMember | None:
        if name and name.lower() not in self._mentors:
            raise RuleViolation(
                _("'%(name)s' is not among the course's staff.") % {"name": name[:80]}, code="no-mentor"
            )
        return self._mentors.get(name.lower())

    def standing(self, line: ImportRow) -> StoredRow | None:
        """Return the topic as it stands."""
        rows = Topic.objects.filter(assignment=self._main, track=line.values["track"])
        topic = rows.filter(title=line.values["title"]).first()
        return StoredRow(topic.pk, _stored(topic)) if topic is not None else None

    def write(self, line: ImportRow) -> None:
        """Save the topic."""
        values = dict(line.values)
        save_topic(
            assignment=self._main, track=values.pop("track"), title=values.pop("title"), values=values, now=self.now
        )


# Columns by what they are called in the table, with the model's field.
_ATTRIBUTES = {
    "track": "track", "title": "title", "description": "description", "mentor": "mentor", "skills": "skills", "links": "links",
    "team_min": "team_min", "team_max": "team_max", "slots": "slots", "open": "is_open", "position": "position",
}  # fmt: skip


_STORED = (*(name for name in _ATTRIBUTES.values() if name != "mentor"), "mentor_id")


def _words(topic: Topic) -> dict[str, str]:
    return {
        "track": topic.track,
        "title": topic.title,
        "description": topic.description,
        "mentor": topic.mentor.name if topic.mentor else "",
        "skills": "; ".join(topic.skills),
        "links": "; ".join(topic.links),
        "open": "yes" if topic.is_open else "no",
        **{name: str(getattr(topic, name)) for name in _NUMBERS},
    }


def _number(name: str, text: str) -> int:
    number = read_number(text)
    if number != int(number) or not 0 <= number <= 32767:
        raise RuleViolation(
            _("'%(text)s' is no number for %(name)s.") % {"text": text[:40], "name": name}, code="no-number"
        )
    return int(number)


def _stored(topic: Topic) -> dict[str, Any]:
    """Return the values that an import may change, as they can be kept."""
    return {name: getattr(topic, name) for name in _STORED}


@takes_back(KIND, gettext_lazy("Topics"))
def take_back(row: ImportedRow, by: User, now: datetime) -> None:
    """Give a topic the values that it had before an import, or delete it again.

    Raises:
        RuleViolation: somebody changed it since, a team has it, or the old values don't fit any more.
    """
    topic = Topic.objects.select_related("course", "assignment").filter(pk=row.object_id).first()
    need_unchanged(row, _stored(topic) if topic is not None else None)
    assert topic is not None  # noqa: S101 - looked at above
    if row.before is None:
        delete_topic(topic, now=now)
    else:
        save_topic(assignment=topic.assignment, track=topic.track, title=topic.title, values=row.before, now=now)


def topics_response(topics: Iterable[Topic], *, kind: str, now: datetime) -> HttpResponse:
    """Return topics as a table: 'csv' or 'xlsx'."""
    data = TopicResource().export(list(topics))
    name = f"topics-{timezone.localdate(now)}"
    return table_response(list(data.headers), list(data), filename=name, kind=kind)
