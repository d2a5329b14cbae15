"""Letters about results; the result itself is on the site only."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amls.mail.letters import Letter, letter
from amls.mail.models import Notice
from projects.hooks.letters.wording import escaped, mine, why_member
from projects.models import Assessment


@letter("projects.result", label=gettext_lazy("Project result"))
def result(notice: Notice, now: datetime) -> Letter | None:
    """Tell that there is a result; the result itself is on the site only."""
    return _result_letter(notice, _("The result of your project is there: %(topic)s"))


@letter("projects.result-changed", label=gettext_lazy("Project result changed"))
def result_changed(notice: Notice, now: datetime) -> Letter | None:
    """Tell that a result was changed."""
    return _result_letter(notice, _("The result of your project was changed: %(topic)s"))


def _result_letter(notice: Notice, subject: str) -> Letter | None:
    assessment = (
        Assessment.objects.select_related("project__topic", "project__assignment__course")
        .filter(pk=notice.references["assessment"])
        .first()
    )
    if assessment is None or assessment.published_at is None:
        return None
    course = assessment.project.course
    # Only points carry a reason; it is empty before the first correction.
    why = [_("Why: %(reason)s") % escaped({"reason": assessment.correction})] if assessment.correction else []
    return Letter(
        subject=subject % {"topic": assessment.project.title},
        text="\n\n".join([*why, _("Sign in to see the outcome, your extra points and the feedback.")]),
        action=mine(assessment.project),
        reason=why_member(course),
    )
