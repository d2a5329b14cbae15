"""By what somebody has proved who they are, beside what allauth keeps record of."""

from typing import NamedTuple

from django.http import HttpRequest

from amls.core.clock import database_clock
from amls.courses.models import User

# In the session.
_PROVED = "accounts.proved"


class Proof(NamedTuple):
    """A proof.

    Attributes:
        user: the key of who proved it.
        at: when, in seconds since 1970.
        how: by what, such as 'code'.
    """

    user: int
    at: float
    how: str


def note_proof(request: HttpRequest, user: User, *, how: str) -> None:
    """Note in the session that somebody has just proved who they are."""
    request.session[_PROVED] = Proof(user.pk, database_clock.now().timestamp(), how)


def proof_of(request: HttpRequest, user: User) -> Proof | None:
    """Return by what this person proved who they are in this session, or None."""
    noted = request.session.get(_PROVED)
    return Proof(*noted) if noted is not None and noted[0] == user.pk else None
