"""What staff fill in at the desk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from amls.core.clock import from_wall_clock
from amls.core.decimals import say_decimal
from amls.core.violations import RuleViolation
from amls.courses.eligibility import HALF_POINTS, terms_of
from amls.courses.models import Course, Enrolment, User
from amls.desk.zones import are_in_several_zones, with_zone
from amls.files.tables.forms import TableForm
from projects.forms.choices import PersonField, TeamField
from projects.models import Assessment, Assignment, MemberAssessment, Outcome, Project, Topic
from projects.progress import label_of, with_names
from projects.queries import TeamView
from projects.services.assessing import Override, version_of

UNDECIDED = [("", _("Not decided")), *Outcome.choices]
AS_TEAM = ("", _("As the team"))


def staff_of(courses: Iterable[Course]) -> dict[int, User]:
    """Return who teaches in these courses and can sign in, by pk."""
    rows = Enrolment.objects.staff().reachable().filter(course__in=list(courses)).select_related("user")
    return {row.user_id: row.user for row in rows}


def assessors_for(project: Project) -> dict[int, User]:
    """Return who may assess a project, by pk: the staff, and who does already, whatever became of them."""
    people = staff_of([project.course])
    if project.assessor_id not in people and (assessor := project.assessor) is not None:
        people[assessor.pk] = assessor
    return people


class ZonedForm(forms.Form):
    """A form whose times are typed as the course's clock shows them.

    Attributes:
        zone: of the course.
        chooses_zone: whether it is that of the course which the form chooses among several of several zones.
        zone_name: how what helps with its fields names the zone.
    """

    def __init__(self, *args: Any, zone: ZoneInfo, courses: Sequence[Course] = (), **kwargs: Any) -> None:
        self.zone = zone
        self.chooses_zone = are_in_several_zones(courses)
        self.zone_name = gettext("the zone of the course that you choose") if self.chooses_zone else zone.key
        super().__init__(*args, **kwargs)
        offered = self.fields.get("course")
        if isinstance(offered, forms.ModelChoiceField):
            offered.queryset = Course.objects.filter(pk__in=[course.pk for course in courses])
            if self.chooses_zone:
                offered.label_from_instance = with_zone  # type: ignore[assignment, method-assign]

    def instant(self, value: datetime | None) -> datetime | None:
        """Return the moment that was typed.

        Raises:
            ValidationError: the clock skips it.
        """
        if value is None:
            return None
        try:
            return from_wall_clock(value.replace(tzinfo=None), self.zone)
        except RuleViolation as violation:
            raise ValidationError(str(violation.message)) from violation


class MoreTimeForm(ZonedForm):
    """More time: until a moment, or by so much, with a reason."""

    until = forms.DateTimeField(
        label=_("Until"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    days = forms.IntegerField(label=_("Or by days"), required=False, min_value=0, max_value=365)
    hours = forms.IntegerField(label=_("and hours"), required=False, min_value=0, max_value=1000)
    reason = forms.CharField(
        label=_("Reason"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Seen by the staff only."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["until"].help_text = gettext(
            "In %(zone)s. It stays when the deadline moves; days and hours move with it."
        ) % {"zone": self.zone_name}

    def clean_until(self) -> datetime | None:
        """Take the time as the course's clock shows it."""
        return self.instant(self.cleaned_data["until"])

    def clean(self) -> dict[str, Any]:
        """Ask for one of the two."""
        data = super().clean() or {}
        delta = timedelta(days=data.get("days") or 0, hours=data.get("hours") or 0)
        if "until" not in self.errors and bool(data.get("until")) == bool(delta):
            raise ValidationError(_("Give either a time or by how much it is later."))
        data["delta"] = delta or None
        return data

    def given(self) -> dict[str, Any]:
        """Return what the services take."""
        data = self.cleaned_data
        return {"due_at": data["until"], "delta": data["delta"]}


def _several(courses: Sequence[int]) -> list[Assignment]:
    """Return the assignments of courses that have more than one: 1 query."""
    rows = list(
        Assignment.objects.filter(course__in=courses).select_related("course").order_by("course", "due_at", "pk")
    )
    counted = Counter(row.course_id for row in rows)
    return [row for row in rows if counted[row.course_id] > 1]


# The choice of all assignments.
ALL = "all"


