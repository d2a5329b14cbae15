"""Letters about results; the result itself is on the site only."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from amls.mail.letters import Letter, letter
from amls.mail.models import Notice
from amls.mail.wording import escaped
from projects.addresses import address_of
from projects.hooks.letters.wording import mine, why_member, why_staff
from projects.models import Assessment, Assignment, Membership, Project
from projects.progress import DECIDED
from projects.services.registration import is_published_to


@letter("projects.result", label=gettext_lazy("Result of a project or an assignment"))
def result(notice: Notice, now: datetime) -> Letter | None:
    """Tell that there is a result; the result itself is on the site only."""
    return _result_letter(
        notice,
        lambda has_topic: (
            _("The result of your project is there: %(title)s") if has_topic else _("Your result is there: %(title)s")
        ),
    )


@letter("projects.result-changed", label=gettext_lazy("Result of a project or an assignment changed"))
def result_changed(notice: Notice, now: datetime) -> Letter | None:
    """Tell that a result was changed."""
    return _result_letter(
        notice,
        lambda has_topic: (
            _("The result of your project was changed: %(title)s")
            if has_topic
            else _("Your result was changed: %(title)s")
        ),
    )


def _result_letter(notice: Notice, subject_of: Callable[[bool], str]) -> Letter | None:
    """Return the letter; a project is called by its topic, everything else by what the assignment is called."""
    assessment = (
        Assessment.objects.select_related("project__topic", "project__assignment__course")
        .filter(pk=notice.references["assessment"])
        .first()
    )
    if assessment is None or assessment.published_at is None or not _is_theirs(assessment, notice):
        return None
    project = assessment.project
    if project.assignment.grading == Assignment.Grading.POINTS:
        text, action = (
            _("Sign in to see your points and the comments."),
            (_("See the points"), address_of(project.assignment, "my_points")),
        )
    elif project.assignment.has_topics:
        text, action = _("Sign in to see the outcome, your extra points and the feedback."), mine(project)
    else:
        text, action = _("Sign in to see the outcome and the feedback."), mine(project)
    # Empty before the first correction, and of results that the last release corrected.
    reason = assessment.correction_for(notice.references["enrolment"])
    why = [_("Why: %(reason)s") % escaped({"reason": reason})] if reason else []
    return Letter(
        subject=subject_of(project.assignment.has_topics) % {"title": project.title},
        text="\n\n".join([*why, text]),
        action=action,
        reason=why_member(project.assignment),
        is_pushed=True,
    )


def _is_theirs(assessment: Assessment, notice: Notice) -> bool:
    """Return whether the reader has the result still: the team may be gone, or another, since the letter was put off."""
    places = Membership.objects.active().filter(project=assessment.project, project__withdrawn_at__isnull=True)
    membership = places.filter(enrolment=notice.references["enrolment"]).first()
    return membership is not None and is_published_to(membership)


@letter("projects.assessor-gone", label=gettext_lazy("Projects without an assessor"))
def assessor_gone(notice: Notice, now: datetime) -> Letter | None:
    """Tell lecturers what is to be given to somebody else, as far as nobody has it yet."""
    course = notice.course
    if course is None:
        return None
    count = Project.objects.active().of_course(course).filter(assessor=None).exclude(DECIDED).count()
    if not count:
        return None
    listed = f"{reverse('admin:projects_project_changelist')}?assessor=none&needs=ungraded&course={course.pk}"
    return Letter(
        subject=_("%(course)s: projects without an assessor") % {"course": course},
        text=_("Somebody who assessed projects has deleted their account.")
        + " "
        + ngettext(
            "**%(count)d project** without a decision is nobody's now: give it to somebody.",
            "**%(count)d projects** without a decision are nobody's now: give them to others.",
            count,
        )
        % {"count": count},
        action=(_("See the projects"), listed),
        reason=why_staff(course),
    )
