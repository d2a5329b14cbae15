"""The files in an archive: listed and read one by one, never extracted."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from amls.files.judges.archives import is_of_system, list_tar, list_zip
from amls.files.limited.refused import Refused

# What an unpacked stream may be read for, until a file of a tar archive is found.
_CHUNK = 256 * 1024


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive.

    Attributes:
        path: as people see it, with '/' between folders.
        name: as the archive has it.
        size: in bytes, as the archive says.
        crc: of a ZIP archive's file; None elsewhere.
    """

    path: str
    name: str
    size: int
    crc: int | None = None


def members_of(file: IO[bytes], suffix: str) -> Iterator[Member]:
    """Yield the files that people put into an archive, without those of their systems.

    Args:
        file: the archive.
        suffix: '.zip' or '.tar.gz'.

    Raises:
        Refused: it is none, or one that is not taken.
    """
    if suffix == ".zip":
        for entry in list_zip(file):
            if not entry.is_dir() and not is_of_system(entry.filename):
                yield Member(_path(entry.filename), entry.filename, entry.file_size, entry.CRC)
    else:
        for tarred in list_tar(file):
            if tarred.isreg() and not is_of_system(tarred.name):
                yield Member(_path(tarred.name), tarred.name, tarred.size)


def _path(name: str) -> str:
    return name.replace("\\", "/").removeprefix("./")


@contextmanager
def open_member(file: IO[bytes], suffix: str, member: Member) -> Iterator[IO[bytes]]:
    """Open one file of an archive for reading.

    Raises:
        Refused: it is protected by a password, or damaged.
    """
    file.seek(0)
    try:
        if suffix == ".zip":
            with zipfile.ZipFile(file) as archive, archive.open(member.name) as stream:
                yield stream
        else:
            with gzip.GzipFile(fileobj=file) as unpacked, tarfile.open(fileobj=unpacked, mode="r:") as packed:
                content = packed.extractfile(member.name)
                yield content or io.BytesIO()
    except RuntimeError as error:
        raise Refused("encrypted" if "encrypted" in str(error) else "broken") from error
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        KeyError,
        EOFError,
        zlib.error,
        NotImplementedError,
        OSError,
    ) as error:
        raise Refused("broken") from error
