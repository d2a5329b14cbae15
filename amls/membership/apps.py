"""Who belongs to a course, and how: the roster, claims, joining."""

from django.apps import AppConfig


class MembershipConfig(AppConfig):
    """Who belongs to a course, and how: the roster, claims, joining."""

    name = "amls.membership"
