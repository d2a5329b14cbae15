"""The file system as a broker: every message once and whole, however many write and read at once."""

import threading
from collections import Counter
from pathlib import Path
from queue import Empty
from typing import Any

from kombu import Connection

from amls.core.filequeue import Transport


def connect(folder: Path) -> Connection:
    options = {
        "data_folder_in": str(folder / "queue"), "data_folder_out": str(folder / "queue"),
        "control_folder": str(folder / "control"), "store_processed": False,
    }  # fmt: skip
    return Connection("filesystem://localhost//", transport_options=options)


def test_messages_arrive_whole_and_once_while_many_write_and_read(tmp_path: Path) -> None:
    count, writers = 150, 4
    got: list[int] = []
    errors: list[Exception] = []
    done = threading.Event()
    # Large enough that a reader would often see the half of it.
    payload = "x" * 200_000

    def write(first: int) -> None:
        with connect(tmp_path) as connection, connection.channel() as opened:
            channel: Any = opened
            for number in range(first, first + count):
                channel._put("mail", {"body": payload, "number": number})

    def read() -> None:
        with connect(tmp_path) as connection, connection.channel() as opened:
            channel: Any = opened
            while True:
                is_last = done.is_set()
                try:
                    message: dict[str, Any] = channel._get("mail")
                except Empty:
                    if is_last:
                        return
                except Exception as error:
                    errors.append(error)
                    return
                else:
                    assert len(message["body"]) == len(payload)
                    got.append(message["number"])

    threads = [threading.Thread(target=write, args=(number * count,)) for number in range(writers)]
    readers = [threading.Thread(target=read) for _each in range(3)]
    for thread in threads + readers:
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    for thread in readers:
        thread.join()
    assert errors == []
    assert Counter(got) == dict.fromkeys(range(count * writers), 1)
    assert list((tmp_path / "queue").iterdir()) == []


def test_its_folders_are_made_wherever_it_is_used_and_are_for_its_user_alone(tmp_path: Path) -> None:
    with connect(tmp_path / "var") as connection, connection.channel():
        made = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "var").iterdir()}
    assert made == {"queue": 0o700, "control": 0o700}


def test_the_application_uses_it(tmp_path: Path) -> None:
    assert isinstance(connect(tmp_path).transport, Transport)
