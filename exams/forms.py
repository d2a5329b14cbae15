"""Forms of the exams."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from amls.files.tables.forms import TableForm
from exams.models import Exam


class PointsForm(TableForm):
    """Points from a file, with a reason where some are published."""

    reason = forms.CharField(label=_("Reason, if a published result changes"), required=False, max_length=300)

    def __init__(self, *args: Any, exam: Exam, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if exam.results_published_at is None:
            del self.fields["reason"]
