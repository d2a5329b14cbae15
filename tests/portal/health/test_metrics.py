"""Numbers for Prometheus: of the whole installation, and counted by all processes of a server together."""

import re
from pathlib import Path

import pytest
from django.test import Client

from amls.core.processes import queues
from amls.core.pulse import note_pulse
from tests.cast import Cast
from tests.projects.servers import get, granian

COUNTED = re.compile(r'amls_requests_total\{method="(\w+)",status="(\d+)",view="([^"]+)"\} ([\d.]+)')


@pytest.mark.django_db
def test_the_state_of_the_installation_is_told_in_numbers(client: Client, cast: Cast) -> None:
    note_pulse(name="mail@here", queues=["mail"])
    said = client.get("/metrics")
    assert said["Content-Type"].startswith("text/plain; version=")
    figures = dict(line.rsplit(" ", 1) for line in said.content.decode().splitlines() if line[:1] not in ("#", ""))
    assert figures["amls_database_up"] == "1.0"
    assert {queue: figures[f'amls_workers_alive{{queue="{queue}"}}'] for queue in queues()} == {
        "default": "0.0",
        "exports": "0.0",
        "mail": "1.0",
    }
    assert figures["amls_beats_alive"] == "0.0"
    assert figures['amls_waiting{task="amls.mail.tasks.deliver"}'] == "0.0"
    assert figures['amls_problem{name="queue-exports"}'] == "1.0"
    assert figures['amls_problem{name="queue-mail"}'] == "0.0"
    assert float(figures['amls_clock_skew_seconds{clock="mail@here"}']) < 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.real
def test_requests_are_counted_by_all_processes_together_and_name_nobody(tmp_path: Path, cast: Cast) -> None:
    with granian(tmp_path, {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "counts")}, workers=2) as port:
        for _each in range(12):
            assert get(port, "/accounts/login/")[0] == 200
            assert get(port, "/calendar/7-secret.ics")[0] == 404
        said = get(port, "/metrics")[2].decode()
    requests = {key: float(count) for *key_parts, count in COUNTED.findall(said) for key in [tuple(key_parts)]}
    assert requests["GET", "200", "account_login"] == 12
    assert requests["GET", "404", "agenda:personal_feed"] == 12
    assert len(list((tmp_path / "counts").glob("counter_*.db"))) == 2
    assert "secret" not in said
    assert 'amls_request_seconds_count{view="account_login"} 12.0' in said


@pytest.mark.django_db(transaction=True)
@pytest.mark.real
def test_where_nothing_can_be_counted_pages_are_served_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with granian(tmp_path, {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "file" / "counts")}, workers=1) as port:
        assert get(port, "/accounts/login/")[0] == 200
        said = get(port, "/metrics")[2].decode()
    assert "amls_database_up 1.0" in said
    assert "amls_requests_total" not in said
