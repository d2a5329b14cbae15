"""The staff's desk for projects."""

from projects.admin import extensions, others, project, rules, topics

__all__ = ["extensions", "others", "project", "rules", "topics"]
