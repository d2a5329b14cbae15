"""A real mail server on loopback that counts, delays, refuses and drops."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import cast

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from pytest_django import Settings

from amls.mail.letters import letter_kinds
from tests.ports import free_port


@dataclass
class Postbox:
    """What the server took, and how it answers.

    Attributes:
        password: who doesn't sign in with it may send nothing; empty: everybody may.
        sender_answer: what it says to MAIL; empty: that it is fine.
        refusals: answers to RCPT by address, such as '550 No such person'.
        data_answers: answers to DATA, one per mail, before it takes mail again.
        on_mail: called with the count when a mail was taken, before the server says so.
        connections: how many greeted it.
    """

    mails: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    password: str = ""
    sender_answer: str = ""
    refusals: dict[str, str] = field(default_factory=dict)
    data_answers: list[str] = field(default_factory=list)
    on_mail: Callable[[int], None] | None = None
    connections: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        return responses

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: LoginPassword
    ) -> AuthResult:
        is_right = given.password.decode() == self.password
        return AuthResult(success=is_right, handled=False, message="535 5.7.8 Error: authentication failed")

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, mail_options: list[str]
    ) -> str:
        if self.password and not session.authenticated:
            return "530 5.7.0 Authentication required"
        if self.sender_answer:
            return self.sender_answer
        envelope.mail_from = address
        envelope.mail_options.extend(mail_options)
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        with self.lock:
            if self.data_answers:
                return self.data_answers.pop(0)
            content = cast("bytes", envelope.content)
            self.raw.append(content)
            self.mails.append(message_from_bytes(content, policy=policy.default))
            self.recipients.extend(envelope.rcpt_tos)
            count = len(self.mails)
        if self.on_mail is not None:
            self.on_mail(count)
        return "250 OK"


@pytest.fixture
def own_letters() -> Iterator[None]:
    """What a test writes of letters is forgotten after it."""
    with letter_kinds.replaced(dict(letter_kinds.items())):
        yield


@pytest.fixture
def postbox(settings: Settings) -> Iterator[Postbox]:
    """A mail server that Django is set to use."""
    box = Postbox()
    controller = Controller(
        box, hostname="127.0.0.1", port=free_port(), authenticator=box.authenticate, auth_require_tls=False
    )
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST = "127.0.0.1"
    settings.EMAIL_PORT = controller.port
    yield box
    controller.stop()
