"""What this machine must have beside Python packages, and what no other setting shows, as Django's system checks."""

import ctypes
import ctypes.util
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning  # noqa: A004 - Django's name

# WeasyPrint loads these by name when it is imported, which takes most of a second: never in a web process.
_PDF_LIBRARIES = {
    "gobject-2.0": "libgobject-2.0.so.0",
    "pango-1.0": "libpango-1.0.so.0",
    "pangoft2-1.0": "libpangoft2-1.0.so.0",
    "harfbuzz": "libharfbuzz.so.0",
    "harfbuzz-subset": "libharfbuzz-subset.so.0",
    "fontconfig": "libfontconfig.so.1",
}


def check_pdf_libraries(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Return a warning with the line that mends it, if PDFs can't be made on this machine."""
    missing = [name for name, file in _PDF_LIBRARIES.items() if not _loads(name, file)]
    if not missing:
        return []
    return [
        Warning(
            f"PDFs can't be made: {', '.join(missing)} can't be loaded. Everything else works.",
            hint="`sh deploy/system_packages.sh run` installs what they need, or says what to type.",
            id="amls.W001",
        )
    ]


def check_front_stamp(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Return a warning if anybody could say when a request began, which decides on deadlines.

    WSGI makes one name of X-Began and X_Began (PEP 3333), and the last one counts.
    """
    if "_" not in settings.REQUEST_BEGAN_META.removeprefix("HTTP_"):
        return []
    return [
        Warning(
            "The header that REQUEST_BEGAN_HEADER names can be imitated by one with underscores, where the front server passes it on.",
            hint="Give it a name without hyphens, such as RequestBegan, here and in the front server's configuration.",
            id="amls.W002",
        )
    ]


def _loads(name: str, file: str) -> bool:
    for candidate in (file, ctypes.util.find_library(name)):
        if candidate is None:
            continue
        try:
            ctypes.CDLL(candidate)
        except OSError:
            continue
        return True
    return False
