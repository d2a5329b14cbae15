"""A claimed row is one worker's until its lease ends, which a living worker prolongs; who lost it marks nothing."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest

from amls.core import clock, jobs
from amls.core.jobs import Claim, Queue
from amls.exports.managers import ExportQuerySet
from amls.exports.models import Export
from tests.patience import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


class Short(Queue[Export]):
    """Exports, with leases as short as a test's patience."""

    model, task, lease, most_attempts = Export, "tests.short", timedelta(seconds=1), 2
    claimed = {"state": Export.State.RUNNING}

    def waiting(self, *, now: datetime) -> ExportQuerySet:
        return Export.objects.claimable_at(now)

    def choose(self, *, now: datetime, limit: int) -> Iterable[Export]:
        return self.free(self.waiting(now=now)).order_by("created_at")[:limit]


QUEUE = Short()


def order(count: int = 1) -> datetime:
    """Order exports; return the database's time."""
    now = clock.now()
    for number in range(count):
        Export.objects.create(
            fingerprint=str(number), kind="tests", language="en", not_before=now, created_at=now,
            expires_at=now + timedelta(days=1),
        )  # fmt: skip
    return now


def give_up(claim: Claim[Export]) -> bool:
    return claim.finish(state=Export.State.FAILED, error="Given up", finished_at=claim.clock.now())


def test_work_that_lasts_longer_than_its_lease_stays_with_a_living_worker() -> None:
    (claim,) = QUEUE.claim(now=order())
    first_end = claim.leased_until
    with claim.kept():
        wait_until(lambda: clock.now() > first_end and Export.objects.filter(leased_until__gt=first_end).exists())
        assert QUEUE.claim(now=first_end) == []
    assert give_up(claim)
    assert Export.objects.get().leased_until is None


def test_who_lost_a_row_to_another_worker_marks_nothing() -> None:
    now = order()
    (first,) = QUEUE.claim(now=now)
    (second,) = QUEUE.claim(now=now + QUEUE.lease)
    assert (first.row.pk, first.attempt, second.attempt) == (second.row.pk, 1, 2)
    assert not first.prolong(done=1, total=1)
    assert not give_up(first)
    assert second.prolong(done=0, total=3)
    row = Export.objects.get()
    assert (row.state, row.attempts, row.total, row.error) == ("running", 2, 3, "")
    assert give_up(second)


def test_a_row_that_ends_with_no_worker_is_one_too_many_in_the_end() -> None:
    now = order()
    claims = [QUEUE.claim(now=now + leases * QUEUE.lease)[0] for leases in range(3)]
    assert [claim.is_one_too_many for claim in claims] == [False, False, True]


def test_a_round_goes_on_until_nothing_waits_and_rings_where_it_took_long(monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[str] = []
    monkeypatch.setattr("celery.current_app.send_task", lambda name, **_options: rung.append(name))
    order(3)

    def step(now: datetime) -> int:
        return sum(give_up(claim) for claim in QUEUE.claim(now=now))

    assert QUEUE.work_off(step) == 3
    assert (QUEUE.work_off(step), rung) == (0, [])
    Export.objects.all().delete()
    order(2)
    monkeypatch.setattr(jobs, "LONGEST_ROUND_SECONDS", 0.0)
    assert (QUEUE.work_off(step), rung) == (1, ["tests.short"])
