"""What REDIS_URL says: where the cache and the broker are, and what they do while Redis is away."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

# A server that takes longer is away: somebody waits for the page.
_CACHE_SECONDS = 1
_BROKER_CONNECT_SECONDS = 2
# Longer than a worker's longest wait for a message.
_BROKER_SECONDS = 10
# Of the table that stands in for Redis; Django's 300 are fewer than the people of one course.
_MOST_ENTRIES = 200_000


def redis_address(url: str) -> str:
    """Return the value of REDIS_URL if cache and broker can use it, or if it is empty.

    Raises:
        ImproperlyConfigured: they can't.
    """
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in ("redis", "rediss") and bool(parts.hostname) and parts.port != 0 and "#" not in url
    except ValueError:
        is_address = False
    if url and not (is_address and (parts.path in ("", "/") or parts.path.removeprefix("/").isdecimal())):
        raise ImproperlyConfigured(
            "REDIS_URL must be an address such as redis://host:6379/0 or rediss://user:password@host/0, where signs such as @, "
            ":, / and # in a password are written as %40, %3A, %2F and %23."
        )
    return url


def cache_settings(url: str) -> dict[str, dict[str, Any]]:
    """Return CACHES: Redis, and while it is away the database; without an address the database alone."""
    table = {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "django_cache",
        "OPTIONS": {"MAX_ENTRIES": _MOST_ENTRIES},
    }
    if not url:
        return {"default": table}
    options = {
        "socket_connect_timeout": _CACHE_SECONDS,
        "socket_timeout": _CACHE_SECONDS,
        "pool_class": "amls.core.redis_pool.SharedPool",
    }
    return {
        "default": {
            "BACKEND": "amls.core.fallback.FallbackCache",
            "OPTIONS": {"first": "redis", "second": "database"},
        },
        "redis": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": url, "OPTIONS": options},
        "database": table,
    }


def broker_settings(url: str, *, folder: Path) -> dict[str, Any]:
    """Return Celery's settings of the broker: Redis, or without an address files in `folder`.

    Workers wait for a broker that is away for as long as it takes.
    """
    options: dict[str, Any] = {
        "visibility_timeout": 3600,
        "socket_connect_timeout": _BROKER_CONNECT_SECONDS,
        "socket_timeout": _BROKER_SECONDS,
        "socket_keepalive": True,
    }
    if not url:
        queue = str(folder / "queue")
        options = {
            "data_folder_in": queue,
            "data_folder_out": queue,
            "control_folder": str(folder / "queue-control"),
            "store_processed": False,
            "polling_interval": 0.05,
        }
    return {
        "CELERY_BROKER_URL": url or "filesystem://localhost//",
        "CELERY_BROKER_TRANSPORT_OPTIONS": options,
        "CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP": True,
        # Not 100 times, after which a worker would end for good.
        "CELERY_BROKER_CONNECTION_MAX_RETRIES": None,
        "CELERY_BROKER_CHANNEL_ERROR_RETRY": True,
    }
