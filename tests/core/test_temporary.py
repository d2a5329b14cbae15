"""Temporary files of killed processes go, those of living ones stay."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from amls.core.temporary import sweep
from tests.patience import SECONDS

pytestmark = pytest.mark.real

_PROGRAM = """
import os, signal, sys, tempfile
from pathlib import Path
from amls.core.temporary import use_own_folder
use_own_folder()
place = Path(tempfile.gettempdir())
(place / "weasyprint-fonts").mkdir()
(place / "half.upload.pdf").write_bytes(b"%PDF")
(place / "new.upload.pdf").write_bytes(b"%PDF")
print(place, flush=True)
if sys.argv[1] == "starts":
    # Another program of ours, from within its folder.
    print(os.popen(f"{sys.executable} -c 'import tempfile; from amls.core.temporary import use_own_folder as use; use(); print(tempfile.gettempdir())'").read(), flush=True)
sys.stdin.read()
"""


class OurProgram:
    """One of ours, which lives until its input ends, or it is killed."""

    def __init__(self, temporary: Path, what: str = "") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, what], env={**os.environ, "TMPDIR": str(temporary)}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self.folder = Path(self.line())

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self) -> None:
        self.process.communicate(timeout=SECONDS)
        assert self.process.returncode == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=SECONDS)


def age(path: Path) -> None:
    """Let a file be two days old."""
    before = time.time() - 2 * 24 * 3600
    os.utime(path, (before, before))


def test_what_a_killed_program_left_goes_with_the_next_start_and_the_living_keep_theirs(tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    (temporary / "of-others.txt").write_text("x")
    living, killed = OurProgram(temporary), OurProgram(temporary)
    root = temporary / f"amls-{os.getuid()}"
    assert {living.folder.parent, killed.folder.parent} == {root}
    assert root.stat().st_mode & 0o077 == 0
    killed.kill()
    assert killed.folder.is_dir()
    # Old or not, what lives keeps its fonts; what is half is a dead process's after a day.
    for name in ("weasyprint-fonts", "half.upload.pdf"):
        age(living.folder / name)
    third = OurProgram(temporary)
    assert not killed.folder.exists()
    assert sorted(path.name for path in living.folder.iterdir()) == ["new.upload.pdf", "weasyprint-fonts"]
    living.end()
    third.end()
    assert [path.name for path in temporary.iterdir()] == ["of-others.txt"]


def test_programs_that_one_of_ours_starts_stand_beside_it_and_are_swept_once_it_was_killed(tmp_path: Path) -> None:
    first = OurProgram(tmp_path, "starts")
    second = Path(first.line())
    assert (second.parent, second == first.folder) == (first.folder.parent, False)
    assert not second.exists(), "It ended in order."
    first.kill()
    assert sweep(first.folder.parent) == 1
    assert list(first.folder.parent.iterdir()) == []


def test_nothing_is_put_into_a_folder_that_others_prepared(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    (temporary / f"amls-{os.getuid()}").symlink_to(elsewhere)
    program = OurProgram(temporary)
    assert program.folder == temporary
    assert list(elsewhere.iterdir()) == []
    program.end()
