"""What tests have done in the limited child."""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from amls.files.limited.refused import Refused


def look(file: IO[bytes], *, value: str) -> Iterator[list[Any]]:
    yield [file.read().decode(), value, sorted(os.environ), "django" in sys.modules]


def spin(file: IO[bytes]) -> Iterator[int]:
    yield 1
    while True:
        pass


def sleep(file: IO[bytes]) -> Iterator[int]:
    yield 1
    time.sleep(600)


def grow(file: IO[bytes]) -> Iterator[int]:
    yield len(bytearray(2**30))


def talk(file: IO[bytes]) -> Iterator[str]:
    while True:
        yield "x" * 10_000


def fall(file: IO[bytes]) -> Iterator[int]:
    yield 1
    raise LookupError


def end(file: IO[bytes]) -> Iterator[int]:
    yield 1
    os._exit(0)


def write(file: IO[bytes]) -> Iterator[int]:
    path = Path(f"/tmp/written-{os.getpid()}")
    try:
        with path.open("wb") as much:
            much.write(bytes(10**6))
        yield 1
    finally:
        path.unlink()


def refuse(file: IO[bytes]) -> Iterator[int]:
    yield 1
    raise Refused("because", path="Größe")


def read_text(file: IO[bytes], *, function: str) -> Iterator[int]:
    from amls.core import markdown

    yield len(getattr(markdown, function)(file.read().decode()))
