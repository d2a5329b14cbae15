"""The staff's desk for projects."""

from projects.admin import extensions, invitations, passes, project, rules, topics

__all__ = ["extensions", "invitations", "passes", "project", "rules", "topics"]
