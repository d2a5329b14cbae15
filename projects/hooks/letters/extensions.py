"""Letters about more time."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amls.core.clock import is_open_until
from amls.core.times import say_time
from amls.courses.models import Enrolment
from amls.mail.letters import Letter, letter
from amls.mail.models import Notice
from amls.mail.wording import escaped, escaped_lines
from projects.deadlines import deadline_of
from projects.hooks.letters.wording import due, mine, open_assignment, see_topics, why_member, why_staff
from projects.models import Extension, ExtensionRequest, Membership

_EXTENDED = "projects.extended"


def _request(notice: Notice) -> ExtensionRequest | None:
    rows = ExtensionRequest.objects.select_related("project__topic", "project__assignment__course", "enrolment__user")
    return rows.filter(pk=notice.references["request"]).first()


@letter("projects.extension-asked", label=gettext_lazy("More time asked for"))
def extension_asked(notice: Notice, now: datetime) -> Letter | None:
    """Tell staff that a team asks for more time; the reason stays on the site."""
    request = _request(notice)
    if request is None or request.state != ExtensionRequest.State.OPEN:
        return None
    values = {"name": request.enrolment.user, "topic": request.project.title}
    return Letter(
        subject=_("Request for an extension: %(topic)s") % values,
        text=_("**%(name)s** asks for more time for **%(topic)s**.") % escaped(values),
        action=(_("Decide at the desk"), reverse("admin:projects_extensionrequest_change", args=[request.pk])),
        reason=why_staff(request.project.course),
    )


@letter("projects.extension-declined", label=gettext_lazy("More time declined"))
def extension_declined(notice: Notice, now: datetime) -> Letter | None:
    """Tell that there is no more time, and why."""
    request = _request(notice)
    if request is None or request.state != ExtensionRequest.State.DECLINED:
        return None
    return Letter(
        subject=_("No extension: %(topic)s") % {"topic": request.project.title},
        text="\n\n".join(
            [
                _("The staff declined your team's request for more time."),
                escaped_lines(request.answer),
                due(request.project, now),
            ]
        ),
        action=mine(request.project),
        reason=why_member(request.project.assignment),
    )


def _moved(*, is_over: bool, is_presented: bool) -> tuple[str, str]:
    """Return the subject and the Markdown that say until when something is due, or was."""
    if is_presented and is_over:
        return (
            _("%(title)s: it was to be presented by %(until)s"),
            _("**%(title)s** was to be presented by **%(until)s**."),
        )
    if is_presented:
        return (
            _("%(title)s: to be presented by %(until)s"),
            _("**%(title)s** is to be presented by **%(until)s**. Your calendar shows the new time."),
        )
    if is_over:
        return (
            _("%(title)s: you could hand in until %(until)s"),
            _("**%(title)s** could be handed in until **%(until)s**. What was handed in by then is in time."),
        )
    return (
        _("%(title)s: you may hand in until %(until)s"),
        _("**%(title)s** may be handed in until **%(until)s**. Your calendar shows the new time."),
    )


def _deadline_moved(notice: Notice, now: datetime, *, subject: str, in_team: str, alone: str) -> Letter | None:
    """Return a letter on the deadline that a person has now: their team's, or what theirs would be."""
    rows = Enrolment.objects.select_related("user", "course").filter(user=notice.recipient, course=notice.course)
    enrolment = rows.first()
    extensions = Extension.objects.select_related("assignment__course").filter(pk=notice.references["extension"])
    extension = extensions.first()
    if enrolment is None or extension is None:
        return None
    assignment = extension.assignment
    due_at = deadline_of(enrolment, assignment)
    if due_at is None:
        return None
    teams = Membership.objects.active().filter(enrolment=enrolment, assignment=assignment)
    course, has_team = enrolment.course, teams.exists()
    values = {"until": say_time(due_at, course.zone, now=now), "title": assignment}
    why_enrolled = _("You get this because you take part in %(course)s.") % {"course": course}
    is_over = not is_open_until(due_at, now)
    if is_over or assignment.is_presented or not assignment.has_topics:
        subject, in_team = _moved(is_over=is_over, is_presented=assignment.is_presented)
        alone = in_team
    return Letter(
        subject=subject % values,
        text=(in_team if has_team else alone) % escaped(values),
        action=open_assignment(assignment) if has_team else see_topics(assignment),
        reason=why_member(assignment) if has_team else why_enrolled,
    )


@letter(_EXTENDED, label=gettext_lazy("More time granted"))
def extended(notice: Notice, now: datetime) -> Letter | None:
    """Tell that there is more time, with what the staff answered to a request."""
    if not Extension.objects.filter(pk=notice.references["extension"], revoked_at__isnull=True).exists():
        return None
    letter = _deadline_moved(
        notice,
        now,
        subject=_("More time for your project: until %(until)s"),
        in_team=_("Your team may hand in until **%(until)s**. Your calendar shows the new time."),
        alone=_("Projects may be handed in until **%(until)s**. You have none yet. Your calendar shows the new time."),
    )
    request = _request(notice) if "request" in notice.references else None
    if letter is None or request is None or not request.answer:
        return letter
    return replace(letter, text=f"{letter.text}\n\n{escaped_lines(request.answer)}")


@letter("projects.extension-revoked", label=gettext_lazy("More time revoked"))
def extension_revoked(notice: Notice, now: datetime) -> Letter | None:
    """Tell that the extra time is gone; nobody whom no mail had told of it."""
    waiting = Notice.objects.filter(kind=_EXTENDED, course=notice.course, recipient=notice.recipient)
    unsent = waiting.filter(state__in=[Notice.State.DUE, Notice.State.DROPPED])
    if unsent.filter(references__extension=notice.references["extension"]).exists():
        return None
    return _deadline_moved(
        notice,
        now,
        subject=_("Your project's deadline is now %(until)s"),
        in_team=_("An extension was taken back. Your team may hand in until **%(until)s**."),
        alone=_("An extension was taken back. Projects may be handed in until **%(until)s**. You have none yet."),
    )
