"""Styles and scripts of the other node's release are served as soon as they are here."""

from pathlib import Path

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from pytest_django import Settings

from amls.core.staticserving import StaticMiddleware

NEW = "css/amls.0123456789ab.css"


@pytest.fixture
def served(settings: Settings, tmp_path: Path) -> StaticMiddleware:
    """A web server that has started with nothing but its own styles."""
    settings.DEBUG, settings.STATIC_ROOT = False, tmp_path / "static"
    (settings.STATIC_ROOT / "css").mkdir(parents=True)
    (settings.STATIC_ROOT / "css" / "amls.ba9876543210.css").write_text("old")
    return StaticMiddleware(lambda _request: HttpResponse(status=404))


def status(served: StaticMiddleware, path: str) -> int:
    return served(RequestFactory().get(path)).status_code


def test_what_was_put_there_since_the_start_is_served_with_the_same_headers(
    served: StaticMiddleware, settings: Settings
) -> None:
    assert status(served, f"/static/{NEW}") == 404
    (settings.STATIC_ROOT / NEW).write_text("new" * 50)
    (settings.STATIC_ROOT / f"{NEW}.gz").write_bytes(b"packed")
    answer = served(RequestFactory().get(f"/static/{NEW}"))
    assert (answer.status_code, b"".join(answer.streaming_content)) == (200, b"new" * 50)  # type: ignore[attr-defined]
    old = served(RequestFactory().get("/static/css/amls.ba9876543210.css"))
    assert answer["Cache-Control"] == old["Cache-Control"]
    packed = served(RequestFactory().get(f"/static/{NEW}", headers={"accept-encoding": "gzip"}))
    assert (packed["Content-Encoding"], b"".join(packed.streaming_content)) == ("gzip", b"packed")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "path",
    [
        "/static/staticfiles.json", "/static/../secret.0123456789ab.css", "/static/css/../../secret.0123456789ab.css",
        "/static//etc/x.0123456789ab.css", "/static/.hidden.0123456789ab.css", "/other/css/amls.0123456789ab.css", "/static/css",
    ],
)  # fmt: skip
def test_nothing_else_is(path: str, served: StaticMiddleware, settings: Settings) -> None:
    for place in ("staticfiles.json", "../secret.0123456789ab.css", ".hidden.0123456789ab.css", NEW):
        (settings.STATIC_ROOT / place).write_text("x")
    assert status(served, path) == 404
