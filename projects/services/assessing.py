"""Deciding on projects: drafts, overrides, publishing, who assesses what."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeAlias, TypeVar

from django.db import transaction
from django.db.models import Count, Model, Q
from django.utils.translation import gettext as _

from amls.core.attempts import the_only
from amls.core.decimals import say_decimal
from amls.core.meanwhile import changed_meanwhile, decided_meanwhile, is_overtaken
from amls.core.violations import RuleViolation
from amls.courses.eligibility import HALF_POINTS, terms_of
from amls.courses.models import Course, Enrolment, User
from amls.courses.services import finish_course_change, lock_course, touch_enrolment
from amls.desk.history import last_change
from amls.held.services import HOLD
from amls.mail.corrections import Correction, notify_corrected
from amls.mail.outbox import notify_each
from projects.models import (
    Assessment,
    EarlierPass,
    MemberAssessment,
    Membership,
    Outcome,
    Project,
    StaffNote,
)
from projects.services.locks import (
    follow_in_feeds,
    lock_every_project,
    lock_project,
    lock_projects,
    require_valid,
    save_checked,
    told_of,
)
from projects.teamrows import members_by_project

M = TypeVar("M", bound=Model)
# What members of a team read of a decision, by enrolment; under None what all read who have nothing of their own.
Readings: TypeAlias = Mapping[int | None, object]
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Override:
    """Where one member's result differs; an empty outcome or None is as the team's."""

    outcome: str = ""
    extra_points: Decimal | None = None
    reason: str = ""


def assess(
    *,
    project: Project,
    outcome: str,
    extra_points: Decimal,
    feedback: str,
    by: User,
    now: datetime,
    overrides: Mapping[int, Override] | None = None,
    seen: str | None = None,
    reason: str = "",
) -> Assessment:
    """Write the decision on a project: a draft until it is published; a published one changes at once, with a mail.

    Args:
        project: any, also a withdrawn one.
        outcome: 'passed', 'failed', or '' while undecided.
        extra_points: in halves, at most what the course gives.
        feedback: Markdown.
        by: who decides.
        now: the request's clock.
        overrides: by enrolment pk, where a member differs; None leaves them as they are.
        seen: from `version_of` the decision that the person had before them; None doesn't ask.
        reason: why, where a published decision changes; whose it is read it.

    Raises:
        RuleViolation: points that are not given, an override without a reason or of
            somebody who is not in the team, a published change without a reason, or somebody else decided meanwhile.
    """
    decision = Decision(outcome, extra_points, feedback, overrides, seen, reason)
    return the_only(assess_each(decisions={project.pk: decision}, by=by, now=now))


@dataclass(frozen=True, slots=True)
class Decision:
    """What is decided on a project; see `assess`."""

    outcome: str
    extra_points: Decimal
    feedback: str
    overrides: Mapping[int, Override] | None = None
    seen: str | None = None
    reason: str = ""


def assess_each(*, decisions: Mapping[int, Decision], by: User, now: datetime) -> dict[int, Assessment | RuleViolation]:
    """Decide on many projects, on each as `assess`: as many queries for many as for one.

    Returns:
        By project the decision, or why it is as before.

    Raises:
        Project.DoesNotExist: a project is not there any more.
    """
    with transaction.atomic():
        projects = lock_every_project(*decisions)
        locked = Assessment.objects.select_for_update(of=("self",)).filter(project__in=projects).order_by("project")
        known = {row.project_id: row for row in locked.select_related("assessed_by").prefetch_related("overrides")}
        asks = any(decision.overrides for decision in decisions.values()) or any(
            row.published_at for row in known.values()
        )
        members = _members_of_each(projects) if asks else {}
        answers: dict[int, Assessment | RuleViolation] = {}
        sheets = []
        for pk, decision in decisions.items():
            row = known.get(pk) or Assessment()
            row.project = projects[pk]
            sheet = _DecisionSheet(row, list(row.overrides.all()) if row.pk else [])
            try:
                sheet.enter(decision, members.get(pk, set()), by=by, now=now)
            except RuleViolation as violation:
                answers[pk] = violation
            else:
                answers[pk] = row
                sheets.append(sheet)
        _keep(sheets)
        tell_corrected([(sheet.row, sheet.was, sheet.readings) for sheet in sheets if sheet.is_told], now=now)
    return answers


def confirm_decision(*, project: Project, by: User, now: datetime) -> Assessment:
    """Let a decision stand that was made before what counts now was handed in: it is one on that as well. Nobody is told.

    Raises:
        RuleViolation: nothing is decided.
    """
    with transaction.atomic():
        lock_project(project.pk)
        row = Assessment.objects.select_for_update().filter(project=project).exclude(outcome="").first()
        if row is None:
            raise RuleViolation(_("There is no decision yet. Decide first."), code="undecided")
        row.assessed_by, row.assessed_at, row.made_on = by, now, None
        row.save(update_fields=["assessed_by", "assessed_at", "made_on"])
    return row


def tell_corrected(corrected: Sequence[tuple[Assessment, Readings, Readings]], *, now: datetime) -> None:
    """Tell in five minutes everybody for whom something changed of published decisions, where it has still.

    Args:
        corrected: each decision, with what its team knew of it and what it says now.
        now: the request's clock.
    """
    if not corrected:
        return
    kind, teams = "projects.result-changed", members_by_project(row.project for row, _was, _now in corrected)
    corrections = [
        Correction(
            f"{row.pk}:{person.pk}",
            reading_of(was, person.pk),
            reading_of(is_now, person.pk),
            [told_of(kind, person, f"{row.pk}:{now.timestamp()}", {"assessment": row.pk})],
        )
        for row, was, is_now in corrected
        for person in teams[row.project_id]
    ]
    notify_corrected(corrections, kind=kind, now=now, not_before=now + HOLD)


def reading_of(readings: Readings, enrolment: int) -> object:
    """Return what one member reads."""
    return readings.get(enrolment, readings.get(None))


def _members_of_each(projects: Mapping[int, Project]) -> dict[int, set[int]]:
    """Return who is or was in each team."""
    members: dict[int, set[int]] = {pk: set() for pk in projects}
    for pk, enrolment in Membership.objects.filter(project__in=projects).values_list("project", "enrolment"):
        members[pk].add(enrolment)
    return members


@dataclass(slots=True)
class _DecisionSheet:
    """A decision with what differs for members: as it is, then as it is to be."""

    row: Assessment
    standing: list[MemberAssessment]
    written: list[MemberAssessment] = field(default_factory=list)
    removed: list[MemberAssessment] = field(default_factory=list)
    was: Readings = field(default_factory=dict)
    is_told: bool = False

    def enter(self, decision: Decision, members: Collection[int], *, by: User, now: datetime) -> None:
        """Let this be decided; raises as `assess`, and the sheet is good for nothing then."""
        row, course = self.row, self.row.project.course
        if is_overtaken(decision.seen, stands=version_of(row if row.pk else None)):
            raise decided_meanwhile(row.assessed_by)
        self.was, before = self.readings, self._entered
        row.outcome, row.feedback = decision.outcome, decision.feedback
        row.extra_points = Decimal(0) if decision.outcome == Outcome.FAILED else decision.extra_points
        _require_points(course, row.extra_points)
        if row.published_at is not None and not row.outcome:
            raise RuleViolation(_("Decide whether the project is passed before you publish it."), code="invalid")
        if not row.pk:
            row.assessed_by, row.assessed_at = by, now
        require_valid(row, asks=False)
        if decision.overrides is not None:
            self._override(decision.overrides, members)
        # Who saves it as it was decides nothing anew.
        if before != self._entered:
            row.assessed_by, row.assessed_at = by, now
        self.is_told = row.published_at is not None and self.was != self.readings
        if self.is_told:
            self._correct(members, decision.reason.strip())

    def _correct(self, members: Collection[int], reason: str) -> None:
        """Keep why a published decision changed, for each member who reads something else by it.

        Who has a decision of their own reads its reason, and needs no other.

        Raises:
            RuleViolation: no reason is given.
        """
        is_now, own = self.readings, {row.enrolment_id for row in self.standing}
        corrected = {pk for pk in sorted(members) if reading_of(self.was, pk) != reading_of(is_now, pk)}
        if not reason and corrected - own:
            raise RuleViolation(
                _("This result is published: say why it changes. Whose it is read the reason."),
                code="no-reason",
                field="correction",
            )
        if reason:
            self.row.correction = reason
            self.row.add_correction(sorted(corrected), reason)
        require_valid(self.row, asks=False)

    @property
    def readings(self) -> Readings:
        """What each member on whom is decided differently reads of it, and (None) all others."""
        row = self.row
        readings: dict[int | None, object] = {None: (row.outcome, row.extra_points, row.feedback)}
        for own in self.standing:
            outcome = own.outcome or row.outcome
            points = row.extra_points if own.extra_points is None else own.extra_points
            readings[own.enrolment_id] = outcome, points if outcome == Outcome.PASSED else Decimal(0), row.feedback
        return readings

    @property
    def _entered(self) -> object:
        """What somebody entered."""
        differing = {own.enrolment_id: (own.outcome, own.extra_points, own.reason) for own in self.standing}
        return self.row.outcome, self.row.extra_points, self.row.feedback, differing

    def _override(self, overrides: Mapping[int, Override], members: Collection[int]) -> None:
        given = [pk for pk, override in overrides.items() if override.extra_points]
        rows = Enrolment.objects.filter(pk__in=given).select_related("user") if given else []
        names = {row.pk: str(row.user) for row in rows}
        wanted = {
            pk: override for pk, override in overrides.items() if override.outcome or override.extra_points is not None
        }
        for pk, override in wanted.items():
            if pk not in members:
                raise RuleViolation(_("This person is not in the team."), code="not-a-member")
            if not override.reason.strip():
                raise RuleViolation(_("Say why this member's result differs."), code="no-reason", field="overrides")
            _require_points(self.row.project.course, override.extra_points, field="overrides")
            if override.extra_points and (override.outcome or self.row.outcome) == Outcome.FAILED:
                raise RuleViolation(
                    _(
                        "%(name)s failed by this, and a failed project gives no extra points. Choose 0 extra points for "
                        "this member, or another outcome."
                    )
                    % {"name": names[pk]},
                    code="failed-has-no-points",
                    field="overrides",
                )
        existing = {row.enrolment_id: row for row in self.standing}
        self.removed = [row for pk, row in existing.items() if pk not in wanted]
        for pk, override in wanted.items():
            row = existing.get(pk) or MemberAssessment(enrolment_id=pk)
            row.outcome, row.extra_points, row.reason = override.outcome, override.extra_points, override.reason
            require_valid(row, asks=False)
            self.written.append(row)
        self.standing = self.written


def _keep(sheets: Sequence[_DecisionSheet]) -> None:
    """Keep what was decided, by batches."""
    columns = ["outcome", "extra_points", "feedback", "correction", "corrections", "assessed_by", "assessed_at"]
    new, old = _new_and_old([sheet.row for sheet in sheets])
    Assessment.objects.bulk_create(new, batch_size=_BATCH)
    Assessment.objects.bulk_update(old, columns, batch_size=_BATCH)
    removed = [row.pk for sheet in sheets for row in sheet.removed]
    if removed:
        MemberAssessment.objects.filter(pk__in=removed).delete()
    for sheet in sheets:
        for override in sheet.written:
            override.assessment = sheet.row
    made, changed = _new_and_old([override for sheet in sheets for override in sheet.written])
    MemberAssessment.objects.bulk_create(made, batch_size=_BATCH)
    MemberAssessment.objects.bulk_update(changed, ["outcome", "extra_points", "reason"], batch_size=_BATCH)


def _new_and_old(rows: Iterable[M]) -> tuple[list[M], list[M]]:
    new, old = list[M](), list[M]()
    for row in rows:
        (old if row.pk else new).append(row)
    return new, old


def version_of(assessment: Assessment | None) -> str:
    """Return what names one state of a decision, so that a newer one is not overwritten; '' for none."""
    return assessment.assessed_at.astimezone(UTC).isoformat() if assessment is not None else ""


def _require_points(course: Course, points: Decimal | None, field: str = "extra_points") -> None:
    if points and points > (most := terms_of(course).most_extra_points):
        raise RuleViolation(
            _("This course gives at most %(points)s extra points.") % {"points": say_decimal(most)},
            code="too-many-points",
            field=field,
        )
    if points is not None and points not in HALF_POINTS:
        raise RuleViolation(
            _("Extra points of this course are 0 to %(points)s, in half points.")
            % {"points": say_decimal(terms_of(course).most_extra_points)},
            code="invalid",
        )


def publish_assessments(*, projects: Iterable[Project], now: datetime) -> list[Assessment]:
    """Publish the drafts of these projects that are decided, and tell each member once.

    Those without a decision, and those that are published, stay as they are. A preview is
    the same call in a transaction that is rolled back. 6 queries for any number, more where students may ask about
    their points: that is a date of theirs.
    """
    kind = "projects.result"
    with transaction.atomic():
        locked = lock_projects(*(project.pk for project in projects))
        drafts = Assessment.objects.select_for_update().filter(project__in=locked, published_at__isnull=True)
        published = list(drafts.exclude(outcome="").order_by("project"))
        drafts.filter(pk__in=[assessment.pk for assessment in published]).update(published_at=now)
        teams = members_by_project(locked[assessment.project_id] for assessment in published)
        told = []
        for assessment in published:
            assessment.project, assessment.published_at = locked[assessment.project_id], now
            references = {"assessment": assessment.pk}
            told += [told_of(kind, person, str(assessment.pk), references) for person in teams[assessment.project_id]]
        notify_each(told, kind=kind, now=now)
        asking = [row.project_id for row in published if row.project.assignment.takes_questions]
        if asking:
            # From now on they have a date until which they may ask.
            follow_in_feeds([person for pk in asking for person in teams[pk]], now=now)
    return published


def pass_undecided(*, projects: Iterable[Project], by: User, now: datetime) -> list[Assessment]:
    """Pass, as drafts, those of these projects on which nobody has decided; points and feedback stay as they are.

    As many queries for many as for one.

    Raises:
        RuleViolation: a draft has more points than the course gives.
    """
    with transaction.atomic():
        locked = lock_projects(*(project.pk for project in projects))
        known = {row.project_id: row for row in Assessment.objects.select_for_update().filter(project__in=locked)}
        open_ones = [
            project for pk, project in locked.items() if pk not in known or known[pk].outcome not in Outcome.values
        ]
        passed = [known.get(project.pk) or Assessment(project=project) for project in open_ones]
        for row in passed:
            row.outcome, row.assessed_by, row.assessed_at = Outcome.PASSED, by, now
            _require_points(locked[row.project_id].course, row.extra_points)
        Assessment.objects.bulk_create(row for row in passed if row.project_id not in known)
        drafts = [row for row in passed if row.project_id in known]
        Assessment.objects.bulk_update(drafts, ["outcome", "assessed_by", "assessed_at"])
    return passed


def assign_assessor(*, projects: Iterable[Project], assessor: User | None, seen: str | None = None) -> int:
    """Give projects to an assessor, or to none; return how many changed: 2 queries for any number.

    Args:
        projects: which.
        assessor: who.
        seen: the key of the assessor that a page showed, '' for none; None doesn't ask.

    Raises:
        RuleViolation: somebody else changed meanwhile who assesses one (code 'changed-meanwhile').
    """
    pks, key = [project.pk for project in projects], assessor.pk if assessor else None
    with transaction.atomic():
        rows = list(Project.objects.select_for_update(no_key=True).filter(pk__in=pks).order_by("pk"))
        for row in rows:
            if row.assessor_id != key and is_overtaken(seen, stands=str(row.assessor_id or "")):
                by, said = last_change(row, "assessor") or (None, str(row.assessor or ""))
                raise changed_meanwhile(by, said, field="assessor")
        others = [row.pk for row in rows if row.assessor_id != key]
        return Project.objects.filter(pk__in=others).update(assessor=assessor)


def split_assessors(*, course: Course, assessors: Sequence[User], projects: Iterable[Project] | None = None) -> int:
    """Split the projects without an assessor and without a decision evenly; return how many were given out.

    Whoever has the fewest undecided ones gets the next; mentors of a topic don't come into it.

    Args:
        course: whose projects they are.
        assessors: at least one.
        projects: only these; by default all active ones of the course.
    """
    with transaction.atomic():
        rows = Project.objects.select_for_update(no_key=True, of=("self",)).active().of_course(course)
        if projects is not None:
            rows = rows.filter(pk__in=[project.pk for project in projects])
        undecided = Q(assessment__isnull=True) | Q(assessment__outcome="")
        load = dict.fromkeys((assessor.pk for assessor in assessors), 0)
        counted = Project.objects.active().of_course(course).filter(undecided, assessor__in=assessors)
        load |= dict(counted.values_list("assessor").annotate(count=Count("pk")))
        given = list(rows.filter(undecided, assessor__isnull=True).order_by("pk"))
        for project in given:
            pk = min(load, key=lambda assessor: load[assessor])
            project.assessor_id = pk
            load[pk] += 1
        Project.objects.bulk_update(given, ["assessor"])
    return len(given)


def note_for_staff(*, project: Project, text: str, by: User, now: datetime) -> StaffNote:
    """Keep a note on a project among the staff.

    Raises:
        RuleViolation: it is empty.
    """
    if not text.strip():
        raise RuleViolation(_("Write something first."), code="empty", field="text")
    return StaffNote.objects.create(project=project, text=text, author=by, written_at=now)


def enter_earlier_pass(
    *, enrolment: Enrolment, term: str, extra_points: Decimal = Decimal(0), note: str = "", by: User
) -> EarlierPass:
    """Enter that a student passed the project in an earlier term; a later entry replaces it.

    Raises:
        RuleViolation: no term, or points that are not given.
    """
    with transaction.atomic():
        # Which of the course's dates concern them may change with it.
        touch_enrolment(enrolment)
        row = EarlierPass.objects.select_for_update().filter(enrolment=enrolment).first()
        row = row or EarlierPass(enrolment=enrolment)
        if extra_points != row.extra_points:
            # What was entered before the course gave less stays, and counts up to what it gives.
            _require_points(enrolment.course, extra_points)
        row.term, row.extra_points, row.note, row.entered_by = term, extra_points, note, by
        save_checked(row)
    return row


def save_earlier_pass(earlier: EarlierPass, *, by: User, now: datetime) -> None:
    """Keep what the desk says of an earlier pass, new or changed, as `enter_earlier_pass` does.

    Raises:
        RuleViolation: no term, or points that are not given.
    """
    with transaction.atomic():
        course = lock_course(earlier.enrolment.course_id)
        values = {"term": earlier.term, "extra_points": earlier.extra_points, "note": earlier.note}
        earlier.pk = enter_earlier_pass(enrolment=earlier.enrolment, by=by, **values).pk
        finish_course_change(course, now=now)


def delete_earlier_pass(earlier: EarlierPass, *, by: User, now: datetime) -> None:
    """Take back what was entered by mistake."""
    with transaction.atomic():
        course = lock_course(earlier.enrolment.course_id)
        remove_earlier_pass(enrolment=earlier.enrolment)
        finish_course_change(course, now=now)


def remove_earlier_pass(*, enrolment: Enrolment) -> None:
    """Take away that a student passed the project in an earlier term."""
    EarlierPass.objects.filter(enrolment=enrolment).delete()
