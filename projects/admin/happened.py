"""What happened to a project: its own history, and that of its decision by member and by task."""

from __future__ import annotations

from typing import Any

from pghistory.models import Events

from amls.desk.history import describe_events
from projects.models import Assessment, MemberAssessment, Project, TaskPoints

# Rows of the decision, which name the project by it alone.
_PARTS = (MemberAssessment, TaskPoints)


def events_of(project: Project, *, most: int) -> list[dict[str, Any]]:
    """Return what was changed of a project, its decision, the decisions on members and the points, the newest first.

    Args:
        project: any.
        most: so many at most.
    """
    every: Any = Events.objects
    events = list(every.references(project).order_by("-pgh_created_at")[:most])
    decision: Assessment | None = getattr(project, "assessment", None)
    if decision is not None:
        parts = every.references(decision).filter(pgh_obj_model__in=[model._meta.label for model in _PARTS])  # noqa: SLF001 - documented
        events += list(parts.order_by("-pgh_created_at")[:most])
    newest = sorted(events, key=lambda event: event.pgh_created_at, reverse=True)[:most]
    return describe_events(
        newest, about=("enrolment_id", "task_id"), said=("outcome", "extra_points", "points", "comment", "reason")
    )
