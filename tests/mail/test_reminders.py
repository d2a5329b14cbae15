"""Reminders come once, at the right wall-clock time, to those for whom it is still open."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command

from amls.agenda.models import ItemKind
from amls.agenda.services import reconcile, reconcile_people
from amls.agenda.sources import Item, Registry, all_day, deadline, opening
from amls.courses.models import Course, Enrolment
from amls.mail.categories import REMINDERS
from amls.mail.models import Notice, ReminderRule
from amls.mail.preferences import set_preference
from amls.mail.reminders import KIND, ensure_rules, plan_reminders, remind_at_of, timeline
from amls.mail.send import deliver_due
from amls.mail.still_due import still_due
from tests.cast import Cast
from tests.mail.conftest import Postbox

pytestmark = pytest.mark.django_db
BERLIN = ZoneInfo("Europe/Berlin")
DUE = datetime(2024, 7, 8, 23, 59, tzinfo=BERLIN)
KEY = "tests.submission"


@pytest.fixture
def says() -> dict[str, Item]:
    return {}


@pytest.fixture
def personal() -> dict[int, Item]:
    return {}


@pytest.fixture
def source(says: dict[str, Item], personal: dict[int, Item]) -> Registry:
    known = Registry()
    known.items.named("tests")(lambda course: list(says.values()))
    known.personal_items.named("tests")(
        lambda _course, people: {person.pk: [personal[person.pk]] for person in people if person.pk in personal}
    )
    return known


@pytest.fixture(autouse=True)
def _judges() -> Iterator[None]:
    with still_due.replaced(dict(still_due.items())):
        yield


def say(cast: Cast, source: Registry, says: dict[str, Item], *items: Item, now: datetime | None = None) -> None:
    says.update({item.key: item for item in items})
    reconcile(cast.course, now=now or DUE - timedelta(days=60), known=source)
    Enrolment.objects.update(created_at=DUE - timedelta(days=90))


def due(at: datetime = DUE, key: str = KEY) -> Item:
    return deadline(key=key, title="Project submission deadline", due_at=at, path="/amls/")


def only_rule(cast: Cast, **lead: int) -> None:
    """Keep one of the default rules."""
    ensure_rules(cast.course)
    ReminderRule.objects.exclude(**lead).delete()


def planned(now: datetime) -> list[tuple[str, datetime]]:
    plan_reminders(now=now)
    rows = Notice.objects.filter(kind=KIND, state="due").select_related("recipient").order_by("not_before", "pk")
    return [(row.recipient.email, row.not_before) for row in rows]


def test_the_default_rules_remind_a_week_three_days_a_day_and_three_hours_before(
    cast: Cast, source: Registry, says: dict[str, Item], postbox: Postbox
) -> None:
    say(cast, source, says, due())
    told = []
    now = DUE - timedelta(days=8)
    while now < DUE + timedelta(hours=2):
        plan_reminders(now=now)
        deliver_due(now=now)
        told += [(mail["To"].addresses[0].addr_spec, now) for mail in postbox.mails]
        postbox.mails.clear()
        now += timedelta(minutes=30)
    # 23:59 is told by the round at or after it.
    times = [DUE - timedelta(days=days) for days in (7, 3, 1)] + [DUE - timedelta(hours=3)]
    for person in ("student@example.org", "other@example.org"):
        mine = [at for email, at in told if email == person]
        assert len(mine) == 4
        assert all(timedelta(0) <= at - time < timedelta(minutes=30) for at, time in zip(mine, times, strict=True))
    assert len(told) == 8
    assert Notice.objects.filter(kind=KIND, state="sent").count() == 8


def test_a_deadline_whose_time_is_open_is_reminded_of_by_its_day_and_never_on_it(
    cast: Cast, source: Registry, says: dict[str, Item], postbox: Postbox
) -> None:
    day = all_day(DUE.date(), DUE.date(), BERLIN)
    elsewhere = "https://isis.example.org/sheet-1"
    say(cast, source, says, Item(key=KEY, kind=ItemKind.DEADLINE, title="Sheet 1", path=elsewhere, **day))
    only_rule(cast, days=1)
    midnight = DUE.replace(hour=0, minute=0)
    assert planned(midnight - timedelta(days=1)) == [
        (address, midnight - timedelta(days=1)) for address in ("student@example.org", "other@example.org")
    ]
    deliver_due(now=midnight - timedelta(days=1))
    mail = postbox.mails[0]
    text = mail.get_body(("plain",)).get_content()
    assert mail["Subject"] == "Sheet 1: Mon 8 Jul, time open"
    assert "Mon 8 Jul, time open (Europe/Berlin), tomorrow." in text
    assert elsewhere in text.splitlines()
    assert planned(midnight) == []


def test_a_second_sweep_plans_nothing(cast: Cast, source: Registry, says: dict[str, Item]) -> None:
    say(cast, source, says, due())
    now = DUE - timedelta(days=3)
    assert plan_reminders(now=now) == 2
    assert plan_reminders(now=now) == 0
    assert plan_reminders(now=now + timedelta(minutes=1)) == 0


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        # Over the change to summer time (31 March 2024) a day is 23 hours, over the one back 25.
        (datetime(2024, 3, 31, 12, 0, tzinfo=BERLIN), datetime(2024, 3, 30, 12, 0, tzinfo=BERLIN)),
        (datetime(2024, 10, 27, 12, 0, tzinfo=BERLIN), datetime(2024, 10, 26, 12, 0, tzinfo=BERLIN)),
        (datetime(2024, 4, 1, 2, 30, tzinfo=BERLIN), datetime(2024, 3, 31, 3, 30, tzinfo=BERLIN)),
        (datetime(2024, 10, 28, 2, 30, tzinfo=BERLIN), datetime(2024, 10, 27, 1, 30, tzinfo=UTC)),
    ],
)
def test_a_day_before_is_by_the_wall_clock(
    cast: Cast, source: Registry, says: dict[str, Item], moment: datetime, expected: datetime
) -> None:
    say(cast, source, says, due(moment), now=moment - timedelta(days=20))
    Enrolment.objects.update(created_at=moment - timedelta(days=30))
    only_rule(cast, days=1)
    assert planned(expected.astimezone(UTC) - timedelta(hours=2)) == []
    assert {at for _who, at in planned(expected)} == {expected.astimezone(UTC)}
    rule = ReminderRule.objects.get(course=cast.course, days=1)
    assert remind_at_of(moment, rule, cast.course) == expected.astimezone(UTC)


def test_hours_go_by_the_stopwatch(cast: Cast, source: Registry, says: dict[str, Item]) -> None:
    moment = datetime(2024, 3, 31, 4, 0, tzinfo=BERLIN)
    say(cast, source, says, due(moment), now=moment - timedelta(days=20))
    Enrolment.objects.update(created_at=moment - timedelta(days=30))
    assert planned(moment.astimezone(UTC) - timedelta(hours=3))[0][1] == datetime(2024, 3, 30, 23, 0, tzinfo=UTC)


def test_nothing_comes_after_the_end(cast: Cast, source: Registry, says: dict[str, Item], postbox: Postbox) -> None:
    say(cast, source, says, due())
    last = DUE + timedelta(seconds=59)
    assert len(planned(last)) == 2
    deliver_due(now=DUE + timedelta(minutes=1))
    assert postbox.mails == []
    assert planned(DUE + timedelta(minutes=1)) == []


def test_who_has_handed_in_is_left_alone_decided_when_it_is_sent(
    cast: Cast, source: Registry, says: dict[str, Item], postbox: Postbox
) -> None:
    done: set[int] = set()
    asked: list[int] = []

    @still_due.named("tests.")
    def judge(course: Course, key: str, people: Sequence[Enrolment], now: datetime) -> set[int]:
        asked.append(len(people))
        return {person.pk for person in people} - done

    say(cast, source, says, due())
    now = DUE - timedelta(days=1)
    assert len(planned(now)) == 2
    done.add(cast.student.pk)
    deliver_due(now=now)
    assert postbox.recipients == ["other@example.org"]
    # One question for the whole batch.
    assert asked == [2]
    assert sorted(Notice.objects.values_list("recipient__email", "state")) == [
        ("other@example.org", "sent"), ("student@example.org", "dropped"),
    ]  # fmt: skip
    # The drop is not planned again.
    assert planned(now) == []


def test_a_moved_deadline_drops_the_old_and_plans_the_new(
    cast: Cast, source: Registry, says: dict[str, Item], postbox: Postbox
) -> None:
    say(cast, source, says, due())
    assert len(planned(DUE - timedelta(days=3, minutes=30))) == 2
    say(cast, source, says, due(DUE + timedelta(days=7)))
    # Also if no sweep came between: what was planned is not sent.
    deliver_due(now=DUE - timedelta(days=3))
    assert postbox.mails == []
    assert planned(DUE - timedelta(days=3)) == []
    assert {at for _who, at in planned(DUE)} == {DUE.astimezone(UTC)}
    # Back again: it is told after all, once.
    say(cast, source, says, due())
    plan_reminders(now=DUE - timedelta(days=3))
    deliver_due(now=DUE - timedelta(days=3))
    assert sorted(postbox.recipients) == ["other@example.org", "student@example.org"]


def test_a_moved_deadline_is_told_anew_even_by_a_rule_that_told_the_old(
    cast: Cast, source: Registry, says: dict[str, Item], postbox: Postbox
) -> None:
    say(cast, source, says, due())
    plan_reminders(now=DUE - timedelta(days=1))
    deliver_due(now=DUE - timedelta(days=1))
    say(cast, source, says, due(DUE + timedelta(days=2)))
    plan_reminders(now=DUE + timedelta(days=1))
    deliver_due(now=DUE + timedelta(days=1))
    assert postbox.recipients.count("student@example.org") == 2
    assert len({mail["Message-ID"] for mail in postbox.mails}) == 4


def test_an_extension_moves_the_persons_reminder_only(
    cast: Cast, source: Registry, says: dict[str, Item], personal: dict[int, Item], postbox: Postbox
) -> None:
    say(cast, source, says, due())
    only_rule(cast, days=1)
    longer = DUE + timedelta(days=5)
    personal[cast.student.pk] = due(longer)
    reconcile_people([cast.student], now=DUE - timedelta(days=30), known=source)
    assert planned(DUE - timedelta(days=1)) == [("other@example.org", (DUE - timedelta(days=1)).astimezone(UTC))]
    deliver_due(now=DUE - timedelta(days=1))
    plan_reminders(now=longer - timedelta(days=1))
    deliver_due(now=longer - timedelta(days=1))
    assert postbox.recipients == ["other@example.org", "student@example.org"]
    assert "13 Jul" in postbox.mails[1]["Subject"]
    # Revoked: the shared time holds again, and is over.
    del personal[cast.student.pk]
    reconcile_people([cast.student], now=DUE, known=source)
    assert planned(longer - timedelta(hours=3)) == []


def test_a_done_item_is_not_reminded_of(
    cast: Cast, source: Registry, says: dict[str, Item], personal: dict[int, Item]
) -> None:
    say(cast, source, says, due())
    handed_in = due()
    object.__setattr__(handed_in, "is_done", True)
    personal[cast.student.pk] = handed_in
    reconcile_people([cast.student], now=DUE - timedelta(days=30), known=source)
    assert [who for who, _at in planned(DUE - timedelta(days=1))] == ["other@example.org"]


def test_who_enrols_late_gets_no_past_ones(cast: Cast, source: Registry, says: dict[str, Item]) -> None:
    say(cast, source, says, due())
    Enrolment.objects.filter(pk=cast.student.pk).update(created_at=DUE - timedelta(days=2))
    assert [who for who, _at in planned(DUE - timedelta(days=2))] == ["other@example.org"]
    assert sorted(who for who, at in planned(DUE - timedelta(days=1)) if at > DUE - timedelta(days=2)) == [
        "other@example.org", "student@example.org",
    ]  # fmt: skip


def test_archived_and_draft_courses_are_quiet(
    cast: Cast, source: Registry, says: dict[str, Item], postbox: Postbox
) -> None:
    say(cast, source, says, due())
    assert len(planned(DUE - timedelta(days=1))) == 2
    Course.objects.filter(pk=cast.course.pk).update(state="archived")
    deliver_due(now=DUE - timedelta(days=1))
    assert postbox.mails == []
    assert planned(DUE - timedelta(days=1)) == []
    Course.objects.filter(pk=cast.course.pk).update(state="draft")
    assert planned(DUE - timedelta(days=1)) == []


def test_several_within_the_hour_become_one_mail(
    cast: Cast, source: Registry, says: dict[str, Item], postbox: Postbox
) -> None:
    only_rule(cast, days=1)
    say(
        cast, source, says,
        due(), due(DUE + timedelta(minutes=40), key="tests.b"), due(DUE + timedelta(minutes=90), key="tests.c"),
    )  # fmt: skip
    now = DUE - timedelta(days=1)
    plan_reminders(now=now)
    deliver_due(now=now)
    assert len(postbox.mails) == 2
    mail = postbox.mails[0]
    assert mail["Subject"].startswith("2 dates are coming up: Project submission deadline: Mon 8 Jul")
    text = mail.get_body(("plain",)).get_content()
    assert re.findall(r"Project submission deadline: ([^\r\n]+)", text) == [
        "Mon 8 Jul, 23:59 (Europe/Berlin)", "Tue 9 Jul, 00:39 (Europe/Berlin)",
    ]  # fmt: skip
    assert text.count("still open for you") == 1
    assert Notice.objects.filter(state="sent", sent_with__isnull=False).count() == 2
    plan_reminders(now=now + timedelta(minutes=90))
    deliver_due(now=now + timedelta(minutes=90))
    assert len(postbox.mails) == 4


def test_the_recipients_language_and_zone(
    cast: Cast, source: Registry, says: dict[str, Item], postbox: Postbox
) -> None:
    cast.student.user.language = "de"
    cast.student.user.save()
    say(cast, source, says, due())
    plan_reminders(now=DUE - timedelta(days=1))
    deliver_due(now=DUE - timedelta(days=1))
    subjects = {mail["To"].addresses[0].addr_spec: mail["Subject"] for mail in postbox.mails}
    assert subjects == {
        "student@example.org": "Project submission deadline: Mo 8. Juli, 23:59",
        "other@example.org": "Project submission deadline: Mon 8 Jul, 23:59",
    }
    (english,) = (mail for mail in postbox.mails if "other@example.org" in mail["To"])
    assert "Mon 8 Jul, 23:59 (Europe/Berlin), tomorrow." in english.get_body(("plain",)).get_content()


def test_who_switched_reminders_off_gets_none(
    cast: Cast, source: Registry, says: dict[str, Item], postbox: Postbox
) -> None:
    say(cast, source, says, due())
    set_preference(user=cast.student.user, course=cast.course, topic=REMINDERS, is_on=False)
    assert [who for who, _at in planned(DUE - timedelta(days=3))] == ["other@example.org"]
    # Also between planning and sending.
    set_preference(user=cast.other_student.user, course=cast.course, topic=REMINDERS, is_on=False)
    deliver_due(now=DUE - timedelta(days=3))
    assert postbox.mails == []


def test_a_paused_rule_tells_nobody_and_goes_on_later(
    cast: Cast, source: Registry, says: dict[str, Item], postbox: Postbox
) -> None:
    only_rule(cast, days=1)
    say(cast, source, says, due())
    now = DUE - timedelta(days=1)
    assert len(planned(now)) == 2
    ReminderRule.objects.filter(days=1).update(is_paused=True)
    deliver_due(now=now)
    assert postbox.mails == []
    assert planned(now + timedelta(minutes=1)) == []
    ReminderRule.objects.update(is_paused=False)
    assert len(planned(now + timedelta(minutes=2))) == 2


def test_after_a_standstill_only_the_latest_reminder_of_an_item_comes(
    cast: Cast, source: Registry, says: dict[str, Item]
) -> None:
    say(cast, source, says, due())
    assert [at for _who, at in planned(DUE - timedelta(days=2))] == [(DUE - timedelta(days=3)).astimezone(UTC)] * 2


def test_openings_and_exams_are_reminded_of_at_their_start(cast: Cast, source: Registry, says: dict[str, Item]) -> None:
    exam = Item(
        key="tests.exam", kind=ItemKind.EXAM, title="Written exam", starts_at=DUE, ends_at=DUE + timedelta(minutes=90)
    )
    say(cast, source, says, exam, opening(key="tests.opens", title="Sign-up opens", opens_at=DUE))
    assert len(planned(DUE - timedelta(days=7))) == 2
    now = DUE - timedelta(hours=3)
    assert len([at for _who, at in planned(now) if at == now.astimezone(UTC)]) == 4
    assert planned(DUE) == []


def test_the_timeline_says_who_gets_what_when(
    cast: Cast, source: Registry, says: dict[str, Item], personal: dict[int, Item]
) -> None:
    say(cast, source, says, due())
    personal[cast.student.pk] = due(DUE + timedelta(days=5))
    reconcile_people([cast.student], now=DUE - timedelta(days=30), known=source)
    rows = timeline(cast.course, now=DUE - timedelta(days=2), until=DUE + timedelta(days=10))
    told = [(row.remind_at, [person.user.email for person in row.people]) for row in rows]
    mine, other = ["student@example.org"], ["other@example.org"]
    assert told == [
        (DUE - timedelta(days=2), mine),
        (DUE - timedelta(days=1), other),
        (DUE - timedelta(hours=3), other),
        (DUE + timedelta(days=2), mine),
        (DUE + timedelta(days=4), mine),
        (DUE + timedelta(days=4, hours=21), mine),
    ]


def test_the_command_shows_first_and_sends_then(
    cast: Cast, source: Registry, says: dict[str, Item], postbox: Postbox
) -> None:
    say(cast, source, says, due())
    out = StringIO()
    call_command("send_reminders", "--dry-run", "--now", "2024-07-07T23:59+02:00", stdout=out)
    assert "2 reminders planned" in out.getvalue()
    assert re.search(r"amls  tests.submission  due 2024-07-08T22:00:00\+00:00  2 people", out.getvalue())
    assert "Nothing was changed or sent." in out.getvalue()
    assert not Notice.objects.exists()
    call_command("send_reminders", "--now", "2024-07-07T23:59+02:00", stdout=out)
    assert sorted(postbox.recipients) == ["other@example.org", "student@example.org"]
    with pytest.raises(CommandError, match="'yesterday' is not an ISO time"):
        call_command("send_reminders", "--now", "yesterday")


def test_a_removed_rule_stays_removed(cast: Cast, source: Registry, says: dict[str, Item]) -> None:
    say(cast, source, says, due())
    plan_reminders(now=DUE - timedelta(days=20))
    assert ReminderRule.objects.filter(course=cast.course).count() == 4
    ReminderRule.objects.filter(days=7).delete()
    plan_reminders(now=DUE - timedelta(days=7))
    assert not Notice.objects.exists()
