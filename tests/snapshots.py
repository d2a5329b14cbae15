"""What takes long to make, such as the demo, is made once for all workers and put back for every test that begins with it."""

import fcntl
import pickle
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from tests.factories import count_from, next_numbers
from tests.rows import go_on_from, put_back, read_numbers, read_rows

Make = Callable[[], object]


class Snapshots:
    """States of the test database and of its files, by name.

    They are put back on an empty one.
    """

    def __init__(self, folder: Path) -> None:
        """Share what is kept with all who are given the same folder, which is there and of this run alone."""
        self._folder = folder

    def restore(self, name: str, make: Make) -> None:
        """Put back the state of that name; the first time, `make` it on what is there, and keep it."""
        with self._alone_with(name):
            if self._state(name).exists():
                self._put_back(name)
            else:
                make()
                self._keep(name)

    def _keep(self, name: str) -> None:
        _copy_files(Path(settings.MEDIA_ROOT), self._folder / name)
        self._state(name).write_bytes(pickle.dumps((read_rows(), read_numbers(), next_numbers())))

    def _put_back(self, name: str) -> None:
        rows, numbers, of_factories = pickle.loads(self._state(name).read_bytes())
        put_back(rows)
        go_on_from(numbers)
        count_from(of_factories)
        shutil.rmtree(settings.MEDIA_ROOT, ignore_errors=True)
        _copy_files(self._folder / name, Path(settings.MEDIA_ROOT))

    @contextmanager
    def _alone_with(self, name: str) -> Iterator[None]:
        with (self._folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _state(self, name: str) -> Path:
        """Return where rows and numbers stand, once all of it is kept."""
        return self._folder / f"{name}.pickle"


def _copy_files(source: Path, target: Path) -> None:
    if source.exists():
        shutil.copytree(source, target)
