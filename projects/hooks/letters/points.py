"""Letters about excuses, and about questions on points; points themselves are on the site only."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amls.core.markdown import escape_markdown
from amls.mail.letters import Letter, letter
from amls.mail.models import Notice
from amls.mail.wording import escaped, escaped_lines
from projects.addresses import address_of
from projects.hooks.letters.wording import open_assignment, why_member
from projects.models import Assignment, Excuse, PointsQuestion


@letter("projects.excused", label=gettext_lazy("Excused from an assignment"))
def excused(notice: Notice, now: datetime) -> Letter | None:
    """Tell that a person is excused, unless that was taken back meanwhile."""
    row = Excuse.objects.filter(pk=notice.references["excuse"]).select_related("assignment__course").first()
    if row is None:
        return None
    text = _("You are excused from **%(title)s**: it counts neither for nor against you.")
    parts = [text % escaped({"title": row.assignment})]
    if row.reason:
        parts.append(_("Reason: %(reason)s") % escaped({"reason": row.reason}))
    return Letter(
        subject=_("Excused: %(title)s") % {"title": row.assignment},
        text="\n\n".join(parts),
        action=open_assignment(row.assignment),
        reason=_("You get this because you take part in %(course)s.") % {"course": row.assignment.course},
    )


@letter("projects.excuse-ended", label=gettext_lazy("No longer excused from an assignment"))
def excuse_ended(notice: Notice, now: datetime) -> Letter | None:
    """Tell that a person is no longer excused, unless they are again."""
    assignment = Assignment.objects.filter(pk=notice.references["assignment"]).select_related("course").first()
    excuses = Excuse.objects.filter(assignment=assignment, enrolment=notice.references["enrolment"])
    if assignment is None or excuses.exists():
        return None
    text = _("You are no longer excused from **%(title)s**: it counts for you as for everyone.")
    return Letter(
        subject=_("No longer excused: %(title)s") % {"title": assignment},
        text=text % escaped({"title": assignment}),
        action=open_assignment(assignment),
        reason=_("You get this because you take part in %(course)s.") % {"course": assignment.course},
    )


@letter("projects.question-answered", label=gettext_lazy("Question about points answered"))
def question_answered(notice: Notice, now: datetime) -> Letter | None:
    """Tell what the staff answered; the points are on the site only."""
    rows = PointsQuestion.objects.select_related("assessment__project__assignment__course", "task", "answered_by")
    row = rows.filter(pk=notice.references["question"], answered_at__isnull=False).first()
    if row is None:
        return None
    assignment = row.assessment.project.assignment
    title = f"{assignment}, {row.task}" if row.task is not None else str(assignment)
    quoted = "\n".join(f"> {escape_markdown(line)}" for line in row.text.splitlines())
    who = row.answered_by or _("The staff")
    return Letter(
        subject=_("Your question about %(title)s is answered") % {"title": title},
        text="\n\n".join(
            [
                _("You asked about **%(title)s**:") % escaped({"title": title}),
                quoted,
                _("%(name)s answers:") % escaped({"name": who}),
                escaped_lines(row.answer),
            ]
        ),
        action=(_("See the points"), address_of(assignment, "my_points")),
        reason=why_member(assignment),
    )
