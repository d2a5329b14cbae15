"""The letter about a topic that was given by wish."""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amls.mail.letters import Letter, letter
from amls.mail.models import Notice
from projects.hooks.letters.wording import due, escaped, mine, project_of, why_member
from projects.models import Allocation
from projects.wishing import told_team


@letter("projects.allocated", label=gettext_lazy("Topic given by wish"))
def allocated(notice: Notice, now: datetime) -> Letter | None:
    """Tell a team which topic it got, and why none that it liked better."""
    project = project_of(notice)
    allocation = Allocation.objects.filter(pk=notice.references["allocation"], published_at__isnull=False).first()
    if project is None or not project.is_active or allocation is None:
        return None
    told = told_team(allocation, project)
    values = {"topic": project.title}
    if project.topic is None:
        subject = _("No topic for your team yet")
        said = [
            _("None of the topics that your team wished for could be given to it. The staff will find one with you.")
        ]
        action = _("See why"), reverse("projects:wishes_for", args=[project.course.slug, project.assignment_id])
    else:
        subject = _("Your topic: %(topic)s") % values
        said = [_("Your team works on **%(topic)s**.") % escaped(values), told.rank, due(project, now)]
        action = mine(project)
    if told.lines:
        said += [_("Why you did not get a wish that you ranked higher:"), _listed(told.lines)]
    return Letter(
        subject=subject,
        text="\n\n".join(part for part in said if part),
        action=action,
        reason=why_member(project.course),
    )


def _listed(lines: list[str]) -> str:
    return "\n".join(f"- {escaped({'line': line})['line']}" for line in lines)
