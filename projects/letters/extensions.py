"""Letters about more time."""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from amls.courses.models import Course
from amls.notifications.letters import Letter, letter
from amls.notifications.models import Notice
from amls.web.words import say_time
from projects.deadlines import effective_deadline
from projects.letters.common import due, escaped, mine, why_member, why_staff
from projects.models import Extension, ExtensionRequest, Membership


def _request(notice: Notice) -> ExtensionRequest | None:
    rows = ExtensionRequest.objects.select_related("project__topic__course", "enrolment__user")
    return rows.filter(pk=notice.references["request"]).first()


@letter("projects.extension-asked")
def extension_asked(notice: Notice, now: datetime) -> Letter | None:
    """Tell staff that a team asks for more time; the reason stays on the site."""
    request = _request(notice)
    if request is None or request.state != ExtensionRequest.State.OPEN:
        return None
    values = {"name": request.enrolment.user, "topic": request.project.topic.title}
    return Letter(
        subject=_("Request for an extension: %(topic)s") % values,
        text=_("**%(name)s** asks for more time for **%(topic)s**.") % escaped(values),
        action=(_("Decide at the desk"), reverse("admin:projects_extensionrequest_change", args=[request.pk])),
        reason=why_staff(request.project.course),
    )


@letter("projects.extension-declined")
def extension_declined(notice: Notice, now: datetime) -> Letter | None:
    """Tell that there is no more time, and why."""
    request = _request(notice)
    if request is None or request.state != ExtensionRequest.State.DECLINED:
        return None
    return Letter(
        subject=_("No extension: %(topic)s") % {"topic": request.project.topic.title},
        text="\n\n".join(
            [_("The staff declined your team's request for more time."), request.answer, due(request.project, now)]
        ),
        action=mine(request.project.course),
        reason=why_member(request.project.course),
    )


def _own_deadline(notice: Notice) -> tuple[Course, datetime] | None:
    membership = (
        Membership.objects.active()
        .select_related("project__topic__course")
        .filter(enrolment=notice.references["enrolment"])
        .first()
    )
    due_at = effective_deadline(membership.project) if membership else None
    return (membership.project.course, due_at) if membership and due_at else None


@letter("projects.extended")
def extended(notice: Notice, now: datetime) -> Letter | None:
    """Tell that there is more time."""
    found = _own_deadline(notice)
    extension = Extension.objects.filter(pk=notice.references["extension"], revoked_at__isnull=True).first()
    if found is None or extension is None:
        return None
    course, due_at = found
    until = say_time(due_at, course.zone, now=now)
    text = _("Your team may hand in until **%(until)s**. Your calendar shows the new time.") % {"until": until}
    request = _request(notice) if "request" in notice.references else None
    return Letter(
        subject=_("More time for your project: until %(until)s") % {"until": until},
        text=f"{text}\n\n{request.answer}" if request is not None and request.answer else text,
        action=mine(course),
        reason=why_member(course),
    )


@letter("projects.extension-revoked")
def extension_revoked(notice: Notice, now: datetime) -> Letter | None:
    """Tell that the extra time is gone."""
    found = _own_deadline(notice)
    if found is None:
        return None
    course, due_at = found
    until = say_time(due_at, course.zone, now=now)
    return Letter(
        subject=_("Your project's deadline is now %(until)s") % {"until": until},
        text=_("An extension was taken back. Your team may hand in until **%(until)s**.") % {"until": until},
        action=mine(course),
        reason=why_member(course),
    )
