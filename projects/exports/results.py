"""Decisions as a table, and corrections of them back in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from django.http import HttpResponse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from import_export.fields import Field

from amls.core.keys import primary_key
from amls.core.text import clean_line, clean_text
from amls.core.violations import RuleViolation
from amls.courses.matching import Participants
from amls.courses.models import User
from amls.files.models import ImportedRow
from amls.files.tables.imports import need_unchanged, takes_back, why_taken_back
from amls.files.tables.meanings import EMAIL, NAMES, NUMBER, Meaning
from amls.files.tables.people import who_in
from amls.files.tables.plan import changes_of
from amls.files.tables.values import read_number, says_nothing
from amls.files.tables.writing import table_response
from projects.exports.resource import ImportRow, ServiceResource, StoredRow
from projects.models import Assessment, Assignment, Membership, Outcome, Project
from projects.points import score_of
from projects.progress import differing_members, names_of, state_of
from projects.queries import TeamView
from projects.services.assessing import assess, version_of
from projects.services.pointtable import say_exactly

_OUTCOMES = {
    "": "", "passed": Outcome.PASSED, "failed": Outcome.FAILED, "bestanden": Outcome.PASSED, "nicht bestanden": Outcome.FAILED,
    "pass": Outcome.PASSED, "fail": Outcome.FAILED, "be": Outcome.PASSED, "nb": Outcome.FAILED, "durchgefallen": Outcome.FAILED,
}  # fmt: skip
KIND = "projects.results"
EXTRA_POINTS = Meaning(
    "extra_points",
    gettext_lazy("extra points"),
    ("bonus", "bonus points", "bonuspunkte", "zusatzpunkte", "punkte", "points"),
)


def read_points(text: str) -> Decimal:
    """Return extra points as typed: '3.5' or '3,5'; nothing is 0.

    Raises:
        RuleViolation: no number.
    """
    return Decimal(0) if says_nothing(text) else read_number(text)


class ResultResource(ServiceResource):
    """The decisions on projects. `version` says which state of a decision a row corrects: newer ones are kept."""

    kind = KIND
    meanings: ClassVar = (
        Meaning("project", gettext_lazy("project"), ("projekt", "project number", "projektnummer", "#")),
        Meaning("topic", gettext_lazy("topic"), ("thema",), is_read=False),
        Meaning("team", gettext_lazy("team"), ("mitglieder", "members"), is_read=False),
        Meaning("state", gettext_lazy("state"), ("stand", "status"), is_read=False),
        Meaning("outcome", gettext_lazy("outcome"), ("ergebnis", "result", "entscheidung", "decision")),
        EXTRA_POINTS,
        Meaning("task_points", gettext_lazy("points by task, sum"), is_read=False),
        Meaning("deducted", gettext_lazy("deducted for being late"), is_read=False),
        Meaning("differing_members", gettext_lazy("members who differ"), is_read=False),
        Meaning("feedback", gettext_lazy("feedback"), ("rückmeldung", "kommentar", "comment")),
        Meaning("reason", gettext_lazy("reason of the correction"), ("grund", "begründung")),
        Meaning("version", gettext_lazy("version")),
        NUMBER,
        EMAIL,
        *NAMES,
    )
    needs: ClassVar = (["project"], ["outcome"], ["extra_points"], ["version"])

    project = Field(column_name="project")
    topic = Field(column_name="topic")
    team = Field(column_name="team")
    state = Field(column_name="state")
    outcome = Field(column_name="outcome")
    extra_points = Field(column_name="extra_points")
    task_points = Field(column_name="task_points")
    deducted = Field(column_name="deducted")
    differing_members = Field(column_name="differing_members")
    feedback = Field(column_name="feedback")
    reason = Field(column_name="reason")
    version = Field(column_name="version")

    def dehydrate_project(self, view: TeamView) -> int:
        """Return the project's number."""
        return view.project.pk

    def dehydrate_topic(self, view: TeamView) -> str:
        """Return the topic's title."""
        return str(view.project.title)

    def dehydrate_team(self, view: TeamView) -> str:
        """Return the members' names."""
        return ", ".join(names_of(view))

    def dehydrate_state(self, view: TeamView) -> str:
        """Return how far it is."""
        return state_of(view).value

    def dehydrate_outcome(self, view: TeamView) -> str:
        """Return 'passed', 'failed' or nothing."""
        return view.assessment.outcome if view.assessment else ""

    def dehydrate_extra_points(self, view: TeamView) -> Decimal | str:
        """Return the team's extra points; an assignment that gives points gives none of these."""
        if view.assessment is None or (_gives_points(view) and not view.assessment.extra_points):
            return ""
        points: Decimal = view.assessment.extra_points
        return points

    def dehydrate_task_points(self, view: TeamView) -> Decimal | str:
        """Return the sum of the team's points for the tasks that count, where it has any."""
        if view.assessment is None or not _gives_points(view):
            return ""
        score = score_of(view.assessment, view.project.assignment)
        return score.points if any(task.points is not None for task in score.tasks) else ""

    def dehydrate_deducted(self, view: TeamView) -> Decimal | str:
        """Return what of the team's points is deducted for being late: the sum is without it."""
        if view.assessment is None or not view.assessment.late_percent:
            return ""
        return score_of(view.assessment, view.project.assignment).deducted

    def dehydrate_differing_members(self, view: TeamView) -> str:
        """Return who has another result than the team, and which."""
        return "; ".join(
            f"{member.user}: {outcome.value}, {say_exactly(points)}"
            for member, (outcome, points) in differing_members(view).items()
        )

    def dehydrate_feedback(self, view: TeamView) -> str:
        """Return the feedback's Markdown."""
        return view.assessment.feedback if view.assessment else ""

    def dehydrate_reason(self, view: TeamView) -> str:
        """Return nothing: why a published result changes is for whoever corrects the table to say."""
        return ""

    def dehydrate_version(self, view: TeamView) -> str:
        """Return which state of the decision this is."""
        return version_of(view.assessment)

    @cached_property
    def _projects(self) -> dict[int, Project]:
        rows = Project.objects.of_course(self.course).select_related(
            "topic", "assignment__course", "assessment__assessed_by"
        )
        return {row.pk: row for row in rows}

    @cached_property
    def _people(self) -> Participants:
        return Participants(self.course)

    @cached_property
    def _members(self) -> dict[int, set[int]]:
        members: dict[int, set[int]] = {}
        rows = Membership.objects.active().filter(project__assignment__course=self.course)
        for project, enrolment in rows.values_list("project", "enrolment"):
            members.setdefault(project, set()).add(enrolment)
        return members

    def _need_member(self, row: Mapping[str, str], project: Project) -> None:
        """Refuse a line that names somebody who is not in the project's team, such as after one column was sorted alone."""
        if not who_in(row):
            return
        person = self._people.find_in(row)
        if person.pk not in self._members.get(project.pk, ()):
            raise RuleViolation(
                _("%(person)s is not in the team of project %(number)s.")
                % {"person": person.user, "number": project.pk},
                code="not-a-member",
            )

    def read(self, row: Mapping[str, str]) -> tuple[object, ImportRow]:
        """Find the project and what is to be corrected; whom the line names besides must be in its team."""
        number = row["project"].strip().removeprefix("#")
        project = self._projects.get(primary_key(number))
        if project is None:
            raise RuleViolation(
                _("There is no project '%(number)s' in this course.") % {"number": row["project"][:40]},
                code="no-project",
            )
        self._need_member(row, project)
        assessment = getattr(project, "assessment", None)
        outcome = _OUTCOMES.get(" ".join(row["outcome"].split()).casefold())
        if outcome is None:
            raise RuleViolation(
                _("'%(text)s' is no outcome. Write 'passed', 'failed' or nothing.") % {"text": row["outcome"][:40]},
                code="no-outcome",
            )
        points = read_points(row["extra_points"])
        kept = assessment.feedback if assessment else ""
        feedback = clean_text(row["feedback"]) if "feedback" in row else kept
        before = {
            "outcome": assessment.outcome if assessment else "",
            "extra_points": f"{assessment.extra_points if assessment else 0:g}",
            "feedback": kept,
        }
        after = {"outcome": str(outcome), "extra_points": f"{points.normalize():f}", "feedback": feedback}
        before["extra_points"] = f"{Decimal(before['extra_points']).normalize():f}"
        values = {
            "outcome": str(outcome),
            "extra_points": points,
            "feedback": feedback,
            "seen": row["version"].strip(),
            "reason": clean_line(row.get("reason", ""))[:300],
        }
        return project.pk, ImportRow(str(project), project, values, changes=changes_of(before, after))

    def said(self, name: str, text: str) -> str:
        """Return outcomes in words."""
        return str(Outcome(text).label) if name == "outcome" and text else text

    def write(self, line: ImportRow) -> None:
        """Decide, unless somebody else did meanwhile."""
        assess(project=line.row, by=self.by, now=self.now, **line.values)

    def standing(self, line: ImportRow) -> StoredRow | None:
        """Return the decision as it stands."""
        assessment = Assessment.objects.filter(project=line.row).first()
        return StoredRow(line.row.pk, _values(assessment) if assessment is not None else None)


