"""'Project passed in an earlier term', from a table."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amls.core.text import clean_line
from amls.core.violations import RuleViolation
from amls.courses.matching import Participants
from amls.courses.models import Role, User
from amls.files.models import ImportedRow
from amls.files.tables.imports import need_unchanged, takes_back
from amls.files.tables.meanings import EMAIL, NAMES, NUMBER, Meaning
from amls.files.tables.people import who_in
from amls.files.tables.plan import changes_of
from projects.exports.resource import ImportRow, ServiceResource, StoredRow
from projects.exports.results import EXTRA_POINTS, read_points
from projects.models import EarlierPass
from projects.services.assessing import enter_earlier_pass, remove_earlier_pass

KIND = "projects.passes"


class PassResource(ServiceResource):
    """Who passed in an earlier term: by matriculation number or e-mail address, each of which may be left out."""

    kind = KIND
    meanings: ClassVar = (
        NUMBER,
        EMAIL,
        *NAMES,
        Meaning("term", gettext_lazy("term"), ("semester", "in term", "im semester")),
        EXTRA_POINTS,
        Meaning("note", gettext_lazy("note"), ("notiz", "bemerkung", "anmerkung", "remark")),
    )
    needs: ClassVar = (["term"], ["matriculation_number", "email"])

    @cached_property
    def _people(self) -> Participants:
        return Participants(self.course)

    @cached_property
    def _passes(self) -> dict[int, EarlierPass]:
        return {earlier.enrolment_id: earlier for earlier in EarlierPass.objects.filter(enrolment__course=self.course)}

    def read(self, row: Mapping[str, str]) -> tuple[object, ImportRow]:
        """Find the student."""
        enrolment = self._people.find_in(row)
        if enrolment.role != Role.STUDENT:
            raise RuleViolation(_("No student of this course has '%(who)s'.") % {"who": who_in(row)}, code="no-student")
        term = clean_line(row["term"])
        if not term:
            raise RuleViolation(_("Say in which term."), code="no-term")
        points, note = read_points(row.get("extra_points", "")), clean_line(row.get("note", ""))
        existing = self._passes.get(enrolment.pk)
        before = {
            "term": existing.term if existing else "",
            "extra_points": f"{existing.extra_points.normalize():f}" if existing else "",
            "note": existing.note if existing else "",
        }
        after = {"term": term, "extra_points": f"{points.normalize():f}", "note": note}
        values = {"term": term, "extra_points": points, "note": note}
        line = ImportRow(
            str(enrolment.user), enrolment, values, is_new=existing is None, changes=changes_of(before, after)
        )
        return enrolment.pk, line

    def write(self, line: ImportRow) -> None:
        """Enter it."""
        enter_earlier_pass(enrolment=line.row, by=self.by, **line.values)

    def standing(self, line: ImportRow) -> StoredRow | None:
        """Return the pass as it stands."""
        earlier = EarlierPass.objects.filter(enrolment=line.row).first()
        return StoredRow(line.row.pk, _values(earlier) if earlier is not None else None, line.row.user_id)


def _values(earlier: EarlierPass) -> dict[str, str]:
    return {"term": earlier.term, "extra_points": f"{earlier.extra_points.normalize():f}", "note": earlier.note}


@takes_back(KIND, gettext_lazy("Passed in an earlier term"))
def take_back(row: ImportedRow, by: User, now: datetime) -> None:
    """Enter what was known of a student's earlier pass before an import, or take it away again.

    Raises:
        RuleViolation: somebody changed it since.
    """
    earlier = EarlierPass.objects.select_related("enrolment").filter(enrolment=row.object_id).first()
    need_unchanged(row, _values(earlier) if earlier is not None else None)
    assert earlier is not None  # noqa: S101 - looked at above
    if row.before is None:
        remove_earlier_pass(enrolment=earlier.enrolment)
        return
    points = Decimal(row.before["extra_points"])
    enter_earlier_pass(
        enrolment=earlier.enrolment, term=row.before["term"], extra_points=points, note=row.before["note"], by=by
    )
