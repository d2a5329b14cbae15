"""How the letters about projects read. Each looks again at what it tells of."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from amls.courses.models import Course, Enrolment
from amls.notifications.letters import Letter, letter
from amls.notifications.models import Notice
from amls.web.markdown import escape_markdown
from amls.web.words import say_time
from projects.deadlines import effective_deadline, is_counting
from projects.models import (
    Assessment,
    Extension,
    ExtensionRequest,
    Invitation,
    Membership,
    Project,
    Submission,
    Topic,
)
from projects.receipts import receipt_code


def _project(notice: Notice) -> Project | None:
    return Project.objects.select_related("topic__course").filter(pk=notice.references["project"]).first()


def _name(notice: Notice, key: str = "who") -> str:
    person = Enrolment.objects.select_related("user").filter(pk=notice.references.get(key)).first()
    return str(person.user) if person else _("Somebody")


def _escaped(values: Mapping[str, object]) -> dict[str, str]:
    """Return what people typed, so that it stands in a text as they typed it."""
    return {name: escape_markdown(str(value)) for name, value in values.items()}


def _mine(course: Course) -> tuple[str, str]:
    return _("Open my project"), reverse("projects:mine", args=[course.slug])


def _why_member(course: Course) -> str:
    return _("You get this because you are in a project of %(course)s.") % {"course": course}


def _why_staff(course: Course) -> str:
    return _("You get this because you teach in %(course)s.") % {"course": course}


def _due(project: Project, now: datetime) -> str:
    due_at = effective_deadline(project)
    if due_at is None:
        return _("The date of the hand-in will be announced.")
    return _("Hand in by **%(due)s**.") % {"due": say_time(due_at, project.course.zone, now=now)}


@letter("projects.registered")
def registered(notice: Notice, now: datetime) -> Letter | None:
    """Confirm a registration."""
    project = _project(notice)
    if project is None or not project.is_active:
        return None
    values = {"topic": project.topic.title, "track": project.topic.track}
    text = _("Your project is registered: **%(topic)s** (%(track)s).") % _escaped(values)
    missing = project.topic.team_min - Membership.objects.active().filter(project=project).count()
    if missing > 0:
        text += "\n\n" + ngettext(
            "The topic is meant for a larger team: %(count)d more person is needed. Invite somebody on your project's page.",
            "The topic is meant for a larger team: %(count)d more people are needed. Invite them on your project's page.",
            missing,
        ) % {"count": missing}
    return Letter(
        subject=_("Project registered: %(topic)s") % {"topic": project.topic.title},
        text=f"{text}\n\n{_due(project, now)}",
        action=_mine(project.course),
        reason=_why_member(project.course),
    )


def _about_team(notice: Notice, now: datetime, *, subject: str, text: str) -> Letter | None:
    project = _project(notice)
    if project is None:
        return None
    values = {"topic": project.topic.title, "name": _name(notice)}
    return Letter(
        subject=subject % values,
        text=text % _escaped(values),
        action=_mine(project.course),
        reason=_why_member(project.course),
    )


@letter("projects.switched")
def switched(notice: Notice, now: datetime) -> Letter | None:
    """Tell that the team has another topic."""
    return _about_team(
        notice,
        now,
        subject=_("Your project's topic is now: %(topic)s"),
        text=_("Your team switched to **%(topic)s**. Everything else stays as it was."),
    )


@letter("projects.member-joined")
def member_joined(notice: Notice, now: datetime) -> Letter | None:
    """Tell that somebody accepted an invitation."""
    if notice.references["who"] == notice.references["enrolment"]:
        return _about_team(
            notice,
            now,
            subject=_("You are in the team: %(topic)s"),
            text=_("You joined the project **%(topic)s**. Your teammates stand on its page."),
        )
    return _about_team(
        notice,
        now,
        subject=_("%(name)s joined your project"),
        text=_("**%(name)s** accepted your team's invitation to **%(topic)s**."),
    )


@letter("projects.member-left")
def member_left(notice: Notice, now: datetime) -> Letter | None:
    """Tell that somebody left."""
    if notice.references["who"] == notice.references["enrolment"]:
        return _about_team(
            notice,
            now,
            subject=_("You left the project: %(topic)s"),
            text=_(
                "You are no longer in the project **%(topic)s**. You may take another topic while registration is open."
            ),
        )
    if not Enrolment.objects.filter(pk=notice.references["who"], user__is_active=True).exists():
        # Their account is gone, and their name with it.
        return _about_team(
            notice,
            now,
            subject=_("A teammate left your project: %(topic)s"),
            text=_(
                "Somebody whose account was deleted is no longer in the project **%(topic)s**. "
                "What the team has stays with the team."
            ),
        )
    return _about_team(
        notice,
        now,
        subject=_("%(name)s left your project"),
        text=_("**%(name)s** is no longer in the project **%(topic)s**. What the team handed in stays with the team."),
    )


@letter("projects.moved")
def moved(notice: Notice, now: datetime) -> Letter | None:
    """Tell that staff put somebody into another team."""
    return _about_team(
        notice,
        now,
        subject=_("Change in your project's team: %(topic)s"),
        text=_("The course's staff put **%(name)s** into the project **%(topic)s**."),
    )


@letter("projects.withdrawn")
def withdrawn(notice: Notice, now: datetime) -> Letter | None:
    """Tell that a project was given up."""
    project = _project(notice)
    if project is None or project.is_active:
        return None
    return Letter(
        subject=_("Project withdrawn: %(topic)s") % {"topic": project.topic.title},
        text=_("The project **%(topic)s** was withdrawn and its slot is free again.")
        % _escaped({"topic": project.topic.title}),
        action=(_("See the topics"), reverse("projects:topics", args=[project.course.slug])),
        reason=_why_member(project.course),
    )


@letter("projects.restored")
def restored(notice: Notice, now: datetime) -> Letter | None:
    """Tell that a withdrawal was undone."""
    return _about_team(
        notice,
        now,
        subject=_("Project restored: %(topic)s"),
        text=_("The withdrawal of the project **%(topic)s** was undone. Your team has its slot again."),
    )


@letter("projects.invited")
def invited(notice: Notice, now: datetime) -> Letter | None:
    """Invite somebody, who may have no account."""
    invitation = (
        Invitation.objects.open_at(now)
        .select_related("project__topic__course", "invited_by__user")
        .filter(pk=notice.references["invitation"])
        .first()
    )
    if invitation is None:
        return None
    project, course = invitation.project, invitation.project.course
    values = {
        "name": invitation.invited_by.user,
        "topic": project.topic.title,
        "course": course,
        "email": invitation.email,
        "until": say_time(invitation.expires_at, course.zone, now=now),
    }
    return Letter(
        subject=_("%(name)s invites you to a project in %(course)s") % values,
        text=_(
            "**%(name)s** invites you to the team of **%(topic)s**.\n\n"
            "Sign in with this address (%(email)s) to accept or decline; if you have no account yet, make one with it. "
            "The invitation is open until %(until)s."
        )
        % _escaped(values),
        action=(_("Answer the invitation"), reverse("projects:invitation", args=[course.slug, invitation.pk])),
        reason=_("You get this once, because %(name)s entered your address.") % values,
    )


@letter("projects.invitation-declined")
def invitation_declined(notice: Notice, now: datetime) -> Letter | None:
    """Tell the team that an invitation was declined."""
    invitation = Invitation.objects.filter(pk=notice.references["invitation"]).first()
    project = _project(notice)
    if invitation is None or project is None:
        return None
    return Letter(
        subject=_("Invitation declined: %(email)s") % {"email": invitation.email},
        text=_("**%(email)s** declined the invitation to **%(topic)s**. You may invite somebody else.")
        % _escaped({"email": invitation.email, "topic": project.topic.title}),
        action=_mine(project.course),
        reason=_why_member(project.course),
    )


@letter("projects.idea-proposed")
def idea_proposed(notice: Notice, now: datetime) -> Letter | None:
    """Tell staff that an idea waits."""
    topic = Topic.objects.select_related("course", "proposed_by__user").filter(pk=notice.references["topic"]).first()
    if topic is None or topic.proposal != Topic.Proposal.OPEN or topic.proposed_by is None:
        return None
    values = {"name": topic.proposed_by.user, "title": topic.title}
    return Letter(
        subject=_("Own idea to decide on: %(title)s") % values,
        text=_("**%(name)s** proposes an own idea: **%(title)s**.\n\nAccept it, or decline it with a reason.")
        % _escaped(values),
        action=(_("Decide at the desk"), reverse("admin:projects_topic_change", args=[topic.pk])),
        reason=_why_staff(topic.course),
    )


@letter("projects.idea-decided")
def idea_decided(notice: Notice, now: datetime) -> Letter | None:
    """Tell a student what became of their idea."""
    topic = Topic.objects.select_related("course").filter(pk=notice.references["topic"]).first()
    if topic is None or topic.proposal not in (Topic.Proposal.ACCEPTED, Topic.Proposal.DECLINED):
        return None
    is_accepted = topic.proposal == Topic.Proposal.ACCEPTED
    reason = f"\n\n{topic.decision_reason}" if topic.decision_reason else ""
    if is_accepted:
        subject, text = _("Your idea is accepted: %(title)s"), _("The staff accepted your idea **%(title)s**.")
    else:
        subject, text = _("Your idea is declined: %(title)s"), _("The staff declined your idea **%(title)s**.")
    return Letter(
        subject=subject % {"title": topic.title},
        text=text % _escaped({"title": topic.title}) + reason,
        action=(_("See the topic"), topic.get_absolute_url()),
        reason=_("You get this because you proposed the idea."),
    )


def _submission(notice: Notice) -> Submission | None:
    rows = Submission.objects.select_related("project__topic__course", "submitted_by__user").prefetch_related("files")
    return rows.filter(pk=notice.references["submission"]).first()


@letter("projects.receipt")
def receipt(notice: Notice, now: datetime) -> Letter | None:
    """Give everyone in the team the receipt of an attempt."""
    submission = _submission(notice)
    if submission is None:
        return None
    project = submission.project
    course = project.course
    values = {
        "attempt": submission.attempt,
        "topic": project.topic.title,
        "name": submission.submitted_by.user,
        "began": say_time(submission.began_at, course.zone, now=now),
        "code": receipt_code(submission.pk),
    }
    if is_counting(submission, effective_deadline(project)):
        standing = _("It is in time.")
    else:
        standing = _("**It is late.** It is kept, and counts only if the staff accept it. %(due)s") % {
            "due": _due(project, now)
        }
    lines = [
        f"- {escape_markdown(one.filename)} ({one.size} B)  \n  SHA-256 `{one.sha256}`"
        for one in submission.files.all()
    ]
    if submission.repository_url:
        lines.append(f"- {submission.repository_url}  \n  `{submission.commit}`")
    return Letter(
        subject=_("Receipt: attempt %(attempt)s of %(topic)s") % values,
        text="\n\n".join(
            [
                _("**%(name)s** handed in attempt %(attempt)s of **%(topic)s**. The upload began %(began)s.")
                % _escaped(values),
                standing,
                "\n".join(lines),
                _("Code of the receipt: `%(code)s`") % values,
            ]
        ),
        action=(_("Check the receipt"), reverse("projects:receipt", args=[values["code"]])),
        reason=_why_member(course),
    )


@letter("projects.late-accepted")
def late_accepted(notice: Notice, now: datetime) -> Letter | None:
    """Tell that a late attempt counts."""
    submission = _submission(notice)
    if submission is None or submission.accepted_at is None:
        return None
    values = {"attempt": submission.attempt, "topic": submission.project.topic.title}
    return Letter(
        subject=_("Your late hand-in counts: %(topic)s") % values,
        text=_("The staff accepted attempt %(attempt)s of **%(topic)s** although it was late.") % _escaped(values),
        action=_mine(submission.project.course),
        reason=_why_member(submission.project.course),
    )


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
        text=_("**%(name)s** asks for more time for **%(topic)s**.") % _escaped(values),
        action=(_("Decide at the desk"), reverse("admin:projects_extensionrequest_change", args=[request.pk])),
        reason=_why_staff(request.project.course),
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
            [_("The staff declined your team's request for more time."), request.answer, _due(request.project, now)]
        ),
        action=_mine(request.project.course),
        reason=_why_member(request.project.course),
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
    return Letter(
        subject=_("More time for your project: until %(until)s") % {"until": until},
        text=_("Your team may hand in until **%(until)s**. Your calendar shows the new time.") % {"until": until},
        action=_mine(course),
        reason=_why_member(course),
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
        action=_mine(course),
        reason=_why_member(course),
    )


@letter("projects.result")
def result(notice: Notice, now: datetime) -> Letter | None:
    """Tell that there is a result; the result itself is on the site only."""
    return _result_letter(notice, _("The result of your project is there: %(topic)s"))


@letter("projects.result-changed")
def result_changed(notice: Notice, now: datetime) -> Letter | None:
    """Tell that a result was changed."""
    return _result_letter(notice, _("The result of your project was changed: %(topic)s"))


def _result_letter(notice: Notice, subject: str) -> Letter | None:
    assessment = (
        Assessment.objects.select_related("project__topic__course").filter(pk=notice.references["assessment"]).first()
    )
    if assessment is None or assessment.published_at is None:
        return None
    course = assessment.project.course
    return Letter(
        subject=subject % {"topic": assessment.project.topic.title},
        text=_("Sign in to see the outcome, your extra points and the feedback."),
        action=_mine(course),
        reason=_why_member(course),
    )
