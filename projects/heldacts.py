"""What staff do to teams and tells these: shown with who gets what, and done five minutes later, or not at all.

What tells nobody, such as an extension that is taken back before its mail went out, is done at once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from amls.core.violations import RuleViolation
from amls.courses.models import Course, Enrolment, User
from amls.desk.holding import WantedAct
from amls.held.managers import HeldActQuerySet
from amls.held.models import HeldAct
from amls.held.trials import Trial, tried, watched
from projects import publication
from projects.allocation.matching import match_from_json
from projects.models import Allocation, Assessment, Assignment, Extension, Project, Submission, Topic
from projects.services.allocating import publish_allocation
from projects.services.extensions import revoke_extension, say_kept_in_time
from projects.services.handin import accept_late_attempts, restore_submission, withdraw_submission
from projects.services.ideas import decide_idea
from projects.services.matching import make_teams
from projects.services.registration import restore_project, withdraw_projects
from projects.services.teams import merge_teams, move_member

KIND = "projects.act"

# What an act needs to know: keys, as JSON keeps them.
Values = Mapping[str, Any]
# Does one thing for somebody at a moment, and returns what to say of it.
Deed = Callable[[Values, User, datetime], str]

_deeds: dict[str, Deed] = {}
_subjects: dict[str, tuple[str, ...]] = {}


def _deed(name: str, *, to: tuple[str, ...] = ()) -> Callable[[Deed], Deed]:
    """Register what does an act.

    Args:
        name: of the act.
        to: the values that say what it is done to, of which only one act waits; without any all do.
    """

    def register(do: Deed) -> Deed:
        _deeds[name], _subjects[name] = do, to
        return do

    return register


@dataclass(frozen=True, slots=True)
class TeamAct:
    """An act on teams as somebody asks for it.

    Attributes:
        name: of the act.
        values: what it needs to know.
        course: whose people it tells.
        title: what it does, for the staff.
        by: who asks.
    """

    name: str
    values: Values
    course: Course
    title: str
    by: User

    def do(self, now: datetime) -> str:
        """Do it at once, and return what to say of it."""
        with transaction.atomic():
            return _deeds[self.name](self.values, self.by, now)

    def tried(self, now: datetime) -> Trial:
        """Return what it would do and tell.

        Raises:
            RuleViolation: it is refused.
        """
        return tried(lambda: self.do(now), course=self.course, now=now)

    @property
    def about(self) -> str:
        """What names the act and what it is done to."""
        subject = {name: self.values[name] for name in _subjects[self.name] or self.values}
        return f"{self.name}:{sha256(repr(sorted(subject.items())).encode()).hexdigest()}"

    def waiting(self) -> HeldActQuerySet:
        """Return the one that was asked for already and waits, if there is one."""
        return HeldAct.objects.waiting_in(self.course, KIND).filter(about=self.about)

    def wanted(self, trial: Trial, *, back: str) -> WantedAct:
        """Return what is held back of it, after it was tried."""
        references = {"act": self.name, "values": dict(self.values), "seal": trial.seal}
        return WantedAct(self.course, KIND, self.about, references, self.title, back)


def waiting_for(project: Project) -> list[HeldAct]:
    """Return what waits and is about a team or its attempts, the next first: 1 query, 2 where attempts are named.

    These are publications of its decision, and acts that are done to it.
    """
    rows = HeldAct.objects.waiting().filter(course=project.course, kind__in=[KIND, publication.KIND])
    waiting = list(rows.select_related("by", "course").order_by("apply_at", "pk"))
    acts = [act for act in waiting if act.kind == KIND]
    named = {pk for act in acts for pk in _attempts_of(act.references["values"])}
    theirs = set(project.submissions.filter(pk__in=named).values_list("pk", flat=True)) if named else set()
    return [
        act
        for act in waiting
        if (act.kind == KIND and _is_about(act.references["values"], project.pk, theirs))
        or (act.kind == publication.KIND and str(project.pk) in act.references["decisions"])
    ]


def _attempts_of(values: Values) -> list[int]:
    return [*values.get("attempts", ()), *([values["attempt"]] if "attempt" in values else [])]


def _is_about(values: Values, project: int, attempts: Collection[int]) -> bool:
    is_named = project in [*values.get("projects", ()), *(values.get(name) for name in ("source", "target", "team"))]
    return is_named or not set(attempts).isdisjoint(_attempts_of(values))


def do_as_seen(act: HeldAct, now: datetime) -> str:
    """Do what somebody of the staff asked for.

    Raises:
        RuleViolation: other people would be told by now, whoever asked for it is gone, or as the act's own service.
    """
    if act.by is None:
        raise RuleViolation(_("Whoever asked for it has no account any more."), code="gone")
    wanted, by = act.references, act.by
    with transaction.atomic():
        trial = watched(lambda: _deeds[wanted["act"]](wanted["values"], by, now), course=act.course, now=now)
        if trial.seal != wanted["seal"]:
            raise RuleViolation(
                _("Other people would be told than those you saw: teams changed meanwhile. Look at it, and ask again."),
                code="changed-meanwhile",
            )
    return trial.said


def _projects(values: Values) -> list[Project]:
    return list(Project.objects.filter(pk__in=values["projects"]).select_related("topic", "assignment__course"))


@_deed("withdraw")
def _withdraw(values: Values, by: User, now: datetime) -> str:
    count = withdraw_projects(projects=_projects(values), now=now, by=by)
    said = ngettext(
        "%(count)d project is withdrawn. Everything in it is kept.",
        "%(count)d projects are withdrawn. Everything in them is kept.",
        count,
    )
    return " ".join([said % {"count": count}, *_results_gone(values["projects"])])


def _results_gone(projects: Sequence[int]) -> list[str]:
    """Return what is said of published results of teams that are withdrawn."""
    count = Assessment.objects.filter(project__in=projects, published_at__isnull=False).count()
    said = ngettext(
        "%(count)d of them has a published result, which its members lose until the project is brought back.",
        "%(count)d of them have published results, which their members lose until the projects are brought back.",
        count,
    )
    return [said % {"count": count}] if count else []


@_deed("restore")
def _restore(values: Values, by: User, now: datetime) -> str:
    for project in _projects(values):
        restore_project(project=project, now=now)
    return _("The project is back.")


@_deed("accept-late")
def _accept_late(values: Values, by: User, now: datetime) -> str:
    attempts = Submission.objects.filter(pk__in=values["attempts"]).order_by("pk")
    count = len(accept_late_attempts(submissions=list(attempts), by=by, now=now))
    said = ngettext("%(count)d late hand-in counts now.", "%(count)d late hand-ins count now.", count)
    return said % {"count": count}


@_deed("withdraw-attempt")
def _withdraw_attempt(values: Values, by: User, now: datetime) -> str:
    row = withdraw_submission(submission=Submission.objects.get(pk=values["attempt"]), now=now)
    return _("Attempt %(attempt)d no longer counts. It is kept.") % {"attempt": row.attempt}


@_deed("restore-attempt")
def _restore_attempt(values: Values, by: User, now: datetime) -> str:
    row = restore_submission(submission=Submission.objects.get(pk=values["attempt"]), now=now)
    return _("Attempt %(attempt)d is back.") % {"attempt": row.attempt}


@_deed("revoke")
def _revoke(values: Values, by: User, now: datetime) -> str:
    rows = Extension.objects.filter(pk__in=values["extensions"]).order_by("course", "pk")
    kept = [attempt for row in rows for attempt in revoke_extension(extension=row, now=now)]
    return " ".join([_("Revoked: %(count)d.") % {"count": len(rows)}, *say_kept_in_time(kept)])


@_deed("move", to=("member", "source"))
def _move(values: Values, by: User, now: datetime) -> str:
    member = Enrolment.objects.select_related("user", "course").get(pk=values["member"])
    teams = Project.objects.select_related("topic", "assignment__course")
    topics = Topic.objects.select_related("assignment__course")
    to: Project | Topic = teams.get(pk=values["team"]) if values["team"] else topics.get(pk=values["topic"])
    moved = move_member(enrolment=member, to=to, by=by, now=now)
    said = _("%(name)s is now in %(project)s.") % {"name": member.user, "project": moved}
    return " ".join([said, *_without_result(moved)])


def _without_result(project: Project) -> list[str]:
    """Return what is said of those who join a team whose result is published."""
    if not Assessment.objects.filter(project=project, published_at__isnull=False).exists():
        return []
    return [
        _("Its result was published before: who joins now has none by that until you decide on them in particular.")
    ]


@_deed("merge", to=("source",))
def _merge(values: Values, by: User, now: datetime) -> str:
    teams = {team.pk: team for team in _projects({"projects": [values["source"], values["target"]]})}
    target = teams[values["target"]]
    merge_teams(source=teams[values["source"]], target=target, by=by, now=now)
    return " ".join([_("Everyone is now in %(project)s.") % {"project": target}, *_without_result(target)])


@_deed("decide-idea", to=("topic",))
def _decide_idea(values: Values, by: User, now: datetime) -> str:
    topic = Topic.objects.select_related("assignment__course").filter(pk=values["topic"]).first()
    if topic is None:
        # Its author's account is deleted meanwhile.
        raise RuleViolation(_("This idea is decided already, or was taken back."), code="idea-decided")
    decide_idea(topic=topic, is_accepted=values["is_accepted"], reason=values["reason"], now=now)
    if not values["is_accepted"]:
        return _("The idea is declined, and the student is told why.")
    return _("The idea is accepted, and the student is told.")


@_deed("allocate", to=("assignment",))
def _allocate(values: Values, by: User, now: datetime) -> str:
    run = Allocation.objects.select_related("assignment__course").get(pk=values["allocation"])
    publish_allocation(allocation=run, by=by, now=now)
    return _("The topics are given, and every team is told.")


@_deed("match", to=("assignment",))
def _match(values: Values, by: User, now: datetime) -> str:
    assignment = Assignment.objects.select_related("course").get(pk=values["assignment"])
    teams = values["teams"]
    make_teams(assignment=assignment, teams=teams, seen=match_from_json(values["seen"]), by=by, now=now)
    made = sum(1 for team in teams if len(team) > 1)
    said = ngettext("%(count)d team is made.", "%(count)d teams are made.", made)
    return said % {"count": made}
