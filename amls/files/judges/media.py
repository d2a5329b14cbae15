"""Judges of recordings."""

from collections.abc import Iterator
from typing import IO, Any

from mutagen import MutagenError
from mutagen.mp4 import MP4

from amls.files.limited.refused import Refused

# No recording lasts longer; what claims to is bent.
_LONGEST_SECONDS = 7 * 24 * 3600


def judge_mp4(file: IO[bytes]) -> Iterator[dict[str, Any]]:
    """Yield how many seconds a recording lasts.

    Raises:
        Refused: it is no MP4, or says nothing of its length.
    """
    if file.read(12)[4:8] != b"ftyp":
        raise Refused("not-mp4")
    file.seek(0)
    try:
        recording: Any = MP4
        length = recording(fileobj=file).info.length
    except (MutagenError, ValueError, KeyError, IndexError) as error:
        raise Refused("not-mp4") from error
    if not 0 <= length <= _LONGEST_SECONDS:
        raise Refused("not-mp4")
    yield {"seconds": round(length)}
