"""Where sessions are: in the database, as Django keeps them, but each page reads its own by a statement that is made once."""

from functools import cache
from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.utils import timezone

from amls.core.statements import Parameter, Statement


class SessionStore(db.SessionStore):
    """Django's store of sessions in the database."""

    def load(self) -> dict[str, Any]:
        """Return what the session holds: 1 query; nothing, and another key from now on, where there is none or it is over."""
        rows = _sessions().run({"key": self.session_key, "now": timezone.now()})
        session: dict[str, Any] = self.decode(rows[0][0]) if rows else super().load()
        return session


@cache
def _sessions() -> Statement:
    rows = Session.objects.filter(session_key=Parameter("key"), expire_date__gt=Parameter("now"))
    return Statement.of(rows.values_list("session_data"))
