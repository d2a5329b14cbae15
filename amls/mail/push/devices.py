"""The devices on which a person is told: entered by their browser, taken off by them or when nobody is there."""

from datetime import datetime, timedelta
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amls.core.bounds import Bound, spend
from amls.core.text import clean_line
from amls.core.violations import RuleViolation
from amls.courses.models import User
from amls.mail.models import PushDevice
from amls.mail.push.keys import application_key, decoded

MOST_DEVICES = 10
_LONGEST_ENDPOINT = 1000
_ENTRIES = Bound(
    "mail.push-devices",
    most=30,
    per=timedelta(days=1),
    message=gettext_lazy("Notices were switched on %(most)s times today. Try again in %(wait)s."),
)


def add_device(*, user: User, endpoint: str, public_key: str, secret: str, name: str, now: datetime) -> PushDevice:
    """Tell the person on this device from now on; entered again it stands there once, with another person it is theirs.

    Args:
        user: whose device it is.
        endpoint: where its push service takes messages (RFC 8030), an https address.
        public_key: of the browser, `p256dh` (RFC 8291), base64url.
        secret: that it drew, `auth`, base64url.
        name: what people call it, such as 'Firefox on Android'.
        now: aware.

    Raises:
        RuleViolation: it is no such address or key, or too many devices were entered today.
    """
    if not (_is_endpoint(endpoint) and _is_point(public_key) and _has_length(secret, 16)):
        raise RuleViolation(
            _("This browser gave nothing by which it can be told. Try again, or use another browser."),
            code="bad-push-device",
        )
    with transaction.atomic():
        spend(_ENTRIES, who=user.pk, now=now)
        # What waits for whoever was told there before goes with the row.
        PushDevice.objects.filter(endpoint=endpoint).delete()
        device = PushDevice.objects.create(
            user=user, endpoint=endpoint, public_key=public_key, secret=secret, signed_by=application_key(),
            name=clean_line(name)[:100], created_at=now,
        )  # fmt: skip
        kept = PushDevice.objects.filter(user=user).order_by("-created_at", "-pk").values("pk")[:MOST_DEVICES]
        PushDevice.objects.filter(user=user).exclude(pk__in=list(kept.values_list("pk", flat=True))).delete()
    return device


def remove_device(*, user: User, pk: int | None = None, endpoint: str = "") -> int:
    """Tell the person no longer on a device of theirs, named by its key or its address; return how many that were."""
    named = {"pk": pk} if pk is not None else {"endpoint": endpoint}
    _count, by_model = PushDevice.objects.filter(user=user, **named).delete()
    return by_model.get(PushDevice._meta.label, 0)  # noqa: SLF001 - Django's public name for it


def _is_endpoint(text: str) -> bool:
    if len(text) > _LONGEST_ENDPOINT or not text.isascii():
        return False
    try:
        parts = urlsplit(text)
        has_port = parts.port != 0
    except ValueError:
        return False
    is_plain = not (parts.username or parts.password or parts.fragment) and not any(sign.isspace() for sign in text)
    return parts.scheme == "https" and bool(parts.hostname) and has_port and is_plain


def _has_length(text: str, length: int) -> bool:
    try:
        return len(text) <= 200 and len(decoded(text)) == length
    except ValueError:
        return False


def _is_point(text: str) -> bool:
    if not _has_length(text, 65):
        return False
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decoded(text))
    except ValueError:
        return False
    return True
