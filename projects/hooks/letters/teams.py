"""Letters about teams: registration, invitations, moves, own ideas."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from amls.core.clock import is_open_until
from amls.core.times import say_time
from amls.courses.models import Enrolment, User
from amls.mail.letters import Letter, letter
from amls.mail.models import Notice
from amls.mail.wording import escaped, escaped_lines
from projects.hooks.letters.wording import (
    about_team,
    due,
    mine,
    name_of,
    project_of,
    see_topics,
    who_is,
    why_member,
    why_staff,
)
from projects.models import Assessment, Invitation, Membership, Project, Topic, TopicSwitch
from projects.services.teams import standing_of_invitations


@letter("projects.registered", label=gettext_lazy("Project registered"))
def registered(notice: Notice, now: datetime) -> Letter | None:
    """Confirm a registration."""
    project = project_of(notice)
    if project is None or not project.is_active:
        return None
    track = project.topic.said_track if project.topic is not None else str(project.assignment)
    values = {"topic": project.title, "track": track}
    text = _("Your project is registered: **%(topic)s** (%(track)s).") % escaped(values)
    missing = project.team_min - Membership.objects.active().filter(project=project).count()
    if missing > 0:
        text += "\n\n" + ngettext(
            "The topic is meant for a larger team: %(count)d more person is needed. Invite somebody on your project's page.",
            "The topic is meant for a larger team: %(count)d more people are needed. Invite them on your project's page.",
            missing,
        ) % {"count": missing}
    return Letter(
        subject=_("Project registered: %(topic)s") % {"topic": project.title},
        text=f"{text}\n\n{due(project, now)}",
        action=mine(project),
        reason=why_member(project.assignment),
    )


@letter("projects.switched", label=gettext_lazy("Topic changed"))
def switched(notice: Notice, now: datetime) -> Letter | None:
    """Tell that the team has another topic, who chose it, and until when it can be taken back."""
    project, before = project_of(notice), _topic_before(notice)
    if project is None or project.topic_id != notice.references.get("to", project.topic_id):
        # It was taken back meanwhile, or there is a newer one, of which there is a letter of its own.
        return None
    is_mine = notice.references.get("who") == notice.references["enrolment"]
    held = TopicSwitch.objects.to_take_back_at(now).filter(project=project).select_related("topic").first()
    text = (
        _("You switched your team from **%(before)s** to **%(topic)s**. Everything else stays as it was.")
        if is_mine
        else _("**%(name)s** switched your team from **%(before)s** to **%(topic)s**. Everything else stays as it was.")
    )
    values = {"name": name_of(notice), "before": before, "topic": project.title}
    text %= escaped(values)
    if held is not None:
        way_back = (
            _("The others can take this back until **%(until)s**; so long your slot of **%(held)s** is held for you.")
            if is_mine
            else _(
                "If this is not what your team wants, each of you can take it back on the project's page until "
                "**%(until)s**; so long your slot of **%(held)s** is held for you."
            )
        )
        until = say_time(held.held_until, project.course.zone, now=now)
        text += "\n\n" + way_back % escaped({"until": until, "held": held.topic.title})
    return Letter(
        subject=_("Your project's topic is now: %(topic)s") % values,
        text=text,
        action=mine(project),
        reason=why_member(project.assignment),
    )


@letter("projects.switched-back", label=gettext_lazy("Topic changed back"))
def switched_back(notice: Notice, now: datetime) -> Letter | None:
    """Tell that the team has the topic again that it had before."""
    project, left = project_of(notice), _topic_before(notice)
    if project is None or project.topic_id != notice.references["to"]:
        return None
    values = {"name": name_of(notice), "topic": project.title, "left": left}
    return Letter(
        subject=_("Your project's topic is again: %(topic)s") % values,
        text=_(
            "**%(name)s** took the switch to **%(left)s** back: your team works on **%(topic)s** again. "
            "Everything else stays as it was."
        )
        % escaped(values),
        action=mine(project),
        reason=why_member(project.assignment),
    )


def _topic_before(notice: Notice) -> str:
    before = Topic.objects.filter(pk=notice.references["from"]).first()
    return before.title if before is not None else "–"


@letter("projects.member-joined", names=who_is, label=gettext_lazy("Somebody joined the team"))
def member_joined(notice: Notice, now: datetime) -> Letter | None:
    """Tell that somebody accepted an invitation."""
    if notice.references["who"] == notice.references["enrolment"]:
        return about_team(
            notice,
            subject=_("You are in the team: %(topic)s"),
            text=_("You joined the project **%(topic)s**. Your teammates stand on its page."),
            without_topics=(
                _("You are in the team: %(topic)s"),
                _("You joined the team for **%(topic)s**. Your teammates stand on its page."),
            ),
        )
    return about_team(
        notice,
        subject=_("%(name)s joined your project: %(topic)s"),
        text=_("**%(name)s** accepted your team's invitation to **%(topic)s**."),
        without_topics=(
            _("%(name)s joined your team: %(topic)s"),
            _("**%(name)s** accepted your team's invitation to **%(topic)s**."),
        ),
    )


@letter("projects.member-left", names=who_is, label=gettext_lazy("Somebody left the team"))
def member_left(notice: Notice, now: datetime) -> Letter | None:
    """Tell that somebody left."""
    if notice.references["who"] == notice.references["enrolment"]:
        return about_team(
            notice,
            subject=_("You left the project: %(topic)s"),
            text=_(
                "You are no longer in the project **%(topic)s**. You may take another topic while registration is open."
            ),
            without_topics=(_("You left the team: %(topic)s"), _("You are no longer in the team for **%(topic)s**.")),
        )
    if not Enrolment.objects.reachable().filter(pk=notice.references["who"]).exists():
        # Their account is gone, and their name with it.
        return about_team(
            notice,
            subject=_("A teammate left your project: %(topic)s"),
            text=_(
                "Somebody whose account was deleted is no longer in the project **%(topic)s**. "
                "What the team has stays with the team."
            ),
            without_topics=(
                _("A teammate left your team: %(topic)s"),
                _(
                    "Somebody whose account was deleted is no longer in the team for **%(topic)s**. "
                    "What the team has stays with the team."
                ),
            ),
        )
    if "by" in notice.references:
        return about_team(
            notice,
            subject=_("Change in your project's team: %(topic)s"),
            text=_(
                "The course's staff put **%(name)s** into another team. What the team of **%(topic)s** handed in stays "
                "with the team."
            ),
            without_topics=(
                _("Change in your team: %(topic)s"),
                _(
                    "The course's staff put **%(name)s** into another team for **%(topic)s**. What your team handed in "
                    "stays with the team."
                ),
            ),
        )
    return about_team(
        notice,
        subject=_("%(name)s left your project: %(topic)s"),
        text=_("**%(name)s** is no longer in the project **%(topic)s**. What the team handed in stays with the team."),
        without_topics=(
            _("%(name)s left your team: %(topic)s"),
            _("**%(name)s** is no longer in the team for **%(topic)s**. What the team handed in stays with the team."),
        ),
    )


@letter("projects.moved", label=gettext_lazy("Moved to another team"))
def moved(notice: Notice, now: datetime) -> Letter | None:
    """Tell that staff put somebody into another team, and that a result which was published there before is not theirs."""
    is_own, more = notice.references["who"] == notice.references["enrolment"], ""
    if is_own and Assessment.objects.filter(project=notice.references["project"], published_at__isnull=False).exists():
        more = "\n\n" + _(
            "The result of this team was published before you joined it: it is not yours by that. The staff decide on you "
            "in particular, and you get a mail."
        )
    before = Project.objects.select_related("topic", "assignment").filter(pk=notice.references.get("from")).first()
    if before is not None and is_own:
        return about_team(
            notice,
            subject=_("You are in another team: %(topic)s"),
            text=_("The course's staff put you into the project **%(topic)s**. You are no longer in **%(before)s**.")
            + more,
            without_topics=(
                _("You are in another team: %(topic)s"),
                _("The course's staff put you into another team for **%(topic)s**.") + more,
            ),
            also={"before": before.title},
        )
    return about_team(
        notice,
        subject=_("Change in your project's team: %(topic)s"),
        text=_("The course's staff put **%(name)s** into the project **%(topic)s**.") + more,
        without_topics=(
            _("Change in your team: %(topic)s"),
            _("The course's staff put **%(name)s** into the team for **%(topic)s**.") + more,
        ),
    )


@letter("projects.withdrawn", label=gettext_lazy("Project withdrawn"))
def withdrawn(notice: Notice, now: datetime) -> Letter | None:
    """Tell that a project was given up, by whom, and what stays."""
    project = project_of(notice)
    if project is None or project.is_active:
        return None
    is_own, is_by_staff = notice.references.get("who") == notice.references["enrolment"], "by" in notice.references
    if project.topic is not None:
        subject = _("Project withdrawn: %(topic)s")
        if is_own:
            text = _("You gave the project **%(topic)s** up; its slot is free again.")
        elif is_by_staff:
            text = _("The course's staff withdrew the project **%(topic)s**; its slot is free again.")
        else:
            text = _("The project **%(topic)s** was withdrawn and its slot is free again.")
    else:
        subject = _("Team dissolved: %(topic)s")
        if is_own:
            text = _("You dissolved your team for **%(topic)s**.")
        elif is_by_staff:
            text = _("The course's staff dissolved your team for **%(topic)s**.")
        else:
            text = _("Your team for **%(topic)s** was dissolved.")
    text %= escaped({"topic": project.title})
    if project.submissions.exists():
        text += " " + _("What was handed in is kept, and opens by its receipt; it no longer counts.")
    return Letter(
        subject=subject % {"topic": project.title},
        text=text,
        action=see_topics(project.assignment),
        reason=why_member(project.assignment),
    )


@letter("projects.restored", label=gettext_lazy("Project restored"))
def restored(notice: Notice, now: datetime) -> Letter | None:
    """Tell that a withdrawal was undone."""
    return about_team(
        notice,
        subject=_("Project restored: %(topic)s"),
        text=_("The withdrawal of the project **%(topic)s** was undone. Your team has its slot again."),
        without_topics=(
            _("Your team is back: %(topic)s"),
            _("Your team for **%(topic)s** had been dissolved. That was undone."),
        ),
    )


def _of_invitations(user: User) -> Q:
    """Return the condition that a notice is about an invitation by a person, or of one."""
    theirs = Invitation.objects.filter(Q(invited_by__user=user) | Q(seeker__user=user))
    return Q(references__invitation__in=list(theirs.values_list("pk", flat=True)))


@letter("projects.invited", names=_of_invitations, label=gettext_lazy("Invitation to a team"))
def invited(notice: Notice, now: datetime) -> Letter | None:
    """Invite somebody, who may have no account."""
    invitation = (
        Invitation.objects.open_at(now)
        .select_related("project__topic", "project__assignment__course", "invited_by__user")
        .filter(pk=notice.references["invitation"])
        .first()
    )
    if invitation is None:
        return None
    project, course = invitation.project, invitation.project.course
    standing = standing_of_invitations([invitation], now=now)[invitation.pk]
    if standing.why_over:
        # It waited until nobody could follow it any more.
        return None
    values = {
        "name": invitation.invited_by.user,
        "topic": project.title,
        "course": course,
        "email": invitation.email,
        "until": say_time(standing.until, course.zone, now=now),
    }
    return Letter(
        subject=_("%(name)s invites you to a team in %(course)s") % values,
        text=_(
            "**%(name)s** invites you to the team of **%(topic)s**.\n\n"
            "Sign in with this address (%(email)s) to accept or decline; if you have no account yet, make one with it. "
            "The invitation is open until %(until)s."
        )
        % escaped(values),
        action=(_("Answer the invitation"), reverse("projects:invitation", args=[course.slug, invitation.pk])),
        reason=_("You get this once, because %(name)s entered your address.") % values,
    )


@letter("projects.invitation-declined", names=_of_invitations, label=gettext_lazy("Invitation declined"))
def invitation_declined(notice: Notice, now: datetime) -> Letter | None:
    """Tell the team that an invitation was declined."""
    rows = Invitation.objects.select_related("seeker__user")
    invitation = rows.filter(pk=notice.references["invitation"]).first()
    project = project_of(notice)
    if invitation is None or project is None:
        return None
    return Letter(
        subject=_("Invitation declined: %(email)s") % {"email": invitation.label},
        text=_("**%(email)s** declined the invitation to **%(topic)s**. You may invite somebody else.")
        % escaped({"email": invitation.label, "topic": project.title}),
        action=mine(project),
        reason=why_member(project.assignment),
    )


@letter("projects.invitation-revoked", label=gettext_lazy("Invitation revoked"))
def invitation_revoked(notice: Notice, now: datetime) -> Letter | None:
    """Tell whom a team had invited that it no longer does; nobody who never read of it."""
    pk = notice.references["invitation"]
    rows = Invitation.objects.select_related("project__topic", "project__assignment__course", "invited_by__user")
    invitation = rows.filter(pk=pk, state=Invitation.State.REVOKED).first()
    was_read = Notice.objects.filter(kind="projects.invited", references__invitation=pk, state=Notice.State.SENT)
    if invitation is None or not was_read.exists():
        return None
    course = invitation.project.course
    values = {"name": invitation.invited_by.user, "topic": invitation.project.title, "course": course}
    return Letter(
        subject=_("An invitation to a team was taken back: %(topic)s") % values,
        text=_(
            "**%(name)s** had invited you to the team of **%(topic)s** in %(course)s. The invitation was taken back. "
            "There is nothing that you have to do."
        )
        % escaped(values),
        action=see_topics(invitation.project.assignment),
        reason=_("You get this once, because you were invited."),
    )


@letter("projects.invitation-expired", names=_of_invitations, label=gettext_lazy("Invitation expired"))
def invitation_expired(notice: Notice, now: datetime) -> Letter | None:
    """Tell who invited somebody, and is in the team still, that there was no answer in time."""
    rows = Invitation.objects.select_related("project__topic", "project__assignment__course", "seeker__user").filter(
        expires_at__lte=now
    )
    waiting = [Invitation.State.OPEN, Invitation.State.EXPIRED]
    invitation = rows.filter(pk=notice.references["invitation"], state__in=waiting).first()
    if invitation is None or not invitation.project.is_active:
        return None
    # Whoever left meanwhile can't invite anybody: it is no longer their team.
    if not Membership.objects.active().filter(project=invitation.project, enrolment=invitation.invited_by).exists():
        return None
    values = {"email": invitation.label, "topic": invitation.project.title}
    return Letter(
        subject=_("No answer to your invitation: %(email)s") % values,
        text=_(
            "**%(email)s** did not answer the invitation to **%(topic)s**, and its time is over. "
            "As long as teams can be changed you may invite the person again, or somebody else."
        )
        % escaped(values),
        action=mine(invitation.project),
        reason=why_member(invitation.project.assignment),
    )


@letter("projects.idea-proposed", label=gettext_lazy("Own idea proposed"))
def idea_proposed(notice: Notice, now: datetime) -> Letter | None:
    """Tell staff that an idea waits."""
    topic = Topic.objects.select_related("course", "proposed_by__user").filter(pk=notice.references["topic"]).first()
    if topic is None or topic.proposal != Topic.Proposal.OPEN or topic.proposed_by is None:
        return None
    values = {"name": topic.proposed_by.user, "title": topic.title}
    return Letter(
        subject=_("Own idea to decide on: %(title)s") % values,
        text=_("**%(name)s** proposes an own idea: **%(title)s**.\n\nAccept it, or decline it with a reason.")
        % escaped(values),
        action=(_("Decide at the desk"), reverse("admin:projects_topic_change", args=[topic.pk])),
        reason=why_staff(topic.course),
    )


@letter("projects.idea-decided", label=gettext_lazy("Own idea decided"))
def idea_decided(notice: Notice, now: datetime) -> Letter | None:
    """Tell a student what became of their idea."""
    rows = Topic.objects.select_related("course", "assignment__course")
    topic = rows.filter(pk=notice.references["topic"]).first()
    if topic is None or topic.proposal not in (Topic.Proposal.ACCEPTED, Topic.Proposal.DECLINED):
        return None
    is_accepted = topic.proposal == Topic.Proposal.ACCEPTED
    reason = f"\n\n{escaped_lines(topic.decision_reason)}" if topic.decision_reason else ""
    follows, action = _what_follows(topic, now) if is_accepted else ("", None)
    if is_accepted:
        subject, text = _("Your idea is accepted: %(title)s"), _("The staff accepted your idea **%(title)s**.")
    else:
        subject, text = _("Your idea is declined: %(title)s"), _("The staff declined your idea **%(title)s**.")
    return Letter(
        subject=subject % {"title": topic.title},
        text=text % escaped({"title": topic.title}) + follows + reason,
        action=action or (_("See the topic"), topic.get_absolute_url()),
        reason=_("You get this because you proposed the idea."),
    )


def _what_follows(topic: Topic, now: datetime) -> tuple[str, tuple[str, str] | None]:
    """Return what an accepted idea is to its author, who may have another team, and where it is done if not on its page."""
    places = Membership.objects.active().filter(enrolment=topic.proposed_by, assignment=topic.assignment)
    place = places.select_related("project__topic", "project__assignment__course").first()
    if place is None:
        return "", None
    project, assignment = place.project, topic.assignment
    if project.topic_id == topic.pk:
        return " " + _("It is your project now."), mine(project)
    if not project.waits_for_topic:
        stays = " " + _("Your project stays **%(topic)s**.") % escaped({"topic": project.title})
        if assignment.gives_by_wish:
            return stays, None
        return f"{stays} " + _("While registration is open, your team can switch to the idea on its page."), None
    if assignment.wishes_close_at is not None and not is_open_until(assignment.wishes_close_at, now):
        return "", None
    return (
        " " + _("You can rank it among your team's wishes now."),
        (_("Your team's wishes"), reverse("projects:wishes_for", args=[topic.course.slug, assignment.pk])),
    )
