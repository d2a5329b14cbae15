"""What is ahead for a person: that, and no more of a course's past than they have of it themselves."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from amls.agenda import feeds
from amls.agenda.models import AgendaItem, ItemKind
from tests.cast import Cast

pytestmark = pytest.mark.django_db
NOW = datetime(2024, 4, 20, 12, tzinfo=UTC)


def item(cast: Cast, key: str, ends_at: datetime, **values: object) -> AgendaItem:
    return AgendaItem.objects.create(
        course=cast.course, key=key, title=key, kind=ItemKind.DEADLINE, starts_at=ends_at - timedelta(hours=1),
        ends_at=ends_at, created_at=NOW, changed_at=NOW, **values,
    )  # fmt: skip


def test_it_is_what_of_ones_feed_is_not_over(cast: Cast) -> None:
    ends = {"over": NOW - timedelta(days=3), "just over": NOW, "ahead": NOW + timedelta(minutes=1), "none": None}
    for (shared, first), (own, second), is_removed in product(ends.items(), ends.items(), (False, True)):
        key = f"sheets.sheet:{shared}/{own}/{is_removed}"
        if first is not None:
            item(cast, key, first)
        if second is not None:
            item(cast, key, second, enrolment=cast.student, is_removed=is_removed)
            item(cast, key, NOW + timedelta(days=9), enrolment=cast.other_student)
    entries = feeds.own_entries(cast.student, now=NOW)
    expected = {entry.row.pk for entry in entries if not entry.base.is_removed and entry.row.ends_at > NOW}
    coming = feeds.coming_items(cast.student, now=NOW)
    assert {row.pk for row in coming} == expected
    assert len(expected) == len(coming) > 5
    assert [row.moment for row in coming] == sorted(row.moment for row in coming)


def test_the_past_of_a_course_is_not_read(cast: Cast) -> None:
    for number in range(50):
        item(cast, f"sheets.sheet:{number}", NOW - timedelta(days=number))
    later = item(cast, "sheets.sheet:50", NOW + timedelta(days=1))
    given = {"course": cast.course.pk, "enrolment": cast.student.pk, "now": NOW}
    assert feeds._coming_items_of_person().read(given) == [later]
