"""Each notice reaches its person once, and a bad one harms no other."""

import re
from collections import Counter
from datetime import datetime, timedelta
from email.header import decode_header, make_header

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from amls.agenda.services import reconcile
from amls.agenda.sources import Registry, deadline
from amls.courses.models import Course, Enrolment, User
from amls.courses.nameless import nameless_address
from amls.mail.letters import Letter, letter
from amls.mail.models import Notice
from amls.mail.outbox import notify
from amls.mail.reminders import plan_reminders
from amls.mail.render import message_id
from amls.mail.send import LEASE, deliver_due
from amls.mail.tokens import read_token
from tests.mail.conftest import Postbox
from tests.races import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _writers(own_letters: None) -> None:
    @letter("tests.greeting", label="Test")
    def greet(notice: Notice, now: datetime) -> Letter | None:
        if notice.references.get("is_over"):
            return None
        return Letter(
            subject=f"Hello\n{notice.references.get('name', 'you')}",
            text="Your **team** is registered.",
            action=("See your project", "/amls/projects/mine/"),
            reason="You get this mail because you registered a project.",
        )

    @letter("tests.broken", label="Test")
    def fail(notice: Notice, now: datetime) -> Letter | None:
        raise KeyError("topic")


@pytest.fixture
def course() -> Course:
    return Course.objects.create(
        slug="amls",
        title="Architecture of ML Systems",
        term="SS2024",
        state="running",
        contact_email="amls@example.org",
    )


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada@example.org", display_name="Ada\r\nBcc: eve@example.org")


def greet(key: str, **values: object) -> None:
    notify(key=key, kind="tests.greeting", now=timezone.now(), **values)


def test_a_notice_is_sent_once(postbox: Postbox, course: Course, ada: User) -> None:
    for _twice in range(2):
        greet("one", recipient=ada, course=course)
    assert deliver_due(now=timezone.now()) == 1
    assert deliver_due(now=timezone.now()) == 0
    assert postbox.recipients == ["ada@example.org"]
    notice = Notice.objects.get()
    assert (notice.state, notice.attempts, notice.sent_to) == ("sent", 1, "ada@example.org")


def test_a_letter_reads_well_and_carries_its_headers(postbox: Postbox, course: Course, ada: User) -> None:
    greet("one", recipient=ada, course=course)
    deliver_due(now=timezone.now())
    mail = postbox.mails[0]
    notice = Notice.objects.get()
    assert mail["Subject"] == "Hello you"
    assert mail["Message-ID"] == message_id(notice)
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Reply-To"] == "amls@example.org"
    assert mail["List-Id"] == "Architecture of ML Systems <amls.localhost>"
    assert "Bcc" not in mail
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert "See your project:\nhttp://localhost:8000/amls/projects/mine/" in plain.get_content().replace("\r\n", "\n")
    assert "<strong>team</strong>" in html.get_content()


@pytest.mark.parametrize("title", ["Datenbanksysteme für Größen", "Łukasz Şahin 山田 " * 11])
def test_a_list_is_named_with_all_letters_of_its_course(
    postbox: Postbox, course: Course, ada: User, title: str
) -> None:
    Course.objects.filter(pk=course.pk).update(title=title)
    greet("one", recipient=ada, course=course)
    deliver_due(now=timezone.now())
    mail = postbox.mails[0]
    assert str(make_header(decode_header(mail["List-Id"]))).split() == [*title.split(), "<amls.localhost>"]


def test_what_is_no_longer_true_is_dropped(postbox: Postbox, ada: User) -> None:
    greet("over", recipient=ada, references={"is_over": True})
    greet("late", recipient=ada, due_at=timezone.now() - timedelta(seconds=1))
    deliver_due(now=timezone.now())
    assert postbox.mails == []
    assert list(Notice.objects.values_list("state", flat=True)) == ["dropped", "dropped"]


def test_what_is_held_back_waits(postbox: Postbox, ada: User) -> None:
    now = timezone.now()
    greet("later", recipient=ada, not_before=now + timedelta(minutes=5))
    assert deliver_due(now=now) == 0
    assert deliver_due(now=now + timedelta(minutes=5)) == 1


def test_one_bad_address_does_not_block_the_others(postbox: Postbox, ada: User) -> None:
    postbox.refusals = {"gone@example.org": "550 No such person"}
    greet("gone", address="gone@example.org")
    notify(key="broken", kind="tests.broken", recipient=ada, now=timezone.now())
    notify(key="unknown", kind="tests.unknown", recipient=ada, now=timezone.now())
    greet("good", recipient=ada)
    deliver_due(now=timezone.now())
    states = dict(Notice.objects.values_list("key", "state"))
    assert states == {"gone": "failed", "broken": "failed", "unknown": "failed", "good": "sent"}
    assert "550" in Notice.objects.get(key="gone").last_error
    assert Notice.objects.get(key="broken").last_error == "KeyError: 'topic'"
    assert postbox.recipients == ["ada@example.org"]


