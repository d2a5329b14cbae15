"""Telling faults to Sentry, or to what understands its protocol, without what is secret or somebody's."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django_guid import get_guid

from amls.core.logs import redact


def start_sentry(dsn: str, *, environment: str) -> None:
    """Send what breaks from now on to the project of a DSN.

    Args:
        dsn: as Sentry shows it.
        environment: tells installations apart.

    Raises:
        ImproperlyConfigured: it is no DSN.
    """
    # Most installations have none: they need not load it.
    import sentry_sdk  # noqa: PLC0415

    try:
        sentry_sdk.utils.Dsn(dsn)
    except (sentry_sdk.utils.BadDsn, ValueError) as error:
        raise ImproperlyConfigured(
            "SENTRY_DSN must be what Sentry shows as DSN, such as https://key@sentry.example.org/1."
        ) from error
    sentry_sdk.init(
        dsn=dsn,
        environment=environment,
        send_default_pii=False,
        # Names, codes and points stand in variables and in bodies.
        include_local_variables=False,
        max_request_body_size="never",
        before_send=_without_secrets,
        before_breadcrumb=lambda crumb, _hint: _redacted(crumb),
    )


def _without_secrets(event: Any, _hint: dict[str, Any]) -> Any:
    """Return what is sent of a fault: no addresses that open something, no cookies, nothing that was searched for."""
    request = event.get("request", {})
    for private in ("cookies", "data", "query_string", "env"):
        request.pop(private, None)
    request["headers"] = {
        name: value
        for name, value in request.get("headers", {}).items()
        if name.lower() in ("user-agent", "x-request-id")
    }
    event.setdefault("tags", {})["request_id"] = get_guid()
    return _redacted(event)


def _redacted(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {key: _redacted(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted(inner) for inner in value]
    return value
