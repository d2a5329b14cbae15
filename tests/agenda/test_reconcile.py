"""The ledger says what its sources say, whatever happened before."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from amls.agenda.changes import describe_change
from amls.agenda.feeds import entries_for
from amls.agenda.models import AgendaItem, ItemKind, Status
from amls.agenda.services import ChangeKind, reconcile, reconcile_people
from amls.agenda.sources import Item, Registry, deadline
from amls.courses.models import Course
from tests.factories import CourseFactory, EnrolmentFactory
from tests.races import at_once

pytestmark = pytest.mark.django_db

NOW = datetime(2024, 4, 1, 12, tzinfo=UTC)
START = datetime(2024, 4, 18, 14, tzinfo=UTC)


def lecture(number: int, *, weeks: int = 0, **values: object) -> Item:
    start = START + timedelta(weeks=number + weeks)
    fields = {
        "title": f"Lecture {number}",
        "place": "H 0107",
        "starts_at": start,
        "ends_at": start + timedelta(hours=2),
    }
    return Item(key=f"fake.lecture:{number}", kind=ItemKind.LECTURE, **{**fields, **values})


class Fake:
    """A source whose items a test sets."""

    def __init__(self) -> None:
        self.said: list[Item] = []
        self.said_of_person: list[Item] = []
        self.registry = Registry()
        self.registry.items.named("fake")(lambda _course: self.said)
        self.registry.personal_items.named("fake")(
            lambda _course, people: {person.pk: self.said_of_person for person in people}
        )

    def settle(self, course: Course, *items: Item, now: datetime = NOW) -> list[ChangeKind]:
        self.said = list(items)
        return [change.kind for change in reconcile(course, now=now, known=self.registry)]

    def settle_person(self, enrolment, *items: Item, now: datetime = NOW) -> list[ChangeKind]:  # type: ignore[no-untyped-def]
        self.said_of_person = list(items)
        return [change.kind for change in reconcile_people([enrolment], now=now, known=self.registry)[enrolment.pk]]


@pytest.fixture
def fake() -> Fake:
    return Fake()


@pytest.fixture
def course() -> Course:
    return CourseFactory.create()


def row(key: str = "fake.lecture:1") -> AgendaItem:
    return AgendaItem.objects.base().get(key=key)


def test_a_new_item_is_inserted_and_a_second_run_touches_nothing(course: Course, fake: Fake) -> None:
    assert fake.settle(course, lecture(1)) == [ChangeKind.ADDED]
    course.refresh_from_db()
    revision = course.revision
    assert fake.settle(course, lecture(1), now=NOW + timedelta(days=1)) == []
    course.refresh_from_db()
    assert course.revision == revision
    assert (row().sequence, row().changed_at) == (0, NOW)


def test_a_move_keeps_the_uid_and_raises_the_sequence(course: Course, fake: Fake) -> None:
    fake.settle(course, lecture(1))
    uid = row().uid
    later = NOW + timedelta(days=1)
    assert fake.settle(course, lecture(1, weeks=1, place="H 0111"), now=later) == [ChangeKind.MOVED]
    assert (row().uid, row().sequence, row().changed_at, row().created_at) == (uid, 1, later, NOW)


@pytest.mark.parametrize("values", [{"title": "Other"}, {"call_in": "https://zoom.example.org/"}, {"path": "/x/"}])
def test_a_change_of_words_is_only_a_later_modification(course: Course, fake: Fake, values: dict[str, str]) -> None:
    fake.settle(course, lecture(1))
    assert fake.settle(course, lecture(1, **values), now=NOW + timedelta(days=1)) == [ChangeKind.EDITED]
    assert (row().sequence, row().changed_at) == (0, NOW + timedelta(days=1))


def test_what_goes_is_cancelled_and_what_returns_revives_with_its_uid(course: Course, fake: Fake) -> None:
    fake.settle(course, lecture(1))
    uid = row().uid
    assert fake.settle(course) == [ChangeKind.CANCELLED]
    assert (row().status, row().sequence, row().is_removed, row().cancelled_at) == ("cancelled", 1, True, NOW)
    assert fake.settle(course) == []
    assert fake.settle(course, lecture(1)) == [ChangeKind.RESTORED]
    assert (row().uid, row().status, row().sequence, row().is_removed, row().cancelled_at) == (
        uid,
        "confirmed",
        2,
        False,
        None,
    )


def test_a_cancelled_item_that_is_removed_does_not_count_up_again(course: Course, fake: Fake) -> None:
    fake.settle(course, lecture(1))
    assert fake.settle(course, lecture(1, status=Status.CANCELLED)) == [ChangeKind.CANCELLED]
    assert row().sequence == 1
    fake.settle(course)
    assert (row().sequence, row().is_removed) == (1, True)


def test_what_is_cancelled_from_the_start_is_never_said_to_take_place(course: Course, fake: Fake) -> None:
    def described(*items: Item) -> list[str]:
        fake.said = list(items)
        return [str(describe_change(change, course.zone)) for change in reconcile(course, now=NOW, known=fake.registry)]

    off = replace(lecture(2), status=Status.CANCELLED)
    assert described(lecture(1), off) == [
        "Lecture 1: new, Thu 25 Apr 2024, 16:00–18:00, H 0107",
        "Lecture 2: Thu 2 May 2024, 16:00–18:00, H 0107, cancelled",
    ]
    assert described(lecture(1, place="H 0111"), replace(off, place="H 0111")) == [
        "Lecture 1: Thu 25 Apr 2024, 16:00–18:00, H 0107 → Thu 25 Apr 2024, 16:00–18:00, H 0111",
        "Lecture 2: Thu 2 May 2024, 16:00–18:00, H 0107, cancelled → Thu 2 May 2024, 16:00–18:00, H 0111, cancelled",
    ]


def test_recurring_occurrences_and_two_items_of_one_object_are_items_of_their_own(course: Course, fake: Fake) -> None:
    hours = [replace(lecture(number), key=f"fake.officehour:2:2024-04-{day}") for number, day in enumerate((23, 30))]
    windows = [deadline(key=f"fake.exam:3:{what}", title=what, due_at=START) for what in ("opens", "closes")]
    assert fake.settle(course, *hours, *windows) == [ChangeKind.ADDED] * 4
    assert fake.settle(course, hours[0], *windows) == [ChangeKind.CANCELLED]
    assert AgendaItem.objects.present().count() == 3


def test_only_named_sources_are_asked(course: Course, fake: Fake) -> None:
    fake.settle(course, lecture(1))
    fake.registry.items.named("other")(lambda _course: [])
    fake.said = []
    assert reconcile(course, now=NOW, sources=["other"], known=fake.registry) == []
    assert row().is_removed is False


def test_a_source_may_name_only_its_own_and_each_once(course: Course, fake: Fake) -> None:
    with pytest.raises(ValueError, match=r"keys begin with 'fake\.'"):
        fake.settle(course, replace(lecture(1), key="other.lecture:1"))
    with pytest.raises(ValueError, match="twice"):
        fake.settle(course, lecture(1), lecture(1))
    assert not AgendaItem.objects.exists()


def test_a_personal_variant_shares_the_uid_and_its_sequence_never_falls(course: Course, fake: Fake) -> None:
    enrolment = EnrolmentFactory.create(course=course)
    due = deadline(key="fake.submission", title="Submission", due_at=START)
    later = replace(due, starts_at=due.starts_at + timedelta(days=2), ends_at=due.ends_at + timedelta(days=2))
    fake.settle(course, due)
    revision = Course.objects.get(pk=course.pk).revision
    seen: list[tuple[int, datetime]] = []

    def look() -> None:
        (entry,) = entries_for(course, enrolment, now=NOW)
        assert entry.base.uid == row("fake.submission").uid
        seen.append((entry.sequence, entry.row.ends_at))

    look()
    fake.settle_person(enrolment, later)
    look()
    fake.settle(course, replace(due, place="elsewhere"))
    look()
    fake.settle_person(enrolment)
    look()
    fake.settle(course, due)
    look()
    fake.settle_person(enrolment, later)
    look()
    ends = [due.ends_at, later.ends_at, later.ends_at, due.ends_at, due.ends_at, later.ends_at]
    assert [end for _sequence, end in seen] == ends
    sequences = [sequence for sequence, _end in seen]
    assert sequences == sorted(set(sequences))
    enrolment.refresh_from_db()
    assert enrolment.revision == 4
    # Only the two changes of the shared item counted for the course.
    assert Course.objects.get(pk=course.pk).revision == revision + 2
    (public,) = entries_for(course, None, now=NOW)
    assert public.row.ends_at == due.ends_at


def test_a_removed_base_item_is_cancelled_for_those_with_a_variant_too(course: Course, fake: Fake) -> None:
    enrolment = EnrolmentFactory.create(course=course)
    due = deadline(key="fake.submission", title="Submission", due_at=START)
    fake.settle(course, due)
    fake.settle_person(enrolment, replace(due, is_done=True))
    fake.settle(course)
    (entry,) = entries_for(course, enrolment, now=NOW)
    assert entry.row.status == Status.CANCELLED


def test_tombstones_leave_feeds_after_90_days(course: Course, fake: Fake) -> None:
    fake.settle(course, lecture(1))
    fake.settle(course)
    assert len(entries_for(course, None, now=NOW + timedelta(days=90, seconds=-1))) == 1
    assert entries_for(course, None, now=NOW + timedelta(days=90)) == []


def as_row(number: int, said: Item) -> Item:
    """Return an item as it is named once its row has been made anew."""
    return replace(said, key=f"fake.lecture:{number}")


@pytest.mark.parametrize(
    ("back", "kind"),
    [
        (lecture(1), ChangeKind.RESTORED),
        (lecture(1, weeks=2), ChangeKind.RESTORED),
        (lecture(1, path="/amls/lectures/01/", title="Lecture 1 in Größe"), ChangeKind.RESTORED),
    ],
)
def test_what_is_made_anew_takes_up_what_was_removed(course: Course, fake: Fake, back: Item, kind: ChangeKind) -> None:
    others = [lecture(2), lecture(3)]
    fake.settle(course, lecture(1, path="/amls/lectures/01/"), *others)
    uid = row().uid
    fake.settle(course, *others)
    assert fake.settle(course, *others, as_row(9, back), now=NOW + timedelta(days=1)) == [kind]
    new = row("fake.lecture:9")
    assert (new.uid, new.status, new.sequence, new.is_removed) == (uid, "confirmed", 2, False)
    assert Item.from_row(new) == as_row(9, back)
    # Calendars show it once.
    assert AgendaItem.objects.base().count() == len(entries_for(course, None, now=NOW + timedelta(days=1))) == 3
    assert fake.settle(course, *others, as_row(9, back), now=NOW + timedelta(days=2)) == []


def test_what_is_another_one_takes_up_nothing(course: Course, fake: Fake) -> None:
    review = deadline(key="fake.exam:3:review", title="Review", due_at=START)
    fake.settle(course, lecture(1, path="/amls/lectures/01/"), review)
    fake.settle(course)
    others = [
        lecture(2, path="/amls/lectures/02/"), replace(lecture(1), key="fake.lecture:4", kind=ItemKind.EXERCISE),
        replace(review, key="fake.exam:4:review", starts_at=START + timedelta(days=1), ends_at=START + timedelta(days=2)),
    ]  # fmt: skip
    assert fake.settle(course, *others) == [ChangeKind.ADDED] * 3
    # What was removed long ago nobody has in mind.
    late = NOW + timedelta(days=91)
    assert fake.settle(course, *others, as_row(9, lecture(1)), now=late) == [ChangeKind.ADDED]
    assert AgendaItem.objects.filter(is_removed=True).count() == 2


def test_a_persons_variant_goes_along_with_what_is_made_anew(course: Course, fake: Fake) -> None:
    enrolment = EnrolmentFactory.create(course=course)
    due = deadline(key="fake.deadline:3", title="Submission", due_at=START)
    fake.settle(course, due)
    fake.settle_person(enrolment, replace(due, is_done=True))
    (before,) = entries_for(course, enrolment, now=NOW)
    fake.said_of_person = []
    fake.settle(course)
    anew = replace(due, key="fake.deadline:7")
    fake.said_of_person = [replace(anew, is_done=True)]
    fake.settle(course, anew)
    (after,) = entries_for(course, enrolment, now=NOW)
    assert (after.base.uid, after.row.is_done) == (before.base.uid, True)
    assert after.sequence > before.sequence
    assert set(AgendaItem.objects.values_list("key", flat=True)) == {"fake.deadline:7"}


ITEMS = st.dictionaries(
    st.integers(0, 5),
    st.tuples(
        st.integers(0, 3), st.sampled_from(["H 0107", "H 0111", ""]), st.sampled_from(list(Status)), st.text(max_size=8)
    ),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=st.lists(ITEMS, min_size=1, max_size=6))
def test_any_sequence_of_edits_gives_the_ledger_of_the_last(
    edits: list[dict[int, tuple[int, str, Status, str]]],
) -> None:
    with transaction.atomic():
        course, fake = CourseFactory.create(), Fake()
        uids: dict[str, object] = {}
        sequences: dict[str, int] = {}
        for step, edit in enumerate(edits):
            now = NOW + timedelta(hours=step)
            items = [
                lecture(number, weeks=weeks, place=place, status=status, title=f"L{number} {title}")
                for number, (weeks, place, status, title) in edit.items()
            ]
            before = {item.key: Item.from_row(item) for item in AgendaItem.objects.present()}
            fake.said = items
            changes = reconcile(course, now=now, known=fake.registry)
            present = {item.key: Item.from_row(item) for item in AgendaItem.objects.present()}
            assert present == {item.key: item for item in items}
            assert {change.key for change in changes} == {
                key for key in before.keys() | present.keys() if before.get(key) != present.get(key)
            }
            assert reconcile(course, now=now, known=fake.registry) == []
            for item in AgendaItem.objects.all():
                assert uids.setdefault(item.key, item.uid) == item.uid
                assert item.sequence >= sequences.get(item.key, 0)
                sequences[item.key] = item.sequence
        transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
def test_two_reconciles_at_once_insert_each_item_once() -> None:
    course, fake = CourseFactory.create(), Fake()
    fake.said = [lecture(number) for number in range(20)]
    counts = at_once([lambda: len(reconcile(course, now=NOW, known=fake.registry))] * 4)
    assert sorted(counts) == [0, 0, 0, 20]
    assert AgendaItem.objects.count() == 20


@pytest.mark.parametrize(
    ("constraint", "values"),
    [
        ("agendaitem_ends_after_start", {"ends_at": START}),
        ("agendaitem_kind_valid", {"kind": "party"}),
        ("agendaitem_(status_valid|cancelled_has_time)", {"status": "perhaps"}),
        ("agendaitem_audience_valid", {"audience": "friends"}),
        ("agendaitem_cancelled_has_time", {"cancelled_at": NOW}),
        ("agendaitem_key_unique", {}),
    ],
)
def test_the_database_refuses_what_can_never_be(
    course: Course, fake: Fake, constraint: str, values: dict[str, object]
) -> None:
    fake.settle(course, lecture(1))
    fresh = row()
    fresh.pk, fresh.key = None, "fake.lecture:1" if constraint == "agendaitem_key_unique" else "fake.lecture:2"
    fresh.uid = "00000000-0000-4000-8000-000000000000"
    for name, value in values.items():
        setattr(fresh, name, value)
    with pytest.raises(IntegrityError, match=constraint):
        fresh.save()
