"""'Project passed in an earlier term', from a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from amls.core.text import clean_line
from amls.core.violations import RuleViolation
from amls.courses.matching import Participants
from amls.courses.models import Role
from projects.exports.resource import Line, ServiceResource, changes_of
from projects.exports.results import read_points
from projects.models import EarlierPass
from projects.services.assessing import enter_earlier_pass


class PassResource(ServiceResource):
    """Who passed in an earlier term: by matriculation number or e-mail address, each of which may be left out."""

    columns: ClassVar = ("term",)

    @cached_property
    def _people(self) -> Participants:
        return Participants(self.course)

    @cached_property
    def _passes(self) -> dict[int, EarlierPass]:
        return {one.enrolment_id: one for one in EarlierPass.objects.filter(enrolment__course=self.course)}

    def read(self, row: Mapping[str, str]) -> tuple[object, Line]:
        """Find the student."""
        number = clean_line(row.get("matriculation_number", "") or row.get("matriculation number", ""))
        email = clean_line(row.get("email", "") or row.get("e-mail", ""))
        name = clean_line(row.get("name", ""))
        found = self._people.find(number=number, email=email, name=name)
        if found.role != Role.STUDENT:
            raise RuleViolation(
                _("No student of this course has '%(who)s'.") % {"who": (number or email)[:80]}, code="no-student"
            )
        term = clean_line(row["term"])
        if not term:
            raise RuleViolation(_("Say in which term."), code="no-term")
        points, note = read_points(row.get("extra_points", "")), clean_line(row.get("note", ""))
        existing = self._passes.get(found.pk)
        before = {
            "term": existing.term if existing else "",
            "extra_points": f"{existing.extra_points.normalize():f}" if existing else "",
            "note": existing.note if existing else "",
        }
        after = {"term": term, "extra_points": f"{points.normalize():f}", "note": note}
        values = {"term": term, "extra_points": points, "note": note}
        line = Line(str(found.user), found, values, is_new=existing is None, changes=changes_of(before, after))
        return found.pk, line

    def write(self, line: Line) -> None:
        """Enter it."""
        enter_earlier_pass(enrolment=line.row, by=self.by, **line.values)