def _gives_points(view: TeamView) -> bool:
    return view.project.assignment.grading == Assignment.Grading.POINTS


def _values(assessment: Assessment) -> dict[str, object]:
    return {
        "outcome": str(assessment.outcome),
        "extra_points": f"{assessment.extra_points.normalize():f}",
        "feedback": assessment.feedback,
        "is_published": assessment.published_at is not None,
    }


@takes_back(KIND, gettext_lazy("Results of projects"))
def take_back(row: ImportedRow, by: User, now: datetime) -> None:
    """Decide as it was decided before an import, or not at all; who has a published result is told.

    Raises:
        RuleViolation: somebody changed or published it since.
    """
    assessment = Assessment.objects.select_related("project").filter(project=row.object_id).first()
    need_unchanged(row, _values(assessment) if assessment is not None else None)
    assert assessment is not None  # noqa: S101 - looked at above
    before = row.before or {"outcome": "", "extra_points": "0", "feedback": ""}
    assess(
        project=assessment.project, outcome=before["outcome"], extra_points=Decimal(before["extra_points"]),
        feedback=before["feedback"], by=by, now=now, seen=version_of(assessment), reason=why_taken_back(row),
    )  # fmt: skip


def results_response(views: Iterable[TeamView], *, kind: str, now: datetime) -> HttpResponse:
    """Return decisions as a table: 'csv' or 'xlsx'."""
    data = ResultResource().export(list(views))
    name = f"results-{timezone.localdate(now)}"
    return table_response(list(data.headers), list(data), filename=name, kind=kind)
