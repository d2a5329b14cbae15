"""The exams of a course file: rules, dates and rooms."""

from dataclasses import fields
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from amls.core.violations import RuleViolation
from amls.grading.extra import ExtraRule, ExtraStep, check_rule, dump_extra
from amls.portal.takeover.rows import KnownBy, Leaving, RowImport, Wanted, known_by
from amls.portal.takeover.spec import ExamRulesSpec, ExamSpec
from exams.models import Exam, ExamRules, Registration, Room
from exams.services.cancelling import cancel_exam
from exams.services.gradetable import check_max_points
from exams.services.seatcount import promote_waiting
from exams.services.seating import follow_rooms
from exams.services.seatnews import seats_of

_EXAM_FIELDS = (
    "kind", "title", "duration_minutes", "place", "examiners", "capacity", "closes_hours_before", "review_minutes", "review_place", "max_points",
)  # fmt: skip
_GRADING_FIELDS = ("exam_percent", "project_is_prerequisite", "max_extra_points")
_EXAM_TIMES = ("starts_at", "opens_at", "closes_at", "withdraw_until", "review_at")


class ExamImport(RowImport):
    """What an import says of exams."""

    def exam_rules(self) -> None:
        """Let the course's exam rules be those of the file: its tables `exam_rules` and `grading`."""
        existing = ExamRules.objects.filter(course=self.course)
        spec, grading = self.spec.exam_rules, self.spec.grading
        values = {name: getattr(grading, name) for name in _GRADING_FIELDS}
        if self.spec.is_complete:
            said = {item.name: getattr(spec, item.name) for item in fields(spec)}
            steps = said.pop("extra_points")
            rule = ExtraRule(
                tuple(ExtraStep(step.percent, step.points) for step in steps), said.pop("extra_points_leave_out")
            )
            values |= said | {"extra_points_rule": dump_extra(rule)}
            try:
                check_rule(rule)
            except RuleViolation as violation:
                self.problems.append(_("Extra points: %(why)s") % {"why": violation.message})
                return
            says_nothing = spec == ExamRulesSpec() and not any(getattr(grading, name) for name in _GRADING_FIELDS)
        else:
            values = {name: value for name, value in values.items() if value}
            says_nothing = not values
        if says_nothing and not (self.spec.is_complete and existing.exists()):
            return
        self.sync(existing, [Wanted(_("Exam rules"), values)], known_by(lambda _get: 0))

    def exams(self) -> None:
        """Let the dates be those of the file; a moved exam keeps its row, and one with registrations stays."""
        wanted = []
        # Like every write to an exam under its lock: nobody's sign-up is lost to what was read before.
        list(Exam.objects.select_for_update(no_key=True).filter(course=self.course).order_by("pk"))
        for exam in self.spec.exams:
            label = _("Exam %(day)s") % {"day": f"{exam.starts_at:%Y-%m-%d}"}
            values = {name: self.instant(getattr(exam, name), label) for name in _EXAM_TIMES}
            values |= {name: getattr(exam, name) for name in _EXAM_FIELDS}
            if exam.closes_hours_before is not None and values["starts_at"] is not None:
                values["closes_at"] = values["starts_at"] - timedelta(hours=exam.closes_hours_before)
            ends_at = exam.starts_at + timedelta(minutes=exam.duration_minutes)
            wanted.append(Wanted(label, values, self.when(exam.starts_at, ends_at, exam.place)))
        # A moved exam keeps its row: what is not found by its start is matched in order.
        starts = {wish.values["starts_at"] for wish in wanted}
        rows = list(Exam.objects.filter(course=self.course).order_by("starts_at", "pk"))
        free = iter([row for row in rows if row.starts_at not in starts])
        known = {row.starts_at for row in rows}
        keys = {
            id(wish): (wish.values["starts_at"] if wish.values["starts_at"] in known else next(free, wish))
            for wish in wanted
        }
        moved = {row.pk: key for key in keys.values() if isinstance(key, Exam) for row in [key]}
        saved = self.sync(
            Exam.objects.filter(course=self.course).order_by("starts_at", "pk"),
            wanted,
            KnownBy(
                row=lambda row: moved[row.pk].pk if row.pk in moved else row.starts_at,
                wish=lambda wish: key.pk if isinstance(key := keys[id(wish)], Exam) else wish.values["starts_at"],
            ),
            page_keeps={*_EXAM_FIELDS, *_EXAM_TIMES} - {"kind", "starts_at"},
            leaving=Leaving(may_not=_has_no_registrations),
            takes=self._with_room,
        )
        if self.spec.is_complete and len(saved) == len(self.spec.exams):
            for row, exam in zip(saved, self.spec.exams, strict=True):
                if row.pk is not None:
                    self._cancelled(row, exam)
                    knew = seats_of(row)
                    self._rooms(row, exam)
                    promote_waiting(exam_pk=row.pk, now=self.now)
                    followed = follow_rooms(exam_pk=row.pk, knew=knew, now=self.now)
                    for change in followed.told if followed is not None else ():
                        no_seat, person = _("no seat"), change.registration.enrolment.user
                        was, is_now = str(change.was or no_seat), str(change.is_now or no_seat)
                        self.diff.listed(str(person), "seat", _("seat"), was, is_now)

    def _with_room(self, row: Exam, values: dict[str, Any]) -> dict[str, Any]:
        """Note where results, tasks or the grade table of an exam have no room for the points that it is to have."""
        try:
            check_max_points(row, values.get("max_points", row.max_points))
        except RuleViolation as violation:
            label = _("Exam %(day)s") % {"day": f"{row.starts_at.astimezone(self.course.zone):%Y-%m-%d}"}
            self.problems.append(f"{label}: {violation.message}")
        return values

    def _cancelled(self, row: Exam, spec: ExamSpec) -> None:
        """Cancel a date that the file says is cancelled. One that is cancelled here stays so until somebody holds it after all."""
        label = _("Exam %(day)s") % {"day": f"{spec.starts_at:%Y-%m-%d}"}
        if not spec.cancelled:
            if row.is_cancelled:
                why = _(
                    "%(what)s is cancelled here, and the file doesn't say so. If it is held after all, say so on its page."
                )
                self.diff.warnings.append(why % {"what": label})
            return
        if row.is_cancelled:
            self.update(row, Wanted(label, {"cancelled_because": spec.cancelled}))
            return
        because = Exam._meta.get_field("cancelled_because")  # noqa: SLF001 - Django's public name for it
        try:
            people = cancel_exam(exam_pk=row.pk, reason=because.clean(spec.cancelled, row), now=self.now)
        except ValidationError as error:
            self.problems.extend(f"{label}, cancelled: {message}" for message in error.messages)
        except RuleViolation as violation:
            self.problems.append(f"{label}: {violation.message}")
        else:
            self.diff.changed(label, because, "", spec.cancelled)
            if people:
                told = ngettext(
                    "%(what)s is cancelled: %(count)d person who is in it is told in five minutes.",
                    "%(what)s is cancelled: %(count)d people who are in it are told in five minutes.",
                    len(people),
                )
                self.diff.warnings.append(told % {"what": label, "count": len(people)})

    def _rooms(self, exam: Exam, spec: ExamSpec) -> None:
        self.sync(
            Room.objects.filter(exam=exam),
            [
                Wanted(
                    _("Room %(name)s") % {"name": room.name},
                    {
                        "name": room.name,
                        "rows": room.rows,
                        "seats_per_row": room.seats_per_row,
                        "spacing": room.spacing,
                        "is_separate": room.for_accommodations,
                        "position": position,
                    },
                )
                for position, room in enumerate(spec.rooms)
            ],
            known_by(lambda get: get("name")),
            parent={"exam": exam},
        )


def _has_no_registrations(exam: Exam) -> str:
    if Registration.objects.filter(exam=exam).exists():
        why_not = _("Exam %(day)s is no longer in the file but has registrations, which have to be kept.")
        return why_not % {"day": f"{exam.starts_at:%Y-%m-%d}"}
    return ""
