"""Publishing decisions a few minutes after it was asked for: as they were seen, or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from hashlib import sha256

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from amls.core.violations import RuleViolation
from amls.courses.models import Course, User
from amls.desk.holding import WantedAct
from amls.held.models import HeldAct
from amls.held.services import refuse
from projects.models import Assessment, Project
from projects.progress import named, with_names
from projects.services.assessing import publish_assessments, version_of
from projects.services.locks import lock_projects

KIND = "projects.publish"
_NAMED = 5


def publication_of(projects: Iterable[Project], *, course: Course, back: str) -> WantedAct | None:
    """Return what publishing the decided drafts of these projects asks for; None where there is none: 1 query.

    Args:
        projects: of one course.
        course: theirs.
        back: the path of the page where it is asked for.
    """
    drafts = Assessment.objects.filter(project__in=projects, published_at__isnull=True).exclude(outcome="")
    decisions = {str(row.project_id): version_of(row) for row in drafts.order_by("project")}
    if not decisions:
        return None
    title = ngettext("Publish %(count)d decision", "Publish %(count)d decisions", len(decisions))
    return WantedAct(
        course=course,
        kind=KIND,
        about=sha256(",".join(decisions).encode()).hexdigest(),
        references={"decisions": decisions},
        title=title % {"count": len(decisions)},
        back=back,
    )


def waiting_about(projects: Iterable[object], *, course: Course) -> list[HeldAct]:
    """Return the publications that wait and are about any of these projects, by their keys, the next first: 1 query."""
    keys = {str(pk) for pk in projects}
    acts = HeldAct.objects.waiting_in(course, KIND)
    return [act for act in acts if not keys.isdisjoint(act.references["decisions"])]


@dataclass(frozen=True, slots=True)
class Overtaken:
    """A publication that was refused, and the keys of the projects on which somebody decided since it was asked for."""

    act: HeldAct
    changed: Sequence[int]


def refuse_overtaken(
    projects: Iterable[object], *, course: Course, by: User, now: datetime, replaced_by: WantedAct | None = None
) -> list[Overtaken]:
    """Refuse the publications about any of these projects that are not what their makers saw any more.

    Args:
        projects: those that may have changed, by their keys.
        course: theirs.
        by: who changed it.
        now: the request's clock.
        replaced_by: what is asked for just now, which takes the place of one about the same projects.

    Returns:
        Those that were refused.
    """
    refused = []
    for act in waiting_about(projects, course=course):
        if replaced_by is not None and act.about == replaced_by.about:
            continue
        changed = _changed_since(act)
        if changed and refuse(act=act, why=partial(_why_not, changed), by=by, now=now):
            refused.append(Overtaken(act, changed))
    return refused


def _changed_since(act: HeldAct) -> list[int]:
    """Return the keys of the projects on which somebody decided since an act was asked for: 1 query."""
    decisions: dict[str, str] = act.references["decisions"]
    rows = {row.project_id: row for row in Assessment.objects.filter(project__in=map(int, decisions))}
    return [pk for pk in map(int, decisions) if version_of(rows.get(pk)) != decisions[str(pk)]]


def names_of(projects: Sequence[int]) -> str:
    """Return whose projects these are; beyond a few they are counted."""
    rows = with_names(Project.objects.filter(pk__in=projects[:_NAMED]).order_by("pk"))
    names, rest = [named(row) for row in rows], len(projects) - _NAMED
    if rest > 0:
        names.append(ngettext("and one more", "and %(count)d more", rest) % {"count": rest})
    return "; ".join(names) or "–"


def _why_not(changed: Sequence[int]) -> str:
    return _("Somebody decided anew meanwhile: %(what)s. Look at it, and publish again.") % {"what": names_of(changed)}


def publish_as_seen(act: HeldAct, now: datetime) -> str:
    """Publish what somebody wanted published, and return how much that is.

    Raises:
        RuleViolation: a decision is not the one that they saw, or there is nothing left.
    """
    decisions: dict[str, str] = act.references["decisions"]
    with transaction.atomic():
        locked = lock_projects(*map(int, decisions))
        changed = _changed_since(act)
        if changed or len(locked) != len(decisions):
            raise RuleViolation(_why_not(changed), code="changed-meanwhile")
        count = len(publish_assessments(projects=locked.values(), now=now))
    if not count:
        raise RuleViolation(_("All of it is published already."), code="nothing-left")
    return ngettext("%(count)d decision is published.", "%(count)d decisions are published.", count) % {"count": count}
