"""What addresses, time zones and names must look like."""

import re
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

# First segments of the installation's own addresses; tests compare them with the URLconf.
RESERVED_SLUGS = frozenset(
    {
        "accounts", "admin", "api", "calendar", "courses", "exports", "favicon.ico", "healthz", "language", "legal",
        "manifest.webmanifest", "media", "metrics", "new", "notices", "protected", "readyz", "receipts", "robots.txt", "search",
        "signed-in", "static", "unsubscribe", "worker.js",
    }
)  # fmt: skip


def validate_slug(value: str) -> None:
    """Refuse a course slug that would hide one of the installation's own addresses."""
    if not re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", value):
        raise ValidationError(
            _("Use lower-case letters, digits and single hyphens, such as 'amls-ss2024'."), code="slug-form"
        )
    if value in RESERVED_SLUGS:
        raise ValidationError(
            _("'%(slug)s' is an address of this site. Choose another one, such as '%(slug)s-ss2024'."),
            code="slug-reserved",
            params={"slug": value},
        )


def validate_timezone(value: str) -> None:
    """Refuse what is not an IANA time zone name."""
    if value not in available_timezones():
        raise ValidationError(
            _("'%(zone)s' is not a time zone. Use an IANA name such as 'Europe/Berlin'."),
            code="timezone",
            params={"zone": value},
        )


# Names stand in mails that others get: an address in one would lead them elsewhere.
is_a_name = RegexValidator(
    r"://|www\.|[\[\]<>{}\\]", _("A name has no addresses and no brackets in it."), inverse_match=True
)
