"""What the staff of a course know of one person: on one page, in a fixed number of queries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.db.models import Q
from pghistory.models import Events

from amls.courses.models import Enrolment, RosterEntry
from amls.desk.history import describe_events
from amls.mail.letters import label_of
from amls.mail.models import Notice
from exams.models import Accommodation, Registration
from projects.models import Project
from projects.progress import desk_views, names_of
from projects.queries import TeamView, with_team

_MAILS, _CHANGES = 20, 40


@dataclass(frozen=True, slots=True)
class SignInState:
    """How somebody gets in.

    Attributes:
        last_at: when they signed in last; None if never.
        is_proven: whether their address is.
        has_factor: whether a second factor is set up.
        is_on_roster: whether they came by the course's roster.
    """

    last_at: datetime | None
    is_active: bool
    is_proven: bool
    has_factor: bool
    is_on_roster: bool


def sign_in_of(enrolment: Enrolment) -> SignInState:
    """Return how the person signs in: 3 queries."""
    user = enrolment.user
    return SignInState(
        user.last_login,
        user.is_active,
        EmailAddress.objects.filter(user=user, email__iexact=user.email, verified=True).exists(),
        Authenticator.objects.filter(user=user).exists(),
        RosterEntry.objects.filter(enrolment=enrolment).exists(),
    )


def teams_of(enrolment: Enrolment) -> list[tuple[TeamView, list[str]]]:
    """Return all teams that the person is or was in, the newest first, with the names of their members: 6 queries."""
    rows = Project.objects.filter(memberships__enrolment=enrolment).distinct().order_by("-pk")
    return [(view, names_of(view)) for view in desk_views(with_team(rows)).values()]


def exams_of(enrolment: Enrolment) -> list[Registration]:
    """Return all that the person signed up for, with seats and results, the newest first: 1 query."""
    rows = Registration.objects.filter(enrolment=enrolment).select_related("exam__course", "seat__room", "result")
    return list(rows.order_by("-exam__starts_at", "-pk"))


def accommodation_of(enrolment: Enrolment) -> Accommodation | None:
    """Return what is granted to the person: 1 query."""
    return Accommodation.objects.filter(enrolment=enrolment).first()


def mails_to(enrolment: Enrolment) -> list[tuple[Notice, str]]:
    """Return the last mails of the course to the person, with what kind each is: 1 query.

    Nothing of other courses, and no mail of their account.
    """
    rows = Notice.objects.filter(course=enrolment.course).filter(
        Q(recipient=enrolment.user) | Q(address__iexact=enrolment.user.email)
    )
    return [(row, label_of(row.kind)) for row in rows.order_by("-created_at", "-pk")[:_MAILS]]


def history_of(enrolment: Enrolment) -> list[dict[str, Any]]:
    """Return in words what changed last of the person's part in the course and of all that hangs on it, the newest first."""
    events: Any = Events.objects
    return describe_events(events.references(enrolment).order_by("-pgh_created_at")[:_CHANGES])
