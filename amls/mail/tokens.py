"""Addresses by which a mail is switched off without signing in: an HMAC, nothing stored."""

from dataclasses import dataclass

from django.conf import settings
from django.core import signing
from django.urls import reverse

from amls.mail.categories import TOPICS

_SALT = "amls.mail.unsubscribe"


@dataclass(frozen=True, slots=True)
class Subscription:
    """One person's mails of one topic in one course."""

    user_pk: int
    course_pk: int
    topic: str


def unsubscribe_url(subscription: Subscription) -> str:
    """Return the absolute address that ends a subscription (RFC 8058)."""
    value = f"{subscription.user_pk}-{subscription.course_pk}-{subscription.topic}"
    token = signing.Signer(salt=_SALT, sep="~").sign(value)
    return settings.SITE_URL + reverse("mail:unsubscribe", args=[token])


def read_token(token: str) -> Subscription | None:
    """Return what a token stands for, or None if it is not one of ours."""
    try:
        user_pk, course_pk, topic = signing.Signer(salt=_SALT, sep="~").unsign(token).split("-", 2)
        subscription = Subscription(int(user_pk), int(course_pk), topic)
    except (signing.BadSignature, ValueError):
        return None
    return subscription if subscription.topic in TOPICS else None
