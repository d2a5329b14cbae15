"""DATABASE_URL: where the database is, as one address."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.core.exceptions import ImproperlyConfigured
from environ import Env

_FORM = "postgres://user:password@host/name"


def database_settings(url: str) -> dict[str, Any]:
    """Return Django's settings of the database, but for the engine.

    Args:
        url: the value of DATABASE_URL. A folder of a socket stands before the name: `postgres://user:@//var/run/postgresql/name`.

    Raises:
        ImproperlyConfigured: the address can't be used; the message says why.
    """
    # Nothing of the address is in what is said of it: it may be a piece of a password.
    try:
        parts = urlsplit(url)
        is_read = parts.port != 0 and "#" not in url and "@" not in parts.path
    except ValueError:
        is_read = False
    if not is_read:
        raise ImproperlyConfigured(
            f"DATABASE_URL can't be read as {_FORM}: a port is a number from 1 to 65535. Signs such as @, :, / and # in a user's "
            "name or password are written as %40, %3A, %2F and %23."
        )
    if parts.scheme not in ("postgres", "postgresql"):
        raise ImproperlyConfigured(f"DATABASE_URL must be a PostgreSQL's, such as {_FORM}.")
    if not parts.path.strip("/") and "service" not in parse_qs(parts.query):
        raise ImproperlyConfigured(f"DATABASE_URL names no database. Write {_FORM}.")
    settings: dict[str, Any] = Env.db_url_config(url)
    return settings
