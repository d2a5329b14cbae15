"""Course files and roll-over in the browser."""

import re
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amls.courses.models import Course
from amls.courses.validators import validate_slug

# A page of a whole course is some 10 kB; a course.toml with long topics some 100 kB.
MAX_TEXT = 1_000_000


class ImportForm(forms.Form):
    """A course page or course.toml, pasted."""

    text = forms.CharField(
        label=gettext_lazy("The course page or course.toml"),
        widget=forms.Textarea(attrs={"rows": 18, "spellcheck": "false"}),
        max_length=MAX_TEXT,
        strip=False,
        help_text=gettext_lazy("Paste the page as text or HTML. Nothing is saved before you have seen what changes."),
    )
    year = forms.IntegerField(
        label=gettext_lazy("Year in which the term begins"),
        required=False,
        min_value=1990,
        max_value=2100,
        help_text=gettext_lazy("Only if the page doesn't say."),
    )


class NewCourseForm(ImportForm):
    """The same for a course that does not exist yet."""

    slug = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=60,
        required=False,
        validators=[validate_slug],
        help_text=gettext_lazy("Such as 'amls-ss2024'. Empty: made of title and term."),
    )

    def clean_slug(self) -> str:
        """Refuse an address that is taken."""
        return _free(self.cleaned_data["slug"])


class RollOverForm(forms.Form):
    """Where and when a course is held again."""

    new_slug = forms.CharField(
        label=gettext_lazy("Address of the new course"), max_length=60, validators=[validate_slug]
    )
    start = forms.DateField(
        label=gettext_lazy("A day of the first teaching week"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    skip = forms.CharField(
        label=gettext_lazy("Days without teaching"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy(
            "Such as 2025-05-01, separated by commas or line breaks. Lectures on one move on by a week, office hours are cancelled; deadlines and exams stay, with a warning."
        ),
    )

    def clean_new_slug(self) -> str:
        """Refuse an address that is taken."""
        return _free(self.cleaned_data["new_slug"])

    def clean_skip(self) -> list[date]:
        """Return the days as dates."""
        days = []
        for word in re.split(r"[\s,;]+", self.cleaned_data["skip"].strip()):
            try:
                days += [date.fromisoformat(word)] if word else []
            except ValueError as error:
                raise ValidationError(
                    _("'%(word)s' is not a date such as 2025-05-01.") % {"word": word[:40]}, code="date"
                ) from error
        return days


def _free(slug: Any) -> str:
    if slug and Course.objects.filter(slug=slug).exists():
        raise ValidationError(_("This address is taken by another course. Choose another one."), code="slug-taken")
    return str(slug)
