"""Connections to the open internet alone: an address that somebody gave never leads into this network.

The addresses that a name resolves to are checked, and the connection goes to one of these very addresses, so that a
second answer of the name server changes nothing.
"""

import http.client
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Allows = Callable[[Address], bool]


class InsideError(Exception):
    """The name leads into this network: nothing is connected to."""


def is_public(address: Address) -> bool:
    """Return whether an address is one of the open internet."""
    mapped = getattr(address, "ipv4_mapped", None)
    real = mapped if mapped is not None else address
    return real.is_global and not real.is_multicast and not real.is_reserved


def resolve(host: str, port: int, *, allows: Allows) -> list[Address]:
    """Return the addresses of a name.

    Raises:
        OSError, UnicodeError: there is none.
        InsideError: one of them is not allowed.
    """
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [ipaddress.ip_address(str(answer[4][0]).partition("%")[0]) for answer in answers]
    # One answer within this network is enough to refuse all.
    if not addresses or not all(allows(address) for address in addresses):
        raise InsideError(host)
    return addresses


class OutsideConnection(http.client.HTTPSConnection):
    """A connection to one of the addresses that were checked, by the certificate of the name."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        checked: list[Address],
        allows: Allows,
        context: ssl.SSLContext,
        until: float,
        patience: float,
    ) -> None:
        """Prepare it.

        Args:
            host: the server's name.
            port: where it listens.
            checked: what `resolve` returned.
            allows: which addresses may be connected to.
            context: by whose certificates servers are known.
            until: on the monotonic clock, when all of it has to be over.
            patience: how many seconds the server may be silent.
        """
        super().__init__(host, port, timeout=patience, context=context)
        self._checked, self._allows, self._tls, self._until, self._patience = checked, allows, context, until, patience

    def connect(self) -> None:
        """Connect to the first address that answers, and look at who it is."""
        last: OSError | None = None
        for checked in self._checked:
            left = self._until - time.monotonic()
            if left <= 0:
                break
            try:
                raw = socket.create_connection((str(checked), self.port), timeout=min(self._patience, left))
            except OSError as error:
                last = error
                continue
            peer = ipaddress.ip_address(str(raw.getpeername()[0]).partition("%")[0])
            if not self._allows(peer):
                raw.close()
                raise InsideError(self.host)
            self.sock = self._tls.wrap_socket(raw, server_hostname=self.host)
            return
        raise last or TimeoutError

    def wait_at_most(self, seconds: float) -> None:
        """Let the next reading take no longer."""
        if self.sock is not None:
            self.sock.settimeout(max(0.1, min(self._patience, seconds)))

    def hang_up(self) -> None:
        """End it from another thread, whatever it waits for."""
        if self.sock is not None:
            try:
                self.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                # It has ended by itself.
                return
