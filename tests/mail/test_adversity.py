"""Mail servers that hang, drop and refuse; limits; many people; deadlines that move meanwhile."""

import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from amls.agenda.models import AgendaItem
from amls.agenda.services import reconcile
from amls.agenda.sources import Registry, deadline
from amls.core import jobs
from amls.courses.models import Course, Enrolment, User
from amls.mail import tasks
from amls.mail.categories import ANNOUNCEMENTS
from amls.mail.connection import Postman
from amls.mail.health import health
from amls.mail.letters import Letter, letter
from amls.mail.models import Notice
from amls.mail.outbox import DELIVER, notify, notify_enrolled, retry_notices
from amls.mail.reminders import ensure_rules, plan_reminders
from amls.mail.send import BATCH, deliver_due
from tests.factories import CourseFactory
from tests.mail.conftest import Postbox
from tests.races import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _writers(own_letters: None) -> None:
    @letter("tests.plain", label="Test")
    def plain(notice: Notice, now: object) -> Letter:
        return Letter(subject="Hello", text="World", reason="Because.")

    @letter("tests.bulk", label="Test", topic=ANNOUNCEMENTS)
    def bulk(notice: Notice, now: object) -> Letter:
        return Letter(subject="Bulk", text="World", reason="Because.")


def make_people(count: int) -> list[User]:
    return User.objects.bulk_create([User(email=f"person{number}@example.org") for number in range(count)])


def enrol(people: list[User]) -> Course:
    course = CourseFactory.create()
    Enrolment.objects.bulk_create([Enrolment(user=person, course=course) for person in people])
    Enrolment.objects.update(created_at=timezone.now() - timedelta(days=100))
    return course


def enrol_many(count: int) -> Course:
    return enrol(make_people(count))


def send_to(people: list[User], kind: str = "tests.plain") -> None:
    for person in people:
        notify(key=f"{kind}:{person.pk}", kind=kind, recipient=person, now=timezone.now())


@pytest.fixture
def silence(settings: Settings) -> Iterator[list[float]]:
    """A server that accepts connections and says nothing; returns when each came."""
    came: list[float] = []
    listener = socket.create_server(("127.0.0.1", 0))
    kept: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                connection, _address = listener.accept()
            except OSError:
                return
            came.append(time.monotonic())
            kept.append(connection)

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", listener.getsockname()[1]
    settings.EMAIL_TIMEOUT = 0.3
    yield came
    listener.close()
    for line in kept:
        line.close()


def test_a_server_that_hangs_costs_two_timeouts_not_fifty(silence: list[float]) -> None:
    send_to(make_people(30))
    assert deliver_due(now=timezone.now()) == 30
    assert len(silence) == 2
    assert Counter(Notice.objects.values_list("state", "attempts")) == {("due", 1): 2, ("due", 0): 28}
    assert all("timed out" in text for text in Notice.objects.filter(attempts=1).values_list("last_error", flat=True))


def test_a_dropped_connection_is_opened_again(postbox: Postbox, settings: Settings) -> None:
    postman = Postman()
    send_to(make_people(3))
    try:
        assert deliver_due(now=timezone.now(), limit=1, postman=postman) == 1
        # The server (or a firewall) closed it meanwhile.
        postman._connection.connection.sock.shutdown(socket.SHUT_RDWR)
        postman._last_used -= 10
        assert deliver_due(now=timezone.now(), postman=postman) == 2
    finally:
        postman.close()
    assert len(postbox.mails) == 3
    assert set(Notice.objects.values_list("state", "attempts")) == {("sent", 1)}


def test_a_server_that_hangs_up_after_a_refusal_costs_no_further_mail_a_pause(postbox: Postbox) -> None:
    postbox.data_answers = ["421 4.7.0 Try again later, closing connection"]
    send_to(make_people(3))
    assert deliver_due(now=timezone.now()) == 3
    # The first waits for its next attempt, the others went over a connection of their own.
    assert Counter(Notice.objects.values_list("state", "attempts")) == {("due", 1): 1, ("sent", 1): 2}


def test_refused_addresses_leave_the_connection_open(postbox: Postbox) -> None:
    people = make_people(6)
    postbox.refusals = {person.email: "550 no such person" for person in people[:3]}
    send_to(people)
    deliver_due(now=timezone.now())
    assert Counter(Notice.objects.values_list("state", flat=True)) == {"failed": 3, "sent": 3}
    assert postbox.connections == 1


