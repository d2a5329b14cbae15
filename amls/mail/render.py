"""From a letter to the mail that is sent: to whom, in which language, with which headers."""

import hashlib
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from email.header import Header
from email.message import Message
from email.utils import formataddr
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.core.validators import validate_email
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.encoding import punycode

from amls.accounts.log import owner_of
from amls.core.markdown import plain_text, with_whole_links
from amls.core.text import clean_line, no_markup
from amls.courses.models import Course
from amls.mail.copies import MARKER, Mold, date_of_mail
from amls.mail.letters import Letter, LetterKind, letter_kinds
from amls.mail.models import Notice
from amls.mail.tokens import Subscription, unsubscribe_url

_ONE_CLICK = {"List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


class Mail(EmailMultiAlternatives):
    """A mail whose parts are bounded by what its Message-ID is made of: none has to be searched for.

    Attributes:
        cast: what `message()` is in bytes with CRLF, at a tenth of the cost, where it came from a mold.
    """

    cast: bytes | None = None

    def message(self, **options: Any) -> Any:
        """Return the mail as MIME."""
        made: Message = super().message(**options)
        if made.is_multipart():
            made.set_boundary("=_" + self.extra_headers["Message-ID"].strip("<>").partition("@")[0])
        return made


@contextmanager
def in_place_of(notice: Notice) -> Iterator[None]:
    """Work in the language and the zone in which a notice's person reads."""
    zone = notice.course.zone if notice.course is not None else None
    with translation.override(language_of(notice)), timezone.override(zone):
        yield


def address_of(notice: Notice) -> str:
    """Return where a notice's mail goes."""
    return notice.recipient.email if notice.recipient is not None else notice.address


def language_of(notice: Notice) -> str:
    """Return the language in which a notice's mail is written: 1 query where a course writes to an address alone."""
    course, reader = notice.course, notice.recipient
    if reader is None and course is not None:
        reader = owner_of(notice.address)
    if reader is not None and reader.language:
        return reader.language
    if course is not None:
        return course.language
    # What belongs to no course was asked for on a page: its language.
    return str(notice.references.get("language") or settings.LANGUAGE_CODE)


def message_id(notice: Notice) -> str:
    """Return the notice's Message-ID, which follows from its key alone (RFC 5322, 3.6.4)."""
    digest = hashlib.sha256(notice.key.encode()).hexdigest()[:32]
    return f"<{digest}@{settings.SITE_HOST}>"


def preview(notice: Notice, now: datetime) -> Mail | None:
    """Return the mail that would go out for a notice, in its person's language; None if none would."""
    with in_place_of(notice):
        kind = letter_kinds[notice.kind]
        if kind.prepare is not None:
            kind.prepare([notice], now)
        letter = kind.writer(notice, now)
        return compose(notice, letter, kind) if letter is not None else None


def compose(notice: Notice, letter: Letter, kind: LetterKind) -> Mail:
    """Return the mail that a letter becomes: text and HTML, with its headers, in the active language.

    Raises:
        ValidationError: the address is none.
    """
    course, recipient = notice.course, notice.recipient
    address = address_of(notice)
    # A server that takes it would only send it back.
    validate_email(address)
    local, _at, domain = address.rpartition("@")
    address = f"{local}@{punycode(domain)}"
    to = formataddr((clean_line(recipient.display_name), address)) if recipient is not None else address
    head = _CourseHead.of(course) if course is not None else None
    headers = {"Message-ID": message_id(notice)}
    if kind.topic is None or course is None or recipient is None:
        text, html = _render(letter, head, says_why_always=head is not None and notice.kind != "mail.test")
        return _mail(letter, head, text, html, to=to, headers=headers)
    # Nothing in such an address would have to be encoded in HTML or MIME.
    address_to_stop = unsubscribe_url(Subscription(recipient.pk, course.pk, kind.topic.name))
    ways = [f"<{address_to_stop}>"]
    if course.contact_email:
        ways.append(f"<mailto:{course.contact_email}?subject=unsubscribe%20{kind.topic.name}>")
    headers |= {"List-Unsubscribe": ", ".join(ways), **_ONE_CLICK}
    site = (settings.SITE_URL, settings.DEFAULT_FROM_EMAIL)
    text, html, mold = _alike(letter, head, site, str(translation.get_language()))
    mail = _mail(
        letter,
        head,
        text.replace(MARKER, address_to_stop),
        html.replace(MARKER, address_to_stop),
        to=to,
        headers=headers,
    )
    if mold is not None:
        mail.cast = mold.cast(to, headers["Message-ID"], headers["List-Unsubscribe"], address_to_stop)
    return mail


@dataclass(frozen=True, slots=True)
class _CourseHead:
    """What a mail shows of its course."""

    title: str
    list_id: str
    slug: str
    contact: str

    @classmethod
    def of(cls, course: Course) -> "_CourseHead":
        list_id = f"{_phrase(course.title)} <{course.slug}.{settings.SITE_HOST}>"
        return cls(str(course), list_id, course.slug, course.contact_email)

    def __str__(self) -> str:
        return self.title


@lru_cache(maxsize=64)
def _alike(
    letter: Letter, head: _CourseHead | None, _site: tuple[str, str], _language: str
) -> tuple[str, str, Mold | None]:
    """Return text, HTML and mold of a letter that many get, written once; `MARKER` is the address that stops it."""
    text, html = _render(letter, head, unsubscribe_url=MARKER)
    headers = {"Message-ID": f"<{secrets.token_hex(16)}@{settings.SITE_HOST}>", **_ONE_CLICK}
    return text, html, Mold.of(_mail(letter, head, text, html, to="somebody@example.org", headers=headers))


def _mail(
    letter: Letter, head: _CourseHead | None, text: str, html: str, *, to: str, headers: Mapping[str, str]
) -> Mail:
    more = {"List-Id": head.list_id} if head is not None else {}
    mail = Mail(
        subject=clean_line(letter.subject),
        body=text,
        to=[to],
        reply_to=[head.contact] if head is not None and head.contact else None,
        headers={**headers, "Date": date_of_mail(), "Auto-Submitted": "auto-generated", **more},
    )
    mail.attach_alternative(html, "text/html")
    return mail


def _render(letter: Letter, head: _CourseHead | None, **more: object) -> tuple[str, str]:
    letter = replace(letter, text=with_whole_links(letter.text, settings.SITE_URL))
    context = {
        "letter": letter, "text": plain_text(letter.text), "course": head, "site_url": settings.SITE_URL, **more,
    }  # fmt: skip
    text = no_markup(render_to_string("mail/letter.txt", context))
    return text, render_to_string("mail/letter.html", context)


def _phrase(text: str) -> str:
    """Return words as they stand in a header: encoded where they are not of ASCII alone (RFC 2919, 3; RFC 2047, 5)."""
    kept = "".join(char for char in text if char.isalnum() or char in " -.,&")[:200]
    return kept if kept.isascii() else Header(kept, "utf-8").encode(linesep="").replace("\n", "")
