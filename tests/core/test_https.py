"""A front server that forgets to say by what it was asked is named in the log."""

import logging

import pytest
from django.http import HttpResponse
from django.middleware.security import SecurityMiddleware
from django.test import RequestFactory, override_settings

from amls.core.https import SchemeMiddleware


def test_a_request_without_its_scheme_is_led_to_the_site_with_its_port_and_told_of_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    requests = RequestFactory(headers={"host": "courses.example.org"})
    with override_settings(
        ALLOWED_HOSTS=["courses.example.org"], SECURE_SSL_REDIRECT=True, SECURE_SSL_HOST="courses.example.org:8140",
        SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https"),
    ):  # fmt: skip
        led = SchemeMiddleware(SecurityMiddleware(lambda _request: HttpResponse("page")))
        by_http = led(requests.get("/amls/", headers={"x-forwarded-proto": "http"}))
        assert (by_http.status_code, by_http["Location"]) == (301, "https://courses.example.org:8140/amls/")
        assert not caplog.records
        for _time in range(2):
            assert led(requests.get("/amls/"))["Location"] == "https://courses.example.org:8140/amls/"
        assert led(requests.get("/amls/", headers={"x-forwarded-proto": "https"})).status_code == 200
    (said,) = caplog.messages
    assert "proxy_set_header X-Forwarded-Proto $scheme" in said
