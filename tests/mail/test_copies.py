"""Mails that are cast from a mold are the very mails that they would be if each was written."""

from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime

import pytest
from django.core import mail as outbox
from django.utils import timezone, translation

from amls.core.clock import database_clock
from amls.courses.models import Course, User
from amls.mail.categories import REMINDERS
from amls.mail.connection import Postman
from amls.mail.letters import Letter, LetterKind
from amls.mail.models import Notice
from amls.mail.render import Mail, compose
from tests.mail.conftest import Postbox

pytestmark = pytest.mark.django_db
KIND = LetterKind(lambda _notice, _now: None, "Test", topic=REMINDERS)
NAMES = [
    "",
    "Ada Lovelace",
    'Ada "the first", Countess',
    "Größe Žižek",
    "Ä" * 150,
    "x" * 150,
    "Ada\r\nBcc: eve@example.org",
]


def mail_to(
    name: str, text: str = "Soon.", *, contact: str = "amls@example.org", address: str = "ada@example.org"
) -> Mail:
    course, _made = Course.objects.get_or_create(
        slug="amls", defaults={"title": "Größere Systeme & <mehr>", "term": "SS2024", "contact_email": contact}
    )
    person = User(pk=4711, email=address, display_name=name)
    notice = Notice(key=f"to {name}", kind="tests.mold", course=course, recipient=person, created_at=timezone.now())
    letter = Letter(subject="Ä – soon", text=text, action=("Open", "/amls/?a=1&b=2"), reason="You take part.")
    return compose(notice, letter, KIND)


def parsed(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, policy=policy.default)


def test_a_mail_s_date_is_the_database_s_whatever_the_worker_s_clock_says() -> None:
    there = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
    database_clock.set(there)
    mail = mail_to("Größe Žižek")
    assert mail.cast is not None
    for raw in (mail.cast, mail.message().as_bytes()):
        assert parsedate_to_datetime(parsed(raw)["Date"]).replace(tzinfo=UTC) - there < timedelta(hours=1)
        assert len(parsed(raw).get_all("Date", [])) == 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("contact", ["amls@example.org", ""])
@pytest.mark.parametrize("language", ["en", "de"])
def test_what_is_cast_says_what_would_have_been_written(name: str, contact: str, language: str) -> None:
    with translation.override(language):
        made = mail_to(name, "Über *alles*: größer & <b>fett</b>.\n\n- one\n- two", contact=contact)
    assert made.cast is not None
    assert all(len(line) <= 998 for line in made.cast.split(b"\r\n"))
    assert b"\n" not in made.cast.replace(b"\r\n", b"")
    quick, slow = parsed(made.cast), parsed(made.message().as_bytes(linesep="\r\n"))
    own = {"Date", "Content-Type"}
    assert sorted((key, str(value).strip()) for key, value in quick.items() if key not in own) == sorted(
        (key, str(value).strip()) for key, value in slow.items() if key not in own
    )
    assert quick["Date"].datetime - slow["Date"].datetime < timedelta(minutes=1)
    assert quick.get_content_type() == slow.get_content_type() == "multipart/alternative"
    assert quick.defects == []
    parts = list(zip(quick.iter_parts(), slow.iter_parts(), strict=True))
    assert [part.get_content_type() for part, _other in parts] == ["text/plain", "text/html"]
    for part, other in parts:
        assert part.items() == other.items()
        assert part.get_content() == other.get_content()
        assert ".invalid" not in part.get_content()
        assert part.get_content().count("/unsubscribe/4711-") == 1


def test_two_people_of_one_mold_get_their_own(postbox: Postbox) -> None:
    postman = Postman()
    mails = [mail_to("Ada"), mail_to("Bob", address="bob@example.org")]
    for mail in mails:
        assert mail.cast is not None
        postman.send(mail)
    postman.close()
    assert postbox.recipients == ["ada@example.org", "bob@example.org"]
    assert [str(mail["To"]) for mail in postbox.mails] == ["Ada <ada@example.org>", "Bob <bob@example.org>"]
    assert postbox.mails[0]["Message-ID"] != postbox.mails[1]["Message-ID"]
    assert postbox.connections == 1


def test_what_no_mold_can_say_is_written(postbox: Postbox) -> None:
    # A line that SMTP can't take is wrapped, maybe right through the address.
    wrapped = mail_to("Ada", "x" * 1200)
    assert wrapped.cast is None
    abroad = mail_to("Ada", address="ada@münchen.example")
    postman = Postman()
    for message in (wrapped, abroad):
        postman.send(message)
    postman.close()
    assert "x" * 1200 in postbox.mails[0].get_body(("plain",)).get_content()
    assert "/unsubscribe/4711-" in postbox.mails[0].get_body(("html",)).get_content()
    assert postbox.recipients[1] == "ada@xn--mnchen-3ya.example"


def test_other_backends_get_a_whole_mail() -> None:
    Postman().send(mail_to("Ada"))
    (sent,) = outbox.outbox
    assert sent.to == ["Ada <ada@example.org>"]
    assert "/unsubscribe/4711-" in str(sent.body)
