"""Workers and beats that fall silent are told apart from those that live, and from those that ended in order."""

from datetime import datetime, timedelta

import pytest
from pytest_django import Settings

from amls.core import clock
from amls.core.keyprint import note_key
from amls.core.models import RunningProcess
from amls.core.processes import SILENT_AFTER, look_at_key, presence, purge_silent, queues
from amls.core.pulse import SignsOfLife, note_end, note_pulse

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_queues_are_those_that_tasks_are_routed_to() -> None:
    assert queues() == ("default", "exports", "mail")


def test_a_process_that_says_nothing_for_a_while_is_silent_and_its_queue_unserved() -> None:
    note_pulse(name="mail@a", queues=["mail"])
    note_pulse(name="rest@a", queues=["default", "exports"])
    note_pulse(name="beat@a", queues=[])
    now = clock.now()
    there = presence(now=now)
    assert [worker.name for worker in there.workers] == ["mail@a", "rest@a"]
    assert [beat.name for beat in there.beats] == ["beat@a"]
    assert (there.silent, there.unserved()) == ((), ())
    RunningProcess.objects.filter(name="rest@a").update(seen_at=now - SILENT_AFTER)
    there = presence(now=now)
    assert [process.name for process in there.silent] == ["rest@a"]
    assert there.unserved() == ("default", "exports")


def test_the_next_sign_of_life_takes_the_place_of_the_last() -> None:
    note_pulse(name="mail@a", queues=["mail"])
    note_pulse(name="mail@a", queues=["mail", "default"])
    assert [process.queues for process in RunningProcess.objects.all()] == [["mail", "default"]]


def test_who_ends_in_order_leaves_nothing_and_who_does_not_is_forgotten_after_a_day() -> None:
    note_pulse(name="mail@a", queues=["mail"])
    note_pulse(name="mail@b", queues=["mail"])
    note_end(name="mail@a")
    now = clock.now()
    assert purge_silent(now + timedelta(hours=23), False) == 0
    assert purge_silent(now + timedelta(hours=25), True) == 1
    assert [process.name for process in RunningProcess.objects.all()] == ["mail@b"]
    assert purge_silent(now + timedelta(hours=25), False) == 1
    assert not RunningProcess.objects.exists()


def test_a_process_with_another_key_says_what_to_do_as_it_starts(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    assert note_key(now=clock.now())
    settings.SECRET_KEY = settings.SECRET_KEY[::-1]
    signs = SignsOfLife(name="mail@here", queues=["mail"], first=look_at_key)
    signs.start()
    signs.end()
    (said,) = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert said.startswith("SECRET_KEY is another one than this database was written with: ")
    assert "Set the key of before (it is in the backup)" in said


def test_a_thread_says_so_again_and_again_until_the_end(settings: Settings) -> None:
    settings.PULSE_SECONDS = 0.05
    signs = SignsOfLife(name="mail@here", queues=["mail"])
    signs.start()
    seen: set[datetime] = set()
    while len(seen) < 3:
        seen |= set(RunningProcess.objects.values_list("seen_at", flat=True))
    assert abs(RunningProcess.objects.get().skew) < 2
    signs.end()
    assert not RunningProcess.objects.exists()
