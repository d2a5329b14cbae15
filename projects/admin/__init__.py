"""The staff's desk for projects."""

from projects.admin import allocations, extensions, invitations, passes, placements, project, rules, topics

__all__ = ["allocations", "extensions", "invitations", "passes", "placements", "project", "rules", "topics"]