def test_a_recipient_whom_the_server_may_not_serve_holds_up_no_other(postbox: Postbox) -> None:
    """It takes mail for the university, and refuses to pass others' on: that is the installation's to mend."""
    people = make_people(6)
    postbox.refusals = {
        people[0].email: f"554 5.7.1 <{people[0].email}>: Relay access denied",
        people[1].email: "550 relay not permitted",
        people[2].email: "454 4.7.1 Relay access denied",
        people[3].email: "550 5.1.1 User unknown in relay recipient table",
        people[4].email: "550 5.7.1 This mailbox takes no mail from outside",
    }
    send_to(people)
    deliver_due(now=timezone.now())
    states = dict(Notice.objects.values_list("recipient__email", "state"))
    assert [states[person.email] for person in people] == ["due", "due", "due", "failed", "failed", "sent"]
    assert health(now=timezone.now()).refused == {"EMAIL_URL": 3}


def test_an_address_that_has_the_word_relay_in_it_is_refused_as_any_other(postbox: Postbox) -> None:
    person = User.objects.create(email="relay@example.org")
    postbox.refusals = {person.email: "550 <relay@example.org>: no such person"}
    send_to([person])
    deliver_due(now=timezone.now())
    assert Notice.objects.get().state == "failed"


def test_a_mail_that_is_too_large_for_the_server_fails_alone(postbox: Postbox) -> None:
    send_to(make_people(1))
    postbox.sender_answer = "552 5.3.4 Message size exceeds fixed maximum message size"
    deliver_due(now=timezone.now())
    assert Notice.objects.get().state == "failed"
    assert health(now=timezone.now()).refused == {}


def _wants_another_password(postbox: Postbox, settings: Settings) -> None:
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "amls", "of-before"
    postbox.password = "of-today"


def _wants_a_password(postbox: Postbox, settings: Settings) -> None:
    postbox.password = "of-today"


def _is_given_a_password_that_no_server_takes(postbox: Postbox, settings: Settings) -> None:
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "amls", "größer"


def _knows_no_such_sender(postbox: Postbox, settings: Settings) -> None:
    postbox.sender_answer = "550 5.7.1 You may not send as this address"


def _knows_no_such_sender_and_says_so_late(postbox: Postbox, settings: Settings) -> None:
    answer = "550 5.1.8 <no-reply@localhost>: Sender address rejected: Domain not found"
    postbox.refusals = dict.fromkeys(User.objects.values_list("email", flat=True), answer)


def _passes_nothing_on(postbox: Postbox, settings: Settings) -> None:
    answer = "554 5.7.1 Relay access denied"
    postbox.refusals = dict.fromkeys(User.objects.values_list("email", flat=True), answer)


@pytest.mark.parametrize(
    ("refuse", "setting"),
    [
        (_wants_another_password, "EMAIL_URL"),
        (_wants_a_password, "EMAIL_URL"),
        (_is_given_a_password_that_no_server_takes, "EMAIL_URL"),
        (_passes_nothing_on, "EMAIL_URL"),
        (_knows_no_such_sender, "DEFAULT_FROM_EMAIL"),
        (_knows_no_such_sender_and_says_so_late, "DEFAULT_FROM_EMAIL"),
    ],
)
def test_a_server_that_refuses_the_installation_loses_no_mail_and_the_setting_is_named(
    postbox: Postbox, settings: Settings, refuse: Callable[[Postbox, Settings], None], setting: str
) -> None:
    send_to(make_people(4))
    refuse(postbox, settings)
    deliver_due(now=timezone.now())
    tried = Notice.objects.filter(state="due", attempts=1, last_error__startswith=f"{setting}: ").count()
    assert Counter(Notice.objects.values_list("state", flat=True)) == {"due": 4}
    # Where nothing can be sent at all the server is asked twice, not for each mail.
    assert tried == (4 if postbox.refusals else 2)
    assert health(now=timezone.now()).refused == {setting: tried}
    assert health(now=timezone.now(), courses=[]).refused == {setting: tried}

    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = ("amls", "of-today") if postbox.password else ("", "")
    postbox.sender_answer, postbox.refusals = "", {}
    later = timezone.now() + timedelta(minutes=5)
    deliver_due(now=later)
    assert Counter(Notice.objects.values_list("state", flat=True)) == {"sent": 4}
    assert health(now=later).refused == {}


