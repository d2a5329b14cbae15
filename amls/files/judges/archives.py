"""Judges of archives: listed, never extracted. What would unpack to too much or lead outside is refused."""

import gzip
import io
import re
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from typing import IO, Any

from amls.files.limited.refused import Refused

MAX_ENTRIES = 10_000
# What an archive may unpack to, however well it packs: models and tables full of zeros are no bombs.
HARMLESS = 100 * 1024**2
# What it may unpack to beyond that, and how much better than its size.
MAX_TOTAL = 4 * 1024**3
MAX_RATIO = 200
# What tarfile reads at once is a header, or a long name as part of one; and what it reads in all, without contents.
_LONGEST_TAR_HEADER = 1024**2
_TAR_HEADERS = MAX_ENTRIES * 4096
# The listing at the end of a ZIP archive, which zipfile reads at once.
_LONGEST_ZIP_LISTING = MAX_ENTRIES * 512
_CHUNK = 256 * 1024
_SYMLINK = 0o120000
_FILE_TYPE = 0o170000
_DRIVE = re.compile(r"[A-Za-z]:")
# As much of a path as is said; those of tar archives may be very long.
_SAID = 200
# What the systems of Apple and Microsoft put beside people's files.
_FOLDERS_OF_SYSTEMS = {"__MACOSX"}
_FILES_OF_SYSTEMS = {".ds_store", "thumbs.db", "desktop.ini"}


def judge_zip(file: IO[bytes]) -> Iterator[dict[str, Any]]:
    """Yield nothing of interest about a ZIP archive.

    Raises:
        Refused: damaged, a bomb, with paths that lead outside, or with no file in it.
    """
    _require_files(entry.filename for entry in list_zip(file) if not _is_folder(entry.filename))
    yield {}


def judge_tar(file: IO[bytes]) -> Iterator[dict[str, Any]]:
    """Yield nothing of interest about a gzipped tar archive.

    Raises:
        Refused: damaged, a bomb, with links, devices or paths that lead outside, or with no file in it.
    """
    _require_files(entry.name for entry in list_tar(file) if entry.isreg())
    yield {}


def judge_pptx(file: IO[bytes]) -> Iterator[dict[str, Any]]:
    """Yield how many slides a presentation has.

    Raises:
        Refused: it is none, or an archive that is refused.
    """
    try:
        names = {entry.filename for entry in list_zip(file)}
    except Refused as refused:
        if refused.code == "not-zip":
            raise Refused("not-pptx") from refused
        raise
    if not {"[Content_Types].xml", "ppt/presentation.xml"} <= names:
        raise Refused("not-pptx")
    yield {"pages": sum(1 for name in names if name.startswith("ppt/slides/slide") and name.endswith(".xml"))}


def need_small(archive: zipfile.ZipFile, most: int) -> None:
    """Let nobody read an archive that says of itself that it unpacks to more than so many bytes.

    Raises:
        Refused: it does.
    """
    if sum(entry.file_size for entry in archive.infolist()) > most:
        raise Refused("too_big")


def list_zip(file: IO[bytes]) -> list[zipfile.ZipInfo]:
    """Return the entries of a ZIP archive.

    Raises:
        Refused: damaged, a bomb, or with paths that lead outside.
    """
    try:
        with zipfile.ZipFile(_BoundedListing(file)) as archive:
            entries = archive.infolist()
    except _BoundReached as error:
        raise _too_many() from error
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        raise Refused("not-zip") from error
    if len(entries) > MAX_ENTRIES:
        raise _too_many()
    for entry in entries:
        _check_path(entry.filename)
        if (entry.external_attr >> 16) & _FILE_TYPE == _SYMLINK:
            raise _refused("zip-link", entry.filename)
    unpacked, packed = sum(entry.file_size for entry in entries), sum(entry.compress_size for entry in entries)
    # Overlapping entries claim more packed bytes than the archive has.
    is_dense = unpacked > MAX_RATIO * max(packed, 1) or packed > _size(file)
    if unpacked > MAX_TOTAL or (unpacked > HARMLESS and is_dense):
        raise Refused("zip-bomb")
    return entries


