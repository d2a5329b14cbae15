"""What takes long to make, such as the demo, is made once for all workers and put back for every test."""

import fcntl
import json
import shutil
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.db import connection

from amls.pagecache import store as pagecache
from tests.factories import count_from, next_numbers
from tests.patience import SECONDS

Make = Callable[[], object]
# How long it may take those who are sent away to go, before PostgreSQL refuses to copy.
_MILLISECONDS = round(1000 * SECONDS)


class Snapshots:
    """States of the test database and of its files, by name.

    PostgreSQL copies a database faster than anything fills it. For tests that commit: what they
    leave is thrown away with the database that they had.
    """

    def __init__(self, folder: Path) -> None:
        """Share what is kept with all who are given the same folder, which is there and of this run alone."""
        self._folder = folder
        self._users = (folder / "users").open("w")
        fcntl.flock(self._users, fcntl.LOCK_SH)

    def restore(self, name: str, make: Make) -> None:
        """Put back the state of that name; the first time, `make` it on what is there, and keep it."""
        with self._alone_with(name):
            if self._numbers(name).exists():
                self._put_back(name)
            else:
                make()
                self._keep(name)

    def drop(self) -> None:
        """Forget them all, unless others still use them."""
        try:
            fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        with connection._nodb_cursor() as cursor:
            for numbers in self._folder.glob("*.json"):
                cursor.execute(f"DROP DATABASE {_quoted(self._database(numbers.stem))} WITH (FORCE)")
                numbers.unlink()
        self._users.close()

    def _keep(self, name: str) -> None:
        _copy_database(_current(), self._database(name))
        _copy_files(Path(settings.MEDIA_ROOT), self._folder / name)
        self._numbers(name).write_text(json.dumps(next_numbers()))

    def _put_back(self, name: str) -> None:
        _copy_database(self._database(name), _current())
        shutil.rmtree(settings.MEDIA_ROOT, ignore_errors=True)
        _copy_files(self._folder / name, Path(settings.MEDIA_ROOT))
        count_from(json.loads(self._numbers(name).read_text()))
        # Rows have the numbers again that others had since: nothing in memory may know those.
        ContentType.objects.clear_cache()
        cache.clear()
        pagecache.store.clear()

    @contextmanager
    def _alone_with(self, name: str) -> Iterator[None]:
        with (self._folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _numbers(self, name: str) -> Path:
        """Return where it stands with which numbers factories go on, once all of it is kept."""
        return self._folder / f"{name}.json"

    def _database(self, name: str) -> str:
        return f"snapshot_{zlib.crc32(bytes(self._folder)):x}_{name}"


def _current() -> str:
    return str(connection.settings_dict["NAME"])


def _copy_database(source: str, target: str) -> None:
    """Make `target` anew; nobody may be connected to either, so whoever still is loses the connection."""
    connection.close()
    with connection._nodb_cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, %s) FROM pg_stat_activity WHERE datname IN (%s, %s)",
            [_MILLISECONDS, source, target],
        )
        cursor.execute(f"DROP DATABASE IF EXISTS {_quoted(target)} WITH (FORCE)")
        cursor.execute(f"CREATE DATABASE {_quoted(target)} TEMPLATE {_quoted(source)}")


def _quoted(name: str) -> str:
    return str(connection.ops.quote_name(name))


def _copy_files(source: Path, target: Path) -> None:
    if source.exists():
        shutil.copytree(source, target)
