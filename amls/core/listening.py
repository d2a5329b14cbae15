"""Ports that a web server is to listen on."""

import socket


def try_port(host: str, port: int) -> None:
    """Find out whether a server may listen there, alone.

    Web servers let others share their port (SO_REUSEPORT), as their own processes do: of two that were started, each would
    get every other request, perhaps of two releases.

    Raises:
        OSError: another program listens there, or nobody may.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # What lingers of connections that a server before this one had is no hindrance.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
