"""What takes long to make and many tests begin with, made once by each worker: rows are put back as they were written.

For tests in a transaction, whose database is empty. Tests that commit have tests/snapshots.py.
"""

import copy
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from django.conf import settings

from tests.factories import count_from, next_numbers
from tests.rows import Rows, put_back, read_rows
from tests.tools.flushing import filled_tables

Made = TypeVar("Made")


class Worlds:
    """What was made, by name: its rows, its files, and what `make` returned."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[str, Any] = {}
        self._rows: dict[str, Rows] = {}
        self._numbers: dict[str, dict[str, int]] = {}

    def given(self, name: str, make: Callable[[], Made]) -> Made:
        """Return what `make` makes, with its rows and files: made the first time on an empty database, put back later.

        Args:
            name: the same for the same `make`.
            make: returns models, or what holds some; each test gets a copy of its own.
        """
        if name not in self._made:
            if filled_tables():
                # What was there before is no part of it.
                return make()
            # A copy, as a test changes what it is given.
            self._made[name] = copy.deepcopy(made := make())
            self._rows[name] = read_rows()
            self._numbers[name] = next_numbers()
            _copy_files(Path(settings.MEDIA_ROOT), self._folder / name)
            return made
        put_back(self._rows[name])
        _copy_files(self._folder / name, Path(settings.MEDIA_ROOT))
        count_from(self._numbers[name])
        made_before: Made = copy.deepcopy(self._made[name])
        return made_before


def _copy_files(source: Path, target: Path) -> None:
    if source.exists():
        shutil.copytree(source, target, dirs_exist_ok=True)