def test_a_passing_refusal_is_tried_again_with_growing_pauses(postbox: Postbox, ada: User) -> None:
    greet("one", recipient=ada)
    now = timezone.now()
    pauses = []
    for _attempt in range(3):
        postbox.data_answers = ["451 Try again later"]
        assert deliver_due(now=now) == 1
        notice = Notice.objects.get()
        assert notice.state == "due"
        pauses.append(round((notice.not_before - now).total_seconds(), -1))
        now = notice.not_before
    assert pauses == [30, 60, 120]
    assert deliver_due(now=now) == 1
    assert Notice.objects.get().state == "sent"
    assert len(postbox.mails) == 1


def test_after_a_day_of_trying_it_fails_visibly(postbox: Postbox, ada: User) -> None:
    greet("one", recipient=ada)
    Notice.objects.update(created_at=timezone.now() - timedelta(days=1, seconds=1))
    postbox.data_answers = ["451 Try again later"]
    deliver_due(now=timezone.now())
    assert Notice.objects.get().state == "failed"


def test_a_server_that_is_down_loses_nothing(settings, ada: User) -> None:  # type: ignore[no-untyped-def]
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    greet("one", recipient=ada)
    deliver_due(now=timezone.now())
    notice = Notice.objects.get()
    assert (notice.state, notice.attempts) == ("due", 1)


def test_what_a_killed_worker_left_is_sent_after_its_lease_with_the_same_message_id(
    postbox: Postbox, ada: User
) -> None:
    greet("one", recipient=ada)
    now = timezone.now()
    Notice.objects.update(state="sending", leased_until=now + LEASE, attempts=1)
    assert deliver_due(now=now) == 0
    assert deliver_due(now=now + LEASE) == 1
    notice = Notice.objects.get()
    assert (notice.state, notice.attempts) == ("sent", 2)
    assert postbox.mails[0]["Message-ID"] == message_id(notice)


def test_a_rollback_sends_nothing(postbox: Postbox, ada: User) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        greet("one", recipient=ada)
        _ = 1 / 0
    assert deliver_due(now=timezone.now()) == 0
    assert postbox.mails == []


@pytest.mark.django_db(transaction=True)
def test_eight_workers_send_each_of_200_notices_once(postbox: Postbox) -> None:
    people = [User.objects.create_user(f"person{number}@example.org") for number in range(200)]
    for person in people:
        greet(f"hello:{person.pk}", recipient=person)
        greet(f"hello:{person.pk}", recipient=person)

    def work() -> None:
        while deliver_due(now=timezone.now(), limit=7):
            pass

    at_once([work] * 8)
    assert Counter(postbox.recipients) == {person.email: 1 for person in people}
    assert Notice.objects.filter(state="sent", attempts=1).count() == 200


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("notice_one_recipient", {"address": ""}),
        ("notice_state_valid", {"address": "a@example.org", "state": "posted"}),
        ("notice_lease_while_sending", {"address": "a@example.org", "state": "sending"}),
        ("notice_sent_has_time", {"address": "a@example.org", "state": "sent"}),
    ],
)
def test_the_database_refuses_what_can_never_be(name: str, values: dict[str, str]) -> None:
    now = timezone.now()
    with pytest.raises(IntegrityError, match=name):
        Notice.objects.create(key="x", kind="tests.greeting", not_before=now, created_at=now, **values)


def test_mails_of_one_letter_are_each_their_persons_own(postbox: Postbox, course: Course) -> None:
    now = timezone.now()
    people = [
        User.objects.create_user(
            f"p{number}@example.org", display_name=f"P {number}", language="de" if number % 2 else "en"
        )
        for number in range(6)
    ]
    Enrolment.objects.bulk_create(Enrolment(user=person, course=course) for person in people)
    Enrolment.objects.update(created_at=now - timedelta(days=30))
    known = Registry()
    known.items.named("tests")(
        lambda _course: [deadline(key="tests.due", title="Due <b>", due_at=now + timedelta(days=1))]
    )
    reconcile(course, now=now, known=known)
    assert plan_reminders(now=now) == len(people)
    deliver_due(now=now)
    by_address = {person.email: person for person in people}
    assert sorted(postbox.recipients) == sorted(by_address)
    for mail, address in zip(postbox.mails, postbox.recipients, strict=True):
        person = by_address[address]
        assert mail["To"] == f"{person.display_name} <{address}>"
        text, html = (part.get_content() for part in mail.iter_parts())
        tokens = set(re.findall(r"/unsubscribe/([^/>]+)/", " ".join([mail["List-Unsubscribe"], text, html])))
        (token,) = tokens
        subscription = read_token(token)
        assert subscription is not None
        assert subscription.user_pk == person.pk
        assert f'<html lang="{person.language}">' in html
        assert "Due &lt;b&gt;" in html
        assert "Due <b>" in text
        assert ("noch offen" in text) == (person.language == "de")
    # Written once for each language.
    assert len({mail.get_boundary() for mail in postbox.mails}) == 2


def test_what_waits_for_an_account_that_was_deleted_is_dropped(postbox: Postbox, course: Course, ada: User) -> None:
    greet("late", recipient=ada, course=course)
    User.objects.filter(pk=ada.pk).update(email=nameless_address(ada.pk))
    assert deliver_due(now=timezone.now()) == 1
    assert (postbox.recipients, Notice.objects.get().state) == ([], "dropped")
    greet("later", recipient=User.objects.get(pk=ada.pk), course=course)
    assert Notice.objects.count() == 1
