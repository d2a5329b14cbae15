"""Temporary files in a folder of ours, so that what a killed process left behind is known as ours, and deleted.

Each of our programs (`serve`, the web server, a worker, beat) has a folder of its own below `amls-<user>` in the machine's folder
for temporary files, and so have the processes that it makes. That it lives is said by a lock beside its folder, which
ends with it, however it ends; processes that were forked of it hold the lock too. In order it deletes its folder itself.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

_LOCK = ".lock"
_OLD_SECONDS = 24 * 3600
# What living processes keep for as long as they live: unpacked fonts, and where processes of one program meet.
_KEPT = ("weasyprint-", "pymp-")


def use_own_folder() -> None:
    """Let this program, and those that it starts, put temporary files into a folder of its own; first delete what dead ones left.

    Where there can be none, as in a folder that is read only, they lie where they did before.
    """
    root = _root()
    try:
        root.mkdir(mode=0o700, exist_ok=True)
        stat = root.lstat()
        if stat.st_uid != os.getuid() or root.is_symlink():
            # Somebody else made it, who could read what we put there.
            return
        root.chmod(0o700)
        lock = tempfile.NamedTemporaryFile(dir=root, prefix=f"{os.getpid()}-", suffix=_LOCK, delete=False)  # noqa: SIM115 - held as long as we live
        fcntl.flock(lock, fcntl.LOCK_EX)
        # It is there only under its lock: nobody takes it for a dead one's.
        own = Path(lock.name.removesuffix(_LOCK))
        own.mkdir(mode=0o700)
    except OSError:
        return
    sweep(root)
    tempfile.tempdir = os.environ["TMPDIR"] = str(own)
    atexit.register(_leave, own, lock, os.getpid())


def _root() -> Path:
    """Return the folder of all our programs; one that another of ours started is in its folder already."""
    place, name = Path(tempfile.gettempdir()), f"amls-{os.getuid()}"
    return place.parent if place.parent.name == name else place / name


def _leave(own: Path, lock: object, owner: int) -> None:
    """Delete the folder of a program that ends; `lock` is held until then."""
    if os.getpid() != owner:
        return
    shutil.rmtree(own, ignore_errors=True)
    sweep(own.parent)
    with suppress(OSError):
        Path(f"{own}{_LOCK}").unlink()
    with suppress(OSError):
        # Of the last one.
        own.parent.rmdir()


def sweep(root: Path | None = None) -> int:
    """Delete what dead programs left, and what a dead process of a living one left a day ago; return how many things.

    The age of files is told by this machine's own clock, which wrote it.

    Args:
        root: the folder of all our programs; that of this one by default.
    """
    root = root or _root()
    gone = 0
    with suppress(OSError):
        for place in sorted(root.iterdir()):
            if place.name.endswith(_LOCK):
                gone += _sweep_program(place)
    return gone


def _sweep_program(lock: Path) -> int:
    folder, gone = Path(str(lock).removesuffix(_LOCK)), 0
    with suppress(OSError), lock.open("rb") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            # It lives.
            return sum(_delete(path) for path in folder.iterdir() if _is_left(path))
        if folder.is_dir():
            gone = _delete(folder)
            lock.unlink()
        elif time.time() - lock.stat().st_mtime > _OLD_SECONDS:
            # One that begins has a lock before it has a folder.
            lock.unlink()
    return gone


def _is_left(path: Path) -> bool:
    try:
        age = time.time() - path.lstat().st_mtime
    except OSError:
        return False
    return age > _OLD_SECONDS and not path.name.startswith(_KEPT)


def _delete(path: Path) -> int:
    """Delete a file or a folder; return 1 where it is gone."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()
    return int(not path.exists())
