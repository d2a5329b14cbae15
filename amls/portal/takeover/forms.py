"""Bringing a course in, and holding one again, in the browser."""

from datetime import date, timedelta
from typing import Any, Self

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amls.core.violations import RuleViolation
from amls.courses.models import Course, CourseAddress, Enrolment, Role, StaffMember, User
from amls.courses.validators import validate_slug
from amls.files.checks import file_bounds
from amls.portal.takeover.export import free_days_of, span_of_course
from amls.portal.takeover.freedays import as_lines, proposed, said
from amls.portal.takeover.sources import MAX_BYTES
from amls.portal.takeover.teaching import beside_the_old, check_start
from amls.portal.takeover.understanding.resolving import listed_days

_LONGEST_TERM = timedelta(days=366)
_FILES = ".html,.htm,.md,.txt,.csv,.tsv,.xlsx,.ics,.yml,.yaml,.json,.docx,.toml"


class SourceForm(forms.Form):
    """What a lecturer has: a page that they paste, a file, or the address of one."""

    text = forms.CharField(
        label=gettext_lazy("Paste the course page, or only its schedule"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 12, "spellcheck": "false", "data-rich": "id_html"}),
        strip=False,
        help_text=gettext_lazy("As it is: text, a table, Markdown, HTML. Links of a pasted page are kept."),
    )
    # What the clipboard holds beside the text, put here by a script: with it the links survive.
    html = forms.CharField(required=False, strip=False, widget=forms.HiddenInput)
    file = forms.FileField(
        label=gettext_lazy("Or choose a file"),
        required=False,
        help_text=gettext_lazy("Excel, Word, CSV, a calendar (.ics), HTML, Markdown, YAML, JSON or course.toml."),
        widget=forms.ClearableFileInput(attrs={"accept": _FILES}),
    )
    address = forms.CharField(
        label=gettext_lazy("Or name its address"),
        required=False,
        max_length=2000,
        widget=forms.URLInput(attrs={"placeholder": "https://", "autocomplete": "off"}),
        help_text=gettext_lazy("A page, a file or a calendar that everyone can open."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["file"].widget.attrs.update(file_bounds(MAX_BYTES))

    def clean(self) -> dict[str, Any]:
        """Ask for exactly one of the three."""
        data = super().clean() or {}
        given = [name for name in ("text", "file", "address") if data.get(name) and str(data[name]).strip()]
        if not given and not self.errors:
            raise ValidationError(
                _("Paste something, choose a file, or name an address: one of the three."), code="nothing"
            )
        if len(given) > 1:
            raise ValidationError(
                _("Bring one thing at a time: what you pasted, the file, or the address. Empty the others."),
                code="several",
            )
        return data


class StaffChoice(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    """People who teach in a course, each with their address."""

    def label_from_instance(self, obj: Enrolment) -> str:
        """Return name and address."""
        return f"{obj.user} <{obj.user.email}>"


class StaffNames(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    """People who are named on a course's page."""

    def label_from_instance(self, obj: StaffMember) -> str:
        """Return name and role."""
        return f"{obj.name} ({obj.get_role_display()})"


class RollOverForm(forms.Form):
    """Where and when a course is held again."""

    new_slug = forms.CharField(
        label=gettext_lazy("Address of the new course"), max_length=60, validators=[validate_slug]
    )
    start = forms.DateField(
        label=gettext_lazy("First day of the new term"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=gettext_lazy("The first session is held in this week, on its weekday."),
    )
    last_day = forms.DateField(
        label=gettext_lazy("Last day of the new term"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=gettext_lazy("Where it is empty, the term is as long as the old one."),
    )
    skip = forms.CharField(
        label=gettext_lazy("Days without teaching, and what they are called"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=gettext_lazy(
            "Such as '2025-06-09 Whit Monday' or '2025-12-22 to 2026-01-02', separated by commas or line breaks. Lectures on one move on by a week, office hours are cancelled; deadlines and exams stay, with a warning."
        ),
    )
    term = forms.CharField(
        label=gettext_lazy("Name of the new term"),
        required=False,
        max_length=30,
        help_text=gettext_lazy("Where it is empty, it is named in the manner of the last one."),
    )
    title = forms.CharField(
        label=gettext_lazy("Title of the new course"),
        required=False,
        max_length=200,
        help_text=gettext_lazy("Where it is empty, it stays as it is."),
    )
    enrolment_code = forms.CharField(
        label=gettext_lazy("Enrolment code of the new course"),
        required=False,
        max_length=50,
        help_text=gettext_lazy("The old one does not come along. Without a new one nobody can join by it."),
    )
    to_slots = forms.BooleanField(
        label=gettext_lazy("Plan in the weekly slot what was held off it"),
        required=False,
        help_text=gettext_lazy("Such as a lecture that was moved once. Otherwise it is planned off the slot again."),
    )
    keeps_call_in = forms.BooleanField(
        label=gettext_lazy("Take call-in links of single sessions along"),
        required=False,
        help_text=gettext_lazy("Open ones stay open for everyone."),
    )
    assistants = StaffChoice(
        Enrolment.objects.none(),
        label=gettext_lazy("Who assists again"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy(
            "They see the draft as soon as it is made. Who is not ticked is not named on its page either. The lecturers come along by themselves."
        ),
    )
    named = StaffNames(
        StaffMember.objects.none(),
        label=gettext_lazy("Who else is named on the page again"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("With their addresses, and as mentors of the topics that they have."),
    )

    def __init__(self, *args: Any, course: Course, today: date, is_agreed: bool = False, **kwargs: Any) -> None:
        # Of what was shown and is to be made, the making says whether the address is free.
        super().__init__(*args, **kwargs)
        self._course, self._today, self._is_agreed = course, today, is_agreed
        self.names: dict[date, str] = {}
        self.fields["title"].initial = course.title
        if course.enrolment_policy != Course.EnrolmentPolicy.CODE:
            del self.fields["enrolment_code"]
        if not course.lectures.exclude(call_in="").exists():
            del self.fields["keeps_call_in"]
        self._ask_who_comes_along(course)

    def _ask_who_comes_along(self, course: Course) -> None:
        assistants = course.enrolments.reachable().filter(role=Role.ASSISTANT).select_related("user")
        field = self.fields["assistants"]
        assert isinstance(field, StaffChoice)  # noqa: S101 - declared above
        field.queryset = assistants.order_by("user__sort_name")
        field.initial = [assistant.pk for assistant in assistants]
        if not field.initial:
            del self.fields["assistants"]
        self._members = list(course.staff.order_by("position", "pk"))
        self._tied = {
            member.pk: own.pk for member in self._members for own in assistants if _is_named(own.user, member)
        }
        others = self.fields["named"]
        assert isinstance(others, StaffNames)  # noqa: S101 - declared above
        others.queryset = course.staff.exclude(pk__in=self._tied).order_by("position", "pk")
        others.initial = [member.pk for member in self._members if member.pk not in self._tied]
        if not others.initial:
            del self.fields["named"]

    @property
    def choices(self) -> dict[str, Any]:
        """What of the old term comes along, as `Choices` has it; of a valid form."""
        data = self.cleaned_data
        again = {enrolment.pk for enrolment in data.get("assistants", ())}
        named = {member.pk for member in data.get("named", ())}
        out = [
            member.name
            for member in self._members
            if (self._tied[member.pk] not in again if member.pk in self._tied else member.pk not in named)
        ]
        return {
            "title": data["title"], "enrolment_code": data.get("enrolment_code", ""), "to_slots": data["to_slots"],
            "keeps_call_in": data.get("keeps_call_in", False), "left_out": tuple(out),
        }  # fmt: skip

    def clean_new_slug(self) -> str:
        """Refuse an address that is taken."""
        slug = str(self.cleaned_data["new_slug"])
        return slug if self._is_agreed else _free(slug)

    def clean_start(self) -> date:
        """Refuse a year with a slip in it."""
        start: date = self.cleaned_data["start"]
        try:
            check_start(start, self._today)
        except RuleViolation as violation:
            raise ValidationError(violation.message, code="start") from violation
        if span := span_of_course(self._course):
            self.remark("start", beside_the_old(start, *span))
        return start

    def clean_last_day(self) -> date | None:
        """Refuse a last day that is not after the first."""
        last: date | None = self.cleaned_data["last_day"]
        start = self.cleaned_data.get("start")
        if last is not None and start is not None and not start < last <= start + _LONGEST_TERM:
            why = _("The last day lies after the first, by a year at most. Look at both.")
            raise ValidationError(why, code="last-day")
        return last

    def remark(self, name: str, said: str) -> None:
        """Say something at a field that is no mistake, but is to be looked at."""
        field = self.fields[name]
        field.remark = said  # type: ignore[attr-defined]
        if said:
            field.widget.attrs["aria-describedby"] = f"id_{name}_helptext id_{name}_remark"

    def with_proposed_days(self) -> Self:
        """Return the form as it was sent, with the old term's days without teaching where they lie in the new one; of one with a first day."""
        start, span = self.cleaned_data["start"], span_of_course(self._course)
        long = span[1] - span[0] if span is not None else _LONGEST_TERM
        proposal = proposed(
            free_days_of(self._course), first=start, last=self.cleaned_data.get("last_day") or start + long
        )
        typed = str(self["skip"].data or "").strip()
        lines = as_lines(proposal.days, but=self.cleaned_data.get("skip") or ())
        sent = {name: self[name].data for name in self.fields} | {"skip": "\n".join([*filter(None, [typed]), *lines])}
        form = type(self)(initial=sent, course=self._course, today=self._today)
        form.remark("start", getattr(self.fields["start"], "remark", ""))
        said_first = _("Added as they lie in the new term: look whether they are free, then show what will be made.")
        none = _("No other day of the old term lies in the new one on a date that follows from the calendar.")
        left = _("Enter yourself, if they are free in the new term: %(days)s.")
        words = [said_first if lines else none, *([left % {"days": said(proposal.left)}] if proposal.left else [])]
        form.remark("skip", " ".join(words))
        return form

    @property
    def has_days_to_propose(self) -> bool:
        """Whether the old term has days without teaching."""
        return bool(free_days_of(self._course))

    def clean(self) -> dict[str, Any]:
        """Read the days, those without a year in the term that begins then."""
        data = super().clean() or {}
        if "start" in data and "skip" in data:
            try:
                self.names = listed_days(data["skip"], start=data["start"])
                data["skip"] = list(self.names)
            except ValueError as error:
                why = _("'%(words)s' is no day such as 2025-05-01, and no days such as 2025-12-22 to 2026-01-02.")
                self.add_error("skip", ValidationError(why % {"words": str(error)[:40]}, code="date"))
        return data


def _is_named(user: User, member: StaffMember) -> bool:
    """Return whether somebody with an account is who is named on the page: by address, or by name with titles or without."""
    is_same_address = bool(member.email) and member.email.lower() == user.email.lower()
    name = str(user).casefold()
    return is_same_address or member.name.casefold() == name or member.name.casefold().endswith(f" {name}")


def _free(slug: Any) -> str:
    if slug and CourseAddress.objects.filter(slug=slug).exists():
        raise ValidationError(_("This address is taken by another course. Choose another one."), code="slug-taken")
    return str(slug)
