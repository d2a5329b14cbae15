"""The staff's desk for lectures."""

from lectures.admin import lecture, schedule

__all__ = ["lecture", "schedule"]
