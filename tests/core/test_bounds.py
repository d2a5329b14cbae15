"""How often people may do what costs others something."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from django.template.defaultfilters import filesizeformat
from pytest_django import DjangoAssertNumQueries

from amls.core.bounds import Bound, give_back, purge_spendings, spend
from amls.core.models import Spending
from amls.core.violations import RuleViolation
from tests.races import at_once, refusals

NOW = datetime(2024, 5, 6, 10, 0, tzinfo=UTC)
TWICE = Bound("test.asked", most=2, per=timedelta(days=1), message="%(most)s times. Again in %(wait)s.", field="text")


@pytest.mark.django_db
def test_a_bound_refuses_what_is_more_and_says_when_to_go_on() -> None:
    spend(TWICE, who=1, now=NOW)
    spend(TWICE, who=1, now=NOW + timedelta(hours=20))
    with pytest.raises(RuleViolation) as refusal:
        spend(TWICE, who=1, now=NOW + timedelta(hours=20, minutes=55, seconds=1))
    assert str(refusal.value.message).replace("\xa0", " ") == "2 times. Again in 3 hours, 5 minutes."
    assert (refusal.value.code, refusal.value.field) == ("too-often", "text")
    # Somebody else, and something else.
    spend(TWICE, who=2, now=NOW + timedelta(hours=20))
    spend(Bound("test.other", most=1, per=timedelta(days=1)), who=1, now=NOW)


@pytest.mark.django_db
def test_a_bounds_time_begins_with_its_first_use() -> None:
    for moment in (NOW, NOW + timedelta(hours=23), NOW + timedelta(hours=24), NOW + timedelta(hours=47)):
        spend(TWICE, who=1, now=moment)
    with pytest.raises(RuleViolation):
        spend(TWICE, who=1, now=NOW + timedelta(hours=47, minutes=59))


@pytest.mark.django_db
def test_amounts_add_up() -> None:
    room = Bound(
        "test.bytes", most=2 * 1024**2, per=timedelta(days=1), message="At most %(most)s.", show=filesizeformat
    )
    spend(room, who=1, amount=1024**2, now=NOW)
    spend(room, who=1, amount=0, now=NOW)
    for too_much in (1024**2 + 1, 3 * 1024**2):
        with pytest.raises(RuleViolation, match=r"At most 2\.0\sMB"):
            spend(room, who=1, amount=too_much, now=NOW)
    spend(room, who=1, amount=1024**2, now=NOW)


@pytest.mark.django_db
def test_what_fails_costs_nothing() -> None:
    for _time in range(3):
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            spend(TWICE, who=1, now=NOW)
            raise ZeroDivisionError
    assert not Spending.objects.exists()


@pytest.mark.django_db
def test_a_bound_costs_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    for _time in range(2):
        with django_assert_num_queries(1):
            spend(TWICE, who=1, now=NOW)


@pytest.mark.django_db
def test_who_used_a_bound_is_not_readable_and_is_forgotten_afterwards() -> None:
    spend(TWICE, who="anna@example.org", now=NOW)
    row = Spending.objects.get()
    assert "anna" not in row.who
    assert purge_spendings(NOW + timedelta(hours=23), False) == 0
    assert purge_spendings(NOW + timedelta(days=1), True) == 1
    assert purge_spendings(NOW + timedelta(days=1), False) == 1
    assert not Spending.objects.exists()


@pytest.mark.django_db
def test_what_is_given_back_may_be_used_again_and_no_more() -> None:
    give_back(TWICE, who=1)
    for _time in range(2):
        spend(TWICE, who=1, now=NOW)
    for _time in range(2):
        give_back(TWICE, who=1)
        spend(TWICE, who=1, now=NOW)
    give_back(TWICE, who=1, amount=5)
    give_back(TWICE, who=2)
    for _time in range(2):
        spend(TWICE, who=1, now=NOW)
    with pytest.raises(RuleViolation):
        spend(TWICE, who=1, now=NOW)


@pytest.mark.django_db(transaction=True)
def test_a_bound_holds_for_ten_at_once() -> None:
    assert refusals(at_once([lambda: spend(TWICE, who=1, now=NOW)] * 10)) == {"too-often": 8}
    assert Spending.objects.get().spent == 2
