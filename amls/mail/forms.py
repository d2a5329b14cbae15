"""What staff type about mail."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget

from amls.agenda.models import ItemKind
from amls.core.violations import RuleViolation
from amls.desk.own_changes import OwnChangesForm
from amls.mail.announcements import need_readers
from amls.mail.audiences import audience_choices
from amls.mail.models import Announcement, ReminderRule
from amls.mail.reminders import REMINDED


class AnnouncementForm(OwnChangesForm):
    """An announcement, with the audiences that the apps know."""

    audience = forms.ChoiceField(
        label=_("To whom"), choices=audience_choices, initial="all", widget=UnfoldAdminSelectWidget
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = self.fields["course"]
        assert isinstance(offered, forms.ModelChoiceField)  # noqa: S101 - a foreign key of the model
        self.courses = list(offered.queryset or ())
        audience = self.fields["audience"]
        assert isinstance(audience, forms.ChoiceField)  # noqa: S101 - declared above
        audience.choices = audience_choices(self.courses)

    def clean(self) -> dict[str, Any] | None:
        """Refuse whom another course has, and what nobody would see."""
        data = super().clean()
        course, audience = self.cleaned_data.get("course"), self.cleaned_data.get("audience", "")
        if course is not None and ":" in audience:
            own: list[tuple[str, str]] = next(
                (choices for group, choices in audience_choices([course]) if group == str(course)), []
            )
            if audience not in dict(own):
                self.add_error("audience", _("These people are of another course. Choose among those of this course."))
        if self.cleaned_data["is_withdrawn"] or "on_page_until" in self.errors:
            return data
        try:
            need_readers(by_mail=self.cleaned_data["by_mail"], on_page_until=self.cleaned_data["on_page_until"])
        except RuleViolation as violation:
            self.add_error("on_page_until", violation.message)
        return data

    class Meta:
        model = Announcement
        fields = ("course", "title", "text", "audience", "publish_at", "by_mail", "on_page_until", "is_withdrawn")


class ReminderRuleForm(OwnChangesForm):
    """A reminder rule, its kinds as boxes to tick."""

    kinds = forms.MultipleChoiceField(
        label=_("Of what"),
        choices=[(kind.value, kind.label) for kind in REMINDED],
        widget=forms.CheckboxSelectMultiple,
        initial=[ItemKind.DEADLINE.value, ItemKind.EXAM.value],
    )

    class Meta:
        model = ReminderRule
        fields = ("course", "days", "hours", "kinds", "is_paused")

    def clean_kinds(self) -> list[str]:
        """Keep the order in which they are offered."""
        chosen: list[Any] = self.cleaned_data["kinds"]
        return [kind.value for kind in REMINDED if kind.value in chosen]