def list_tar(file: IO[bytes]) -> list[tarfile.TarInfo]:
    """Return the entries of a gzipped tar archive.

    The listing stands between the contents: all is unpacked once, in small pieces that are
    thrown away, and no further than the bounds allow.

    Raises:
        Refused: damaged, a bomb, or with links, devices or paths that lead outside.
    """
    bound = min(MAX_TOTAL, max(HARMLESS, MAX_RATIO * _size(file)))
    file.seek(0)
    entries: list[tarfile.TarInfo] = []
    claimed = 0
    try:
        with gzip.GzipFile(fileobj=file) as unpacked:
            reader = _BoundedReader(unpacked, bound)
            # Mode 'r:' reads headers only and seeks over contents.
            with tarfile.open(fileobj=reader, mode="r:") as archive:
                for entry in archive:
                    entries.append(entry)
                    claimed += max(entry.size, 0)
                    if len(entries) > MAX_ENTRIES:
                        raise _too_many()
                    if claimed > bound:
                        raise Refused("zip-bomb")
                    _check_tar_entry(entry)
            reader.skip_to_end()
    except _BoundReached as error:
        raise Refused("zip-bomb") from error
    except (tarfile.TarError, OSError, EOFError, zlib.error, ValueError, RecursionError) as error:
        raise Refused("not-tar") from error
    return entries


class _BoundReached(Exception):
    """An archive holds more than its bound."""


class _BoundedListing(io.RawIOBase):
    """Reads a ZIP archive as long as no more than its longest listing is asked for at once."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._stream.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def read(self, size: int = -1) -> bytes:
        if size > _LONGEST_ZIP_LISTING:
            raise _BoundReached
        content = self._stream.read(size if size >= 0 else _LONGEST_ZIP_LISTING + 1)
        if len(content) > _LONGEST_ZIP_LISTING:
            raise _BoundReached
        return content


class _BoundedReader(io.RawIOBase):
    """Reads and seeks forwards over an unpacking stream, up to a number of bytes."""

    def __init__(self, stream: IO[bytes] | gzip.GzipFile, bound: int) -> None:
        self._stream = stream
        self._bound = bound
        self._position = self._headers = 0

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def read(self, size: int = -1) -> bytes:
        self._headers += size
        if size < 0 or size > _LONGEST_TAR_HEADER or self._headers > _TAR_HEADERS:
            raise _BoundReached
        return self._take(size)

    def _take(self, size: int) -> bytes:
        content = self._stream.read(size)
        self._position += len(content)
        if self._position > self._bound:
            raise _BoundReached
        return content

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence != io.SEEK_SET or offset < self._position:
            raise OSError("Only forwards.")
        if offset > self._bound:
            raise _BoundReached
        while self._position < offset and self._take(min(_CHUNK, offset - self._position)):
            pass
        return self._position

    def skip_to_end(self) -> None:
        while self._take(_CHUNK):
            pass


def _check_tar_entry(entry: tarfile.TarInfo) -> None:
    _check_path(entry.name)
    if entry.issym() or entry.islnk():
        raise _refused("zip-link", entry.name)
    if not (entry.isreg() or entry.isdir()):
        raise _refused("tar-device", entry.name)


def _size(file: IO[bytes]) -> int:
    file.seek(0, io.SEEK_END)
    return file.tell()


def _too_many() -> Refused:
    return Refused("too-many-entries", limit=MAX_ENTRIES)


def _parts(path: str) -> list[str]:
    # Backslashes between folders are not what the format says (APPNOTE 4.4.17.1), but what PowerShell writes.
    return path.replace("\\", "/").split("/")


def _is_folder(path: str) -> bool:
    return _parts(path)[-1] == ""


def _check_path(path: str) -> None:
    first, *others = _parts(path)
    drive = _DRIVE.match(first)
    # 'a:b.txt' is a name on every system but one.
    rest = first[drive.end() :] if drive else first
    if ".." in (rest, *others) or rest == "":
        raise _refused("zip-path", path)


def _refused(code: str, path: str) -> Refused:
    return Refused(code, path=path[:_SAID])


def _require_files(paths: Iterable[str]) -> None:
    if all(map(is_of_system, paths)):
        raise Refused("empty-archive")


def is_of_system(path: str) -> bool:
    """Return whether a path is one that people's systems put into archives."""
    *folders, name = _parts(path)
    is_fork = name.startswith("._")
    return is_fork or name.lower() in _FILES_OF_SYSTEMS or not _FOLDERS_OF_SYSTEMS.isdisjoint(folders)
