"""Connections to Redis that all threads of a process share: Django's cache would keep one for each thread."""

from threading import Lock
from typing import Any

from redis import ConnectionPool


class SharedPool(ConnectionPool):
    """As many connections as are in use at once."""

    _pools: dict[str, "SharedPool"] = {}
    _lock_of_pools = Lock()

    @classmethod
    def from_url(cls, url: str, **kwargs: Any) -> "SharedPool":
        """Return the pool of an address; how it is set up is said by the first who asks for it."""
        with cls._lock_of_pools:
            if url not in cls._pools:
                cls._pools[url] = super().from_url(url, **kwargs)
            return cls._pools[url]
