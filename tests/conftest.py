"""What every test may ask for."""

import gc
import inspect
import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from django.core.cache import cache
from django.db import connection
from django.utils import timezone, translation
from pytest_django import Settings

from amls.core import doorbell
from amls.core.clock import database_clock
from amls.files import marks
from amls.files.storing import MARK
from amls.pagecache import store as pagecache
from tests.cast import Cast, make_cast
from tests.factories import FIRST_NUMBER, count_from, next_numbers
from tests.snapshots import Snapshots
from tests.tools import answering, template
from tests.tools.flushing import flush_what_is_there
from tests.worlds import Worlds

# All that is imported stays until the end, and the collector by default looks through it for every few objects that are made.
gc.set_threshold(50_000, 20, 100)

# A busy machine is no fault of what is tested.
hypothesis.settings.register_profile("amls", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("amls")

answering.serve_by_it()


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a case with bytes, or with what makes them, by its argument.

    Archives hold the time, and workers would collect different tests. What takes long to make is given as a function:
    every worker collects all cases, and runs a few of them.
    """
    return argname if isinstance(val, bytes) or inspect.isfunction(val) else None


# What makes a test a real one: servers of its own, a browser, other processes.
_REAL_FOLDERS = ("browser", "infra")
_REAL_FIXTURES = {"live_server", "postbox"}
_DATABASE_FIXTURES = {"db", "transactional_db", "django_db_setup"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test by what it needs: `real`, `integration` (the database), or `unit` (neither).

    Real ones come first: they wait most of their minutes, while others compute, and none of them is left to the end.
    """
    for item in items:
        if item.get_closest_marker("real") is not None:
            continue
        fixtures = set(getattr(item, "fixturenames", ()))
        if item.path.parent.name in _REAL_FOLDERS or fixtures & _REAL_FIXTURES:
            item.add_marker("real")
        elif item.get_closest_marker("django_db") is not None or fixtures & _DATABASE_FIXTURES:
            item.add_marker("integration")
        else:
            item.add_marker("unit")
    items.sort(key=lambda item: item.get_closest_marker("real") is None)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Copy a database with all migrations, where there is one."""
    if name := template.ensure():
        connection.settings_dict["TEST"]["TEMPLATE"] = name


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> None:
    """Clear away quickly what tests that commit leave."""
    flush_what_is_there()


@pytest.fixture(autouse=True)
def _clean_surroundings(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Files go to a folder of the test, mail to memory, and no page is kept from another test."""
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    # On a busy machine the verdict on a file comes later, not never.
    settings.CHECK_PATIENCE = 60
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    pagecache.store.clear()
    # Nor does what other tests asked for within a minute count towards a limit: the memory is the process's.
    cache.clear()
    # What a page asks of the database is counted without the look at its clock, twice a minute: however long a test takes.
    monkeypatch.setattr("amls.core.clock._READ_AGAIN_SECONDS", float("inf"))
    database_clock.set(timezone.now())
    doorbell.forget()
    # As one who stored something before: what an upload asks of the database is counted without the first look at the mark.
    settings.MEDIA_ROOT.mkdir()
    (settings.MEDIA_ROOT / MARK).write_text("tests")
    marks.forget("tests")
    # Where nothing is at work beside it, each ring is heard at once.
    monkeypatch.setattr(doorbell, "GAP_SECONDS", 0.0)
    # Requests leave their language behind in the thread.
    translation.activate("en")
    # People and topics have the same names whichever tests came before.
    count_from({})
    yield
    pagecache.store.clear()


@pytest.fixture(autouse=True)
def _all_is_answered(request: pytest.FixtureRequest) -> Iterator[None]:
    """Before the database is emptied, a live server has answered whatever a page has still asked it for."""
    if "live_server" not in request.fixturenames:
        yield
        return
    request.getfixturevalue("transactional_db")
    server = request.getfixturevalue("live_server")
    yield
    answering.wait_for(server)


@pytest.fixture(scope="session")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Worlds:
    """What this worker made once for tests that begin with the same."""
    return Worlds(tmp_path_factory.mktemp("worlds"))


@pytest.fixture(scope="session")
def snapshots(tmp_path_factory: pytest.TempPathFactory) -> Snapshots:
    """What one worker made once for the tests of all."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "snapshots"
    folder.mkdir(exist_ok=True)
    return Snapshots(folder)


@pytest.fixture
def cast(request: pytest.FixtureRequest, db: None) -> Cast:
    """A course with everyone in it, and a stranger who is not; where a module has them with more, those."""
    if "furnished" in request.fixturenames:
        made: tuple[Cast, object] = request.getfixturevalue("furnished")
        return made[0]
    # Where a test commits, or has made others before, they get numbers and names of their own.
    if not connection.in_atomic_block or set(next_numbers().values()) != {FIRST_NUMBER}:
        return make_cast()
    worlds: Worlds = request.getfixturevalue("worlds")
    return worlds.given("cast", make_cast)


@pytest.fixture
def one_factor(settings: Settings) -> None:
    """Staff need no second factor: what they do is tested, not how they sign in."""
    settings.STAFF_NEEDS_SECOND_FACTOR = False
