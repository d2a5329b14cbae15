"""A cache that goes on in the database while Redis is away: limits hold, and nobody is refused."""

import logging
from time import monotonic
from typing import Any

from django.core.cache import caches
from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

# While the first one does not answer it is not asked for every page.
PAUSE_SECONDS = 5.0

# Until when each first one is left alone, for all threads of this process.
_asked_again_at: dict[str, float] = {}


class FallbackCache(BaseCache):
    """The cache `OPTIONS["first"]`; while that raises, `OPTIONS["second"]`. Both are aliases in settings.CACHES.

    What was kept in one is not known in the other: counts begin anew when it changes.
    """

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        options = params.get("OPTIONS", {})
        self._first, self._second = options["first"], options["second"]

    def _ask(self, method: str, *args: Any, **kwargs: Any) -> Any:
        if monotonic() >= _asked_again_at.get(self._first, 0.0):
            try:
                return getattr(caches[self._first], method)(*args, **kwargs)
            except (RedisError, OSError) as error:
                _asked_again_at[self._first] = monotonic() + PAUSE_SECONDS
                logger.warning("The cache %s does not answer, %s is used: %s", self._first, self._second, error)
        return getattr(caches[self._second], method)(*args, **kwargs)

    def add(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Keep a value under a key that has none; return whether it had none."""
        return bool(self._ask("add", key, value, timeout=timeout, version=version))

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        """Return what is kept under a key, or the default."""
        return self._ask("get", key, default=default, version=version)

    def set(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        """Keep a value under a key."""
        self._ask("set", key, value, timeout=timeout, version=version)

    def touch(self, key: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Let the time of a key begin anew; return whether it was there."""
        return bool(self._ask("touch", key, timeout=timeout, version=version))

    def delete(self, key: Any, version: int | None = None) -> bool:
        """Forget a key; return whether it was there."""
        return bool(self._ask("delete", key, version=version))

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        """Add to a count and return it; ValueError where there is none."""
        return int(self._ask("incr", key, delta=delta, version=version))

    def has_key(self, key: Any, version: int | None = None) -> bool:
        """Return whether something is kept under a key."""
        return bool(self._ask("has_key", key, version=version))

    def get_many(self, keys: Any, version: int | None = None) -> dict[Any, Any]:
        """Return what is kept under these keys."""
        values: dict[Any, Any] = self._ask("get_many", keys, version=version)
        return values

    def set_many(self, data: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> list[Any]:
        """Keep several values; return the keys that failed."""
        return list(self._ask("set_many", data, timeout=timeout, version=version))

    def delete_many(self, keys: Any, version: int | None = None) -> None:
        """Forget several keys."""
        self._ask("delete_many", keys, version=version)

    def clear(self) -> None:
        """Forget everything."""
        self._ask("clear")


def forget() -> None:
    """Forget which caches did not answer."""
    _asked_again_at.clear()
