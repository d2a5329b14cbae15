"""Publishing decisions a few minutes after it was asked for: as they were seen, or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from amls.core.violations import RuleViolation
from amls.courses.models import Course
from amls.desk.holding import WantedAct
from amls.held.models import HeldAct
from projects.models import Assessment, Project
from projects.services.assessing import publish_assessments, version_of
from projects.services.locks import lock_projects

KIND = "projects.publish"


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


def publish_as_seen(act: HeldAct, now: datetime) -> str:
    """Publish what somebody wanted published, and return how much that is.

    Raises:
        RuleViolation: a decision is not the one that they saw, or there is nothing left.
    """
    decisions: dict[str, str] = act.references["decisions"]
    with transaction.atomic():
        locked = lock_projects(*map(int, decisions))
        rows = {row.project_id: row for row in Assessment.objects.filter(project__in=locked)}
        changed = [str(locked[pk]) for pk in locked if version_of(rows.get(pk)) != decisions[str(pk)]]
        if changed or len(locked) != len(decisions):
            raise RuleViolation(
                _("Somebody decided anew meanwhile: %(what)s. Look at it, and publish again.")
                % {"what": ", ".join(changed) or "–"},
                code="changed-meanwhile",
            )
        count = len(publish_assessments(projects=locked.values(), now=now))
    if not count:
        raise RuleViolation(_("All of it is published already."), code="nothing-left")
    return ngettext("%(count)d decision is published.", "%(count)d decisions are published.", count) % {"count": count}
