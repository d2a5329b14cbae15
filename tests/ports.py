"""Ports for the servers of tests, each given once."""

import socket
from itertools import count
from os import environ
from random import randrange

# Below those that Linux gives to whoever asks for none in particular, such as every connection that is opened.
_FIRST, _OF_WORKER = 16_000, 1_000
_numbers = count(randrange(_OF_WORKER))


def free_port() -> int:
    """Return a port on loopback that nothing listens on, and that no other worker of this run is given."""
    worker = int(environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 16
    while True:
        port = _FIRST + worker * _OF_WORKER + next(_numbers) % _OF_WORKER
        with socket.socket() as probe:
            # Only what listens is in the way, not what has just been closed.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
