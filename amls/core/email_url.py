"""EMAIL_URL: where mail goes, as one address."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from environ import Env

# What the names mean, with the port of each (RFC 8314, RFC 6409; 25 for a server on this machine).
_SMTP_PORTS = {"smtp": 25, "smtp+tls": 587, "smtp+ssl": 465, "smtps": 465}
_FORMS = (
    "smtp://host, smtp+tls://user:password@host:587, smtp+ssl://user:password@host:465, "
    "consolemail:// or filemail:///folder"
)


def email_settings(url: str, *, folder: Path) -> dict[str, Any]:
    """Return Django's settings for mail.

    Args:
        url: the value of EMAIL_URL; empty means files in `folder`.
        folder: where mail is written if the address names no other place.

    Raises:
        ImproperlyConfigured: the address can't be used; the message says why.
    """
    if not url:
        url = "filemail://"
    # Nothing of the address is in what is said of it: it may be a piece of a password.
    try:
        parts = urlsplit(url)
        port = parts.port
        is_read = "@" not in parts.path
    except ValueError:
        is_read = False
    if not is_read:
        raise ImproperlyConfigured(
            "EMAIL_URL can't be read: a port is a number. Signs such as @, :, / and # in a user's name or password are written "
            "as %40, %3A, %2F and %23."
        )
    if parts.scheme not in Env.EMAIL_SCHEMES:
        raise ImproperlyConfigured(
            f"EMAIL_URL begins with '{parts.scheme}', which is no way to send mail. Write {_FORMS}."
        )
    if parts.fragment or parts.query:
        raise ImproperlyConfigured(
            "EMAIL_URL takes nothing after ? or #. Within a password they are written as %3F and %23."
        )
    values = {"EMAIL_BACKEND": Env.EMAIL_SCHEMES[parts.scheme]}
    if parts.scheme == "filemail":
        # A host would be the first folder of a path with a slash too few.
        if parts.netloc:
            raise ImproperlyConfigured(
                "EMAIL_URL: the folder of filemail begins with a third slash: filemail:///folder."
            )
        return {**values, "EMAIL_FILE_PATH": Path(parts.path) if parts.path.strip("/") else folder}
    if parts.scheme not in _SMTP_PORTS:
        return values
    if not parts.hostname:
        raise ImproperlyConfigured(f"EMAIL_URL names no mail server. Write {_FORMS}.")
    read = Env.email_url_config(url)
    return {
        **values,
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": port or _SMTP_PORTS[parts.scheme],
        "EMAIL_HOST_USER": read["EMAIL_HOST_USER"] or "",
        "EMAIL_HOST_PASSWORD": read["EMAIL_HOST_PASSWORD"] or "",
        "EMAIL_USE_TLS": parts.scheme == "smtp+tls",
        "EMAIL_USE_SSL": parts.scheme in ("smtp+ssl", "smtps"),
    }
