"""Letters about topics that are given by wish: the topic itself, new teammates, and wishes that the staff changed."""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amls.core.times import say_time
from amls.mail.letters import Letter, letter
from amls.mail.models import Notice
from amls.mail.wording import escaped
from projects.hooks.letters.wording import due, mine, project_of, why_member
from projects.models import Allocation, Project, Topic, WishChange
from projects.teamrows import members_of
from projects.wishlists import told_team


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
        reason=why_member(project.assignment),
    )


@letter("projects.matched", label=gettext_lazy("Matched with others"))
def matched(notice: Notice, now: datetime) -> Letter | None:
    """Tell who wished for teammates who they are, and what the new team wishes for."""
    project = project_of(notice)
    if project is None or not project.is_active:
        return None
    people = [member for member in members_of(project) if member.pk != notice.references["enrolment"]]
    said = [
        _("You wished to be matched with others. These are your teammates:"),
        _listed([f"{person.user} <{person.user.email}>" for person in people]),
    ]
    wishes = list(Topic.objects.filter(wishes__wish_list__project=project).order_by("wishes__rank"))
    if wishes:
        said += [
            _("Your team's wishes, what most of you wished for first:"),
            _numbered([topic.title for topic in wishes]),
        ]
    else:
        said.append(_("Nothing is on your team's list yet: rank topics together."))
    return Letter(
        subject=_("Your teammates for %(assignment)s") % {"assignment": project.assignment},
        text="\n\n".join([*said, _until(project, now)]),
        action=_wishes(project),
        reason=why_member(project.assignment),
    )


@letter("projects.wishes-changed", label=gettext_lazy("Wishes changed by the staff"))
def wishes_changed(notice: Notice, now: datetime) -> Letter | None:
    """Tell a team that the staff changed what it wishes for, and why."""
    project = project_of(notice)
    change = WishChange.objects.filter(pk=notice.references["change"]).first()
    if project is None or not project.is_active or change is None:
        return None
    titles = dict(Topic.objects.filter(pk__in=change.after).values_list("pk", "title"))
    said = [
        _("The staff changed what your team wishes for: %(reason)s") % escaped({"reason": change.reason}),
        _("Your team's wishes now:"),
        _numbered([titles.get(pk, "–") for pk in change.after]) if change.after else _("None."),
    ]
    return Letter(
        subject=_("Your team's wishes for %(assignment)s were changed") % {"assignment": project.assignment},
        text="\n\n".join(said),
        action=_wishes(project),
        reason=why_member(project.assignment),
    )


def _until(project: Project, now: datetime) -> str:
    closes = project.assignment.wishes_close_at
    if closes is None or closes <= now:
        return _("Topics are given soon; you get a mail then.")
    values = {"until": say_time(closes, project.course.zone, now=now)}
    return _("Each of you can change the list until **%(until)s**.") % values


def _wishes(project: Project) -> tuple[str, str]:
    address = reverse("projects:wishes_for", args=[project.course.slug, project.assignment_id])
    return _("Your team's wishes"), address


def _numbered(lines: list[str]) -> str:
    return "\n".join(f"{rank}. {escaped({'line': line})['line']}" for rank, line in enumerate(lines, 1))


def _listed(lines: list[str]) -> str:
    return "\n".join(f"- {escaped({'line': line})['line']}" for line in lines)
