"""Archives are listed, never extracted: what would unpack to too much or lead outside is refused."""

import gzip
import io
import tarfile
import zipfile
import zlib
from typing import IO

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from amls.core.text import clean_line
from amls.core.violations import RuleViolation

MAX_ZIP_ENTRIES = 10_000
MAX_ZIP_TOTAL = 4 * 1024**3
MAX_ZIP_RATIO = 200
# Headers of a tar file are padded and alike, so that a harmless small one packs better than the ratio.
_TAR_FLOOR = 10 * 1024**2
# What tarfile reads at once is a header, or a long name as part of one; and what it reads in all, without contents.
_LONGEST_TAR_HEADER = 1024**2
_TAR_HEADERS = MAX_ZIP_ENTRIES * 4096
# The listing at the end of a ZIP archive, which zipfile reads at once.
_LONGEST_ZIP_LISTING = MAX_ZIP_ENTRIES * 512
_CHUNK = 256 * 1024
_SYMLINK = 0o120000
_FILE_TYPE = 0o170000


def wrong(filename: str, expected: str, code: str) -> RuleViolation:
    """Return the violation of a file that is not what its name says."""
    return RuleViolation(
        _(
            "'%(name)s' is not %(expected)s, or it is damaged. Open it on your computer, save it again and upload that file."
        )
        % {"name": filename, "expected": expected},
        code=code,
    )


def check_zip(stream: IO[bytes], filename: str) -> list[zipfile.ZipInfo]:
    """Return the entries of a ZIP archive whose listing is harmless.

    Raises:
        RuleViolation: damaged, a bomb, or with paths that lead outside.
    """
    try:
        with zipfile.ZipFile(_BoundedListing(stream)) as archive:
            entries = archive.infolist()
    except _BoundReached as error:
        raise _too_many(filename) from error
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        raise wrong(filename, _("a ZIP archive"), "not-zip") from error
    if len(entries) > MAX_ZIP_ENTRIES:
        raise _too_many(filename)
    for entry in entries:
        _check_path(entry.filename, filename)
        if (entry.external_attr >> 16) & _FILE_TYPE == _SYMLINK:
            raise _link(entry.filename, filename)
    unpacked, packed = sum(e.file_size for e in entries), sum(e.compress_size for e in entries)
    # Overlapping entries claim more packed bytes than the archive has.
    if unpacked > MAX_ZIP_TOTAL or unpacked > MAX_ZIP_RATIO * max(packed, 1) or packed > _size(stream):
        raise _bomb(filename)
    return entries


def check_tar(stream: IO[bytes], filename: str) -> list[tarfile.TarInfo]:
    """Return the entries of a gzipped tar archive whose listing is harmless.

    The listing stands between the contents: all is unpacked once, in small pieces that are
    thrown away, and no further than the bounds allow.

    Raises:
        RuleViolation: damaged, a bomb, or with links, devices or paths that lead outside.
    """
    packed = _size(stream)
    stream.seek(0)
    bound = min(MAX_ZIP_TOTAL, max(_TAR_FLOOR, MAX_ZIP_RATIO * packed))
    entries: list[tarfile.TarInfo] = []
    claimed = 0
    try:
        with gzip.GzipFile(fileobj=stream) as unpacked:
            reader = _BoundedReader(unpacked, bound)
            # Mode 'r:' reads headers only and seeks over contents.
            with tarfile.open(fileobj=reader, mode="r:") as archive:
                for entry in archive:
                    entries.append(entry)
                    claimed += max(entry.size, 0)
                    if len(entries) > MAX_ZIP_ENTRIES:
                        raise _too_many(filename)
                    if claimed > bound:
                        raise _bomb(filename)
                    _check_tar_entry(entry, filename)
            reader.skip_to_end()
    except _BoundReached as error:
        raise _bomb(filename) from error
    except (tarfile.TarError, OSError, EOFError, zlib.error, ValueError, RecursionError) as error:
        raise wrong(filename, _("a .tar.gz archive"), "not-tar") from error
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


def _check_tar_entry(entry: tarfile.TarInfo, filename: str) -> None:
    _check_path(entry.name, filename)
    if entry.issym() or entry.islnk():
        raise _link(entry.name, filename)
    if not (entry.isreg() or entry.isdir()):
        raise RuleViolation(
            _("'%(name)s' holds '%(path)s', which is neither a file nor a folder. Leave it out and pack again.")
            % {"name": filename, "path": clean_line(entry.name)[:100]},
            code="tar-device",
        )


def _size(stream: IO[bytes]) -> int:
    stream.seek(0, io.SEEK_END)
    return stream.tell()


def _too_many(filename: str) -> RuleViolation:
    return RuleViolation(
        ngettext(
            "'%(name)s' holds more than %(limit)d file. Leave out what is not needed.",
            "'%(name)s' holds more than %(limit)d files. Leave out what is not needed.",
            MAX_ZIP_ENTRIES,
        )
        % {"name": filename, "limit": MAX_ZIP_ENTRIES},
        code="too-many-entries",
    )


def _bomb(filename: str) -> RuleViolation:
    return RuleViolation(
        _("'%(name)s' would unpack to far more than it holds. Pack it again without other archives in it.")
        % {"name": filename},
        code="zip-bomb",
    )


def _check_path(path: str, filename: str) -> None:
    parts = path.replace("\\", "/").split("/")
    if path.startswith(("/", "\\")) or ".." in parts or "\\" in path or (len(path) > 1 and path[1] == ":"):
        raise RuleViolation(
            _("'%(name)s' holds the path '%(path)s', which leads outside. Pack the folder again.")
            % {"name": filename, "path": clean_line(path)[:100]},
            code="zip-path",
        )


def _link(path: str, filename: str) -> RuleViolation:
    return RuleViolation(
        _("'%(name)s' holds the symbolic link '%(path)s'. Pack the file itself.")
        % {"name": filename, "path": clean_line(path)[:100]},
        code="zip-link",
    )
