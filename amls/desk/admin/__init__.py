"""Courses, people and how they sign in, at the staff's desk."""

from amls.desk.admin import accounts, course, enrolments, roster, signin

__all__ = ["accounts", "course", "enrolments", "roster", "signin"]
