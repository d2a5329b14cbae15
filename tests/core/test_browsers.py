"""Browsers are said as people call them."""

import pytest
from django.utils import translation

from amls.core.browsers import browser_name

_WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
_BLINK = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0"


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("Mozilla/5.0 (Android 14; Mobile; rv:131.0) Gecko/131.0 Firefox/131.0", "Firefox on Android"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox on Linux"),
        (f"Mozilla/5.0 (Linux; Android 10; K) {_BLINK} Mobile Safari/537.36", "Chrome on Android"),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_BLINK} Safari/537.36 Edg/130.0.0.0", "Edge on Windows"),
        (f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_WEBKIT} Version/18.0 Safari/605.1.15", "Safari on macOS"),
        (f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) {_WEBKIT} Version/17.5 Mobile/15E148 Safari/604.1", "Safari on iOS"),
        ("python-requests/2.32", "Python Requests"),
        ("Şahins-Programm/1.0 (x)", "Şahins-Programm"),
        ("", ""),
        ("x" * 5000, "x" * 40),
        ("\udcff\0", "\udcff\0"),
    ],
)  # fmt: skip
def test_a_browser_is_said_as_people_call_it(user_agent: str, name: str) -> None:
    assert browser_name(user_agent) == name


def test_a_browser_is_said_in_german_too() -> None:
    with translation.override("de"):
        assert (
            browser_name("Mozilla/5.0 (Android 14; Mobile; rv:131.0) Gecko/131.0 Firefox/131.0")
            == "Firefox auf Android"
        )
