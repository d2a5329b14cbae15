"""What every template may know."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, Any]:
    """Return the request's one clock, the address of this installation, and what its sign-in is like."""
    return {
        "now": getattr(request, "now", None),
        "site_url": settings.SITE_URL,
        "code_minutes": settings.CODE_MINUTES,
        "has_providers": bool(settings.SIGN_IN_PROVIDERS),
    }
