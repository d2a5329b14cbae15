"""The file system as a broker, without the moment in which a message or a table is read half-written.

kombu's transport creates a message's file, then fills it: a worker that looks in between
takes an empty message and dies of it.
"""

import os
import time
import uuid
from json import JSONDecodeError
from pathlib import Path
from typing import Any

from kombu.transport import TRANSPORT_ALIASES
from kombu.transport.filesystem import Channel as FilesystemChannel
from kombu.transport.filesystem import Transport as FilesystemTransport
from kombu.utils.json import dumps

_TRIES = 20
_PAUSE_SECONDS = 0.05


class Channel(FilesystemChannel):
    """Puts messages into place when they are whole. Its folders are made where they are missing."""

    def __init__(self, connection: Any, **kwargs: Any) -> None:
        super().__init__(connection, **kwargs)
        for folder in {self.data_folder_in, self.data_folder_out, self.control_folder}:
            # What is queued is for its user alone.
            Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)

    def _put(self, queue: str, message: Any, **kwargs: Any) -> None:  # type: ignore[override]
        folder = Path(self.data_folder_out)
        name = f"{round(time.monotonic() * 1000)}_{uuid.uuid4()}"
        # No queue's name ends like this, so that nobody takes it yet.
        draft = folder / f"{name}.part"
        draft.write_text(dumps(message), encoding="utf-8")
        os.replace(draft, folder / f"{name}.{queue}.msg")  # noqa: PTH105 - as atomic as its name says

    def get_table(self, exchange: str) -> Any:
        """Return the bindings of an exchange, also while another process writes them down."""
        return _patiently(lambda: super(Channel, self).get_table(exchange))

    def _queue_bind(self, *args: Any) -> None:
        _patiently(lambda: super(Channel, self)._queue_bind(*args))


class Transport(FilesystemTransport):
    """kombu's transport with these channels."""

    Channel = Channel


def install() -> None:
    """Let 'filesystem://' mean this transport."""
    TRANSPORT_ALIASES["filesystem"] = "amls.core.filequeue:Transport"


def _patiently(act: Any) -> Any:
    for _try in range(_TRIES):
        try:
            return act()
        except JSONDecodeError:
            time.sleep(_PAUSE_SECONDS)
    return act()