class ForWhomForm(MoreTimeForm):
    """More time for everyone, a team or a person."""

    field_order = ["course", "assignment", "project", "enrolment", "until", "days", "hours", "reason"]

    course = forms.ModelChoiceField(Course.objects.none(), label=_("Course"))
    assignment = forms.ChoiceField(
        label=_("Assignment"), required=False, help_text=_("A team's extension is for what it works on.")
    )
    project = TeamField(Project.objects.none(), label=_("Team"), required=False, empty_label=_("–"))
    enrolment = PersonField(
        Enrolment.objects.none(),
        label=_("Person"),
        required=False,
        empty_label=_("–"),
        help_text=_("Also the person's team. With neither team nor person it is for everyone in the course."),
    )

    def __init__(self, *args: Any, courses: Sequence[Course], **kwargs: Any) -> None:
        super().__init__(*args, courses=courses, **kwargs)
        pks = [course.pk for course in courses]
        self.assignments = {str(row.pk): row for row in _several(pks)}
        choices = [("", _("The course's project")), (ALL, _("All that are not due yet"))]
        named = [(pk, f"{row} · {row.course.slug}") for pk, row in self.assignments.items()]
        self.fields["assignment"].choices = [*choices, *named]  # type: ignore[attr-defined]
        if not named:
            del self.fields["assignment"]
        projects = with_names(Project.objects.active().filter(assignment__course__in=pks))
        self.fields["project"].queryset = projects  # type: ignore[attr-defined]
        people = Enrolment.objects.students().present().filter(course__in=pks).select_related("user", "course")
        self.fields["enrolment"].queryset = people.order_by("user__sort_name", "pk")  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Keep team and person apart, and within the course."""
        data = super().clean()
        course, project, enrolment = data.get("course"), data.get("project"), data.get("enrolment")
        if project and enrolment:
            raise ValidationError(_("An extension is for a team, for a person, or for all."))
        if course and ((project and project.course != course) or (enrolment and enrolment.course_id != course.pk)):
            raise ValidationError(_("This team or person belongs to another course."))
        chosen = self.assignments.get(data.get("assignment", ""))
        if course and chosen is not None and chosen.course_id != course.pk:
            raise ValidationError(_("This assignment belongs to another course."))
        return data

    def chosen(self, now: datetime) -> list[Assignment]:
        """Return the assignments whose deadline is extended.

        Raises:
            RuleViolation: there is none.
        """
        course, said = self.cleaned_data["course"], self.cleaned_data.get("assignment", "")
        rows = Assignment.objects.filter(course=course).select_related("course")
        if said in self.assignments:
            chosen = [self.assignments[said]]
        elif said == ALL:
            chosen = list(rows.filter(due_at__gt=now).order_by("due_at", "pk"))
        else:
            chosen = list(rows.filter(is_main=True))
        if not chosen:
            raise RuleViolation(gettext("This course has no submission deadline to extend."), code="no-deadline")
        return chosen


class AssessorForm(forms.Form):
    """Who assesses."""

    assessor = forms.TypedChoiceField(label=_("Assessor"), required=False, coerce=int, empty_value=None)

    def __init__(self, *args: Any, people: dict[int, User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = people
        choices = [("", _("Nobody")), *((pk, str(user)) for pk, user in people.items())]
        self.fields["assessor"].choices = choices  # type: ignore[attr-defined]

    def user(self) -> User | None:
        """Return who was chosen."""
        return self.people.get(self.cleaned_data["assessor"])


class SplitForm(forms.Form):
    """Among whom projects are split."""

    assessors = forms.TypedMultipleChoiceField(
        label=_("Among"),
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose somebody.")},
    )

    def __init__(self, *args: Any, people: dict[int, User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = people
        self.fields["assessors"].choices = [(pk, str(user)) for pk, user in people.items()]  # type: ignore[attr-defined]

    def users(self) -> list[User]:
        """Return who was chosen."""
        return [self.people[pk] for pk in self.cleaned_data["assessors"]]


def _points_field(**options: Any) -> forms.TypedChoiceField:
    return forms.TypedChoiceField(coerce=Decimal, **options)


def _points_choices(course: Course) -> list[tuple[str, str]]:
    most = terms_of(course).most_extra_points
    return [(f"{points:.1f}", say_decimal(points)) for points in HALF_POINTS if points <= most]


class AssessForm(forms.Form):
    """The decision on a project, with what differs for single members."""

    outcome = forms.ChoiceField(label=_("Outcome"), choices=UNDECIDED, required=False, widget=forms.RadioSelect)
    extra_points = _points_field(label=_("Extra points"), empty_value=Decimal(0))
    feedback = forms.CharField(
        label=_("Feedback"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 9}),
        help_text=_("Markdown. Seen by the team once it is published."),
    )
    # The page has another field for a reason, that of more time.
    correction = forms.CharField(
        label=_("Reason of the correction"),
        required=False,
        max_length=300,
        help_text=_("Needed where a published result changes. Whose it is read it."),
    )
    # What the assessor had before them, so that nobody overwrites what somebody else decided meanwhile.
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, view: TeamView, initial: Mapping[str, str] | None = None) -> None:
        assessment = view.assessment
        super().__init__(data, initial={**_initial(assessment), **(initial or {})})
        self.view = view
        points = _points_choices(view.project.course)
        # What was given before the course gave less stays to be seen.
        if assessment is not None and f"{assessment.extra_points:.1f}" not in dict(points):
            points.append((f"{assessment.extra_points:.1f}", say_decimal(assessment.extra_points)))
        self.fields["extra_points"].choices = points  # type: ignore[attr-defined]
        for member in view.members:
            self._add_member(member, view.overrides.get(member.pk), points)

    def _add_member(self, member: Enrolment, row: MemberAssessment | None, points: list[tuple[str, str]]) -> None:
        name = str(member.user)
        given = "" if row is None or row.extra_points is None else f"{row.extra_points:.1f}"
        self.fields[f"outcome_of_{member.pk}"] = forms.ChoiceField(
            label=gettext("Outcome of %(name)s") % {"name": name},
            choices=[AS_TEAM, *Outcome.choices],
            required=False,
            initial=row.outcome if row else "",
        )
        self.fields[f"points_of_{member.pk}"] = _points_field(
            label=gettext("Extra points of %(name)s") % {"name": name},
            choices=[AS_TEAM, *points],
            required=False,
            empty_value=None,
            initial=given,
        )
        self.fields[f"reason_of_{member.pk}"] = forms.CharField(
            label=gettext("Why %(name)s differs") % {"name": name},
            required=False,
            max_length=300,
            initial=row.reason if row else "",
        )

    def members(self) -> list[tuple[Enrolment, list[forms.BoundField]]]:
        """Return each member with the fields of their own decision."""
        return [
            (member, [self[f"{name}_of_{member.pk}"] for name in ("outcome", "points", "reason")])
            for member in self.view.members
        ]

    @property
    def differs(self) -> bool:
        """Whether some member has a decision of their own, or is given one now."""
        return any(
            self[f"{name}_of_{member.pk}"].value() for member in self.view.members for name in ("outcome", "points")
        )

    def overrides(self) -> dict[int, Override]:
        """Return what differs, by enrolment."""
        data = self.cleaned_data
        return {
            member.pk: Override(
                outcome=data[f"outcome_of_{member.pk}"],
                extra_points=data[f"points_of_{member.pk}"],
                reason=data[f"reason_of_{member.pk}"],
            )
            for member in self.view.members
        }


def _initial(assessment: Assessment | None) -> dict[str, Any]:
    if assessment is None:
        return {"outcome": "", "extra_points": "0.0", "seen": ""}
    return {
        "outcome": assessment.outcome,
        "extra_points": f"{assessment.extra_points:.1f}",
        "feedback": assessment.feedback,
        "seen": version_of(assessment),
    }


class NoteForm(forms.Form):
    """A note among the staff."""

    text = forms.CharField(label=_("New note"), max_length=5000, widget=forms.Textarea(attrs={"rows": 2}))


def _others(project: Project) -> QuerySet[Project]:
    """Return the other teams on the same assignment."""
    return Project.objects.active().filter(assignment=project.assignment).exclude(pk=project.pk)


class MoveForm(forms.Form):
    """Where a member is put."""

    member = forms.ModelChoiceField(Enrolment.objects.none(), label=_("Who"))
    to = forms.ChoiceField(label=_("Into"))

    def __init__(self, data: Any = None, *, view: TeamView, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial)
        members = Enrolment.objects.filter(pk__in=[member.pk for member in view.members]).select_related(
            "user", "course"
        )
        self.fields["member"].queryset = members  # type: ignore[attr-defined]
        self.fields["member"].label_from_instance = lambda member: str(member.user)  # type: ignore[attr-defined]
        self.projects = {f"project-{name.pk}": name for name in with_names(_others(view.project))}
        rows = Topic.objects.filter(assignment=view.project.assignment).select_related("assignment").with_room()
        self.topics = {f"topic-{topic.pk}": topic for topic in rows}
        self.fields["to"].choices = [  # type: ignore[attr-defined]
            ("", "–"),
            (_("Teams"), [(key, label_of(project)) for key, project in self.projects.items()]),
            (_("A new team on"), [(key, topic.title) for key, topic in self.topics.items()]),
        ]

    def target(self) -> Project | Topic:
        """Return the chosen team or topic."""
        key = self.cleaned_data["to"]
        return self.projects[key] if key in self.projects else self.topics[key]


class MergeForm(forms.Form):
    """Which team everyone is put into."""

    target = TeamField(Project.objects.none(), label=_("Into"), empty_label=_("–"))

    def __init__(self, data: Any = None, *, view: TeamView, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial)
        self.fields["target"].queryset = with_names(_others(view.project))  # type: ignore[attr-defined]


class AnswerForm(forms.Form):
    """An answer in words."""

    answer = forms.CharField(
        label=_("Answer"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )


class SheetForm(TableForm):
    """A table of a course."""

    course = forms.ModelChoiceField(Course.objects.none(), label=_("Course"), empty_label=None)
    field_order = ("course", "file")

    def __init__(self, *args: Any, courses: Iterable[Course], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["course"].queryset = Course.objects.filter(pk__in=[course.pk for course in courses])  # type: ignore[attr-defined]