def test_a_worker_told_to_stop_fails_no_mail(postbox: Postbox) -> None:
    people = make_people(3)

    @letter("tests.slow", label="Test")
    def slow(notice: Notice, now: object) -> Letter:
        raise SoftTimeLimitExceeded

    send_to(people[:1], "tests.slow")
    send_to(people[1:])
    with pytest.raises(SoftTimeLimitExceeded):
        deliver_due(now=timezone.now())
    # They go again when the claim has run out.
    assert Counter(Notice.objects.values_list("state", flat=True)) == {"sending": 3}


@pytest.mark.django_db(transaction=True)
def test_a_long_round_ends_and_rings_for_the_next(postbox: Postbox, monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[str] = []
    monkeypatch.setattr("celery.current_app.send_task", lambda name, **_options: rung.append(name))
    send_to(make_people(BATCH + 3))
    rung.clear()
    monkeypatch.setattr(jobs, "LONGEST_ROUND_SECONDS", 0.0)
    assert tasks.deliver() == BATCH
    assert rung == [DELIVER]
    assert len(postbox.mails) == BATCH
    assert tasks.deliver() == 3


@pytest.mark.django_db(transaction=True)
def test_where_more_than_a_batch_is_due_another_process_is_called_once(
    postbox: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[str] = []
    monkeypatch.setattr("celery.current_app.send_task", lambda name, **_options: rung.append(name))
    people = make_people(2 * BATCH + 6)
    send_to(people[3:])
    rung.clear()
    assert tasks.deliver() == 2 * BATCH + 3
    assert rung == [DELIVER]
    send_to(people[:3])
    rung.clear()
    assert tasks.deliver() == 3
    assert rung == []


def test_what_was_tried_for_a_day_counts_as_a_failure_of_today(postbox: Postbox) -> None:
    person = make_people(1)[0]
    postbox.refusals = {person.email: "450 mailbox busy"}
    send_to([person])
    later = timezone.now() + timedelta(days=1, hours=1)
    deliver_due(now=later)
    assert Notice.objects.get().state == "failed"
    assert health(now=later + timedelta(hours=23)).failed == 1
    assert health(now=later + timedelta(hours=25)).failed == 0


def test_who_left_the_course_gets_no_more_of_its_bulk_mail(postbox: Postbox) -> None:
    gone, here = make_people(2)
    course = enrol([gone, here])
    for kind in ("tests.bulk", "tests.plain"):
        for user in (gone, here):
            notify(key=f"{kind}:{user.pk}", kind=kind, recipient=user, course=course, now=timezone.now())
    Enrolment.objects.filter(user=gone).delete()
    deliver_due(now=timezone.now())
    told = sorted((mail["To"].addresses[0].addr_spec, mail["Subject"]) for mail in postbox.mails)
    assert told == [(gone.email, "Hello"), (here.email, "Bulk"), (here.email, "Hello")]


def test_one_connection_carries_many_mails(postbox: Postbox) -> None:
    send_to(make_people(120))
    postman = Postman()
    try:
        while deliver_due(now=timezone.now(), postman=postman):
            pass
    finally:
        postman.close()
    assert len(postbox.mails) == 120
    assert postbox.connections == 2


def test_a_limit_per_minute_holds_and_leaves_room_for_what_is_urgent(postbox: Postbox, settings: Settings) -> None:
    settings.MAIL_PER_MINUTE = 20
    people = make_people(40)
    course = enrol(people)
    for person in people:
        notify(key=f"b:{person.pk}", kind="tests.bulk", recipient=person, course=course, now=timezone.now())
    now = timezone.now()
    while deliver_due(now=now, limit=7):
        pass
    assert len(postbox.mails) == 18
    send_to(people[:5])
    now = timezone.now()
    while deliver_due(now=now, limit=7):
        pass
    assert [mail["Subject"] for mail in postbox.mails].count("Hello") == 2
    assert len(postbox.mails) == 20
    while deliver_due(now=now + timedelta(seconds=61), limit=7):
        pass
    assert [mail["Subject"] for mail in postbox.mails].count("Hello") == 5
    assert len(postbox.mails) == 38


def test_what_is_urgent_overtakes_bulk(postbox: Postbox) -> None:
    people = make_people(60)
    course = enrol(people)
    for person in people:
        notify(key=f"b:{person.pk}", kind="tests.bulk", recipient=person, course=course, now=timezone.now())
    send_to(people[:1])
    deliver_due(now=timezone.now(), limit=10)
    assert postbox.mails[0]["Subject"] == "Hello"


@pytest.mark.parametrize(
    "address", ["no-at-sign", "a@b@c", "two words@example.org", "x" * 300 + "@example.org", "a@exa\nmple.org"]
)
def test_a_broken_address_fails_visibly_and_alone(postbox: Postbox, address: str) -> None:
    good, bad = make_people(2)
    send_to([bad, good])
    User.objects.filter(pk=bad.pk).update(email=address[:254])
    deliver_due(now=timezone.now())
    states = dict(Notice.objects.values_list("recipient_id", "state"))
    assert states[good.pk] == "sent"
    assert states[bad.pk] == "failed"
    assert Notice.objects.get(recipient=bad).last_error


def test_staff_try_failed_mails_again(postbox: Postbox) -> None:
    person = make_people(1)[0]
    postbox.refusals = {person.email: "550 mailbox full"}
    send_to([person])
    deliver_due(now=timezone.now())
    assert Notice.objects.get().state == "failed"
    postbox.refusals = {}
    assert retry_notices(notices=Notice.objects.all(), now=timezone.now()) == 1
    assert retry_notices(notices=Notice.objects.all(), now=timezone.now()) == 0
    deliver_due(now=timezone.now())
    assert Notice.objects.get().state == "sent"


def test_logs_hold_no_address_and_no_token(postbox: Postbox, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="amls")
    people = make_people(2)
    postbox.refusals = {people[0].email: "550 no"}
    send_to(people)
    deliver_due(now=timezone.now())
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("amls")]
    assert len(lines) == 2
    assert "@" not in " ".join(lines)


def test_a_thousand_people_are_planned_in_the_few_statements_of_three() -> None:
    people, now = make_people(1_000), timezone.now()
    known = Registry()
    known.items.named("tests")(lambda course: [deadline(key="tests.due", title="Due", due_at=now + timedelta(days=1))])

    def statements_for(count: int) -> tuple[int, int]:
        course = enrol(people[:count])
        reconcile(course, now=now, known=known)
        ensure_rules(course)
        with CaptureQueriesContext(connection) as planned:
            assert plan_reminders(now=now, course=course) == count
            assert plan_reminders(now=now, course=course) == 0
        with CaptureQueriesContext(connection) as told:
            enrolments = Enrolment.objects.filter(course=course)
            assert count == notify_enrolled(
                enrolments, course=course, key=f"x{course.pk}", kind="tests.bulk", now=now, references={}
            )
        assert Notice.objects.filter(course=course, priority=1).count() == 2 * count
        return len(planned), len(told)

    planned, told = statements_for(3)
    assert (planned <= 12, told <= 4) == (True, True)
    assert statements_for(1_000) == (planned, told)


@pytest.mark.django_db(transaction=True)
def test_a_deadline_that_moves_while_its_reminders_are_sent_stops_the_rest_at_once(postbox: Postbox) -> None:
    course = enrol_many(BATCH)
    now = timezone.now()
    moment = {"due": now + timedelta(days=1)}
    known = Registry()
    known.items.named("tests")(lambda course: [deadline(key="tests.due", title="Due", due_at=moment["due"])])
    reconcile(course, now=now, known=known)
    assert plan_reminders(now=now) == BATCH

    def move() -> None:
        moment["due"] += timedelta(days=7)
        reconcile(course, now=now, known=known)

    def on_mail(count: int) -> None:
        if count == 10:
            at_once([move])

    postbox.on_mail = on_mail
    deliver_due(now=now)
    # The tenth was on its way when the deadline moved; none of the old time left after it.
    assert len(postbox.mails) == 10
    assert Counter(Notice.objects.values_list("state", flat=True)) == {"sent": 10, "dropped": BATCH - 10}
    assert AgendaItem.objects.get().ends_at == moment["due"]
    plan_reminders(now=moment["due"] - timedelta(days=1))
    while deliver_due(now=moment["due"] - timedelta(days=1)):
        pass
    assert len(postbox.mails) == 10 + BATCH
    assert len({mail["Message-ID"] for mail in postbox.mails}) == 10 + BATCH
