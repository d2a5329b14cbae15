"""One number for a request: in nginx's log, on the page that says what broke, and in one line of the log."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.projects.servers import get, granian, nginx

NUMBER = re.compile(r"<code>([0-9a-f]{32})</code>")


def lines(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]


@pytest.mark.django_db(transaction=True)
def test_the_number_on_the_page_finds_one_line_with_the_reason(tmp_path: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE portal_legalpage RENAME TO away")
    try:
        with granian(tmp_path, {"LOG_FORMAT": "json"}, workers=1) as behind, nginx(tmp_path, behind) as port:
            status, headers, body = get(port, "/legal/privacy/?next=/calendar/7-secret.ics")
            get(port, "/legal/imprint/")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE away RENAME TO portal_legalpage")
    said = NUMBER.search(body.decode())
    assert said is not None
    number = said[1]
    assert (status, headers["x-request-id"]) == (500, number)
    logged = [line for line in lines(tmp_path / "granian.log") if line["request_id"] == number]
    assert [(line["level"], line["logger"]) for line in logged] == [("ERROR", "django.request")]
    assert 'relation "portal_legalpage" does not exist' in logged[0]["exc_info"]
    assert (tmp_path / "access.log").read_text().count(number) == 1
    assert "secret" not in (tmp_path / "granian.log").read_text()


@pytest.mark.django_db(transaction=True)
def test_a_number_from_outside_counts_only_where_it_is_one(tmp_path: Path) -> None:
    given = "0123456789abcdef0123456789abcdef"
    with granian(tmp_path, workers=1) as port:
        assert get(port, "/healthz", **{"X-Request-ID": given})[1]["x-request-id"] == given
        for odd in ("<script>", "a" * 500, "Größe".encode("latin-1").decode("latin-1")):
            made = get(port, "/healthz", **{"X-Request-ID": odd})[1]["x-request-id"]
            assert re.fullmatch(r"[0-9a-f]{32}", made)
