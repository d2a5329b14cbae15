"""The staff's desk for exams."""

from exams.admin import exam, people, results, rules

__all__ = ["exam", "people", "results", "rules"]
