"""The page that says that something broke stands on nothing that may be broken too."""

import json
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client, override_settings

from amls.core.processes import queues
from amls.core.pulse import note_pulse
from amls.portal.health import views

pytestmark = pytest.mark.django_db


def test_a_fault_is_said_with_its_number_even_where_no_styles_were_collected(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object, **_more: object) -> None:
        raise RuntimeError("No look")

    monkeypatch.setattr(views, "look", fail)
    client.raise_request_exception = False
    german = client.get("/readyz", headers={"accept-language": "de"}).content.decode()
    assert ('<html lang="de">' in german, "Bei uns ist etwas" in german) == (True, True)
    answer = client.get("/readyz")
    assert '<html lang="en">' in answer.content.decode()
    assert (answer.status_code, f"<code>{answer['X-Request-ID']}</code>" in answer.content.decode()) == (500, True)
    manifest = {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
    with override_settings(STORAGES={"staticfiles": manifest}, STATIC_ROOT="/nonexistent"):
        answer = client.get("/readyz")
    assert (answer.status_code, answer.content.decode()) == (
        500,
        f"Something broke on our side: {answer['X-Request-ID']}",
    )


def test_a_server_whose_styles_were_not_collected_is_not_ready_and_says_so(client: Client, tmp_path: Path) -> None:
    note_pulse(name="all@here", queues=queues())
    assert client.get("/readyz").status_code == 200
    manifest = {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
    with override_settings(STORAGES={**settings.STORAGES, "staticfiles": manifest}, STATIC_ROOT=tmp_path):
        answer = client.get("/readyz")
        assert answer.status_code == 503
        assert (
            "Run `manage.py collectstatic --no-input`, then start the web server"
            in answer.json()["problems"]["static-files"]
        )
        paths = {}
        for folder in settings.STATICFILES_DIRS:
            for path in Path(folder).rglob("*.*"):
                name = path.relative_to(folder).as_posix()
                paths[name] = f"{name}.0123456789ab"
        (tmp_path / "staticfiles.json").write_text(json.dumps({"version": "1.1", "paths": paths, "hash": "0"}))
    with override_settings(STORAGES={**settings.STORAGES, "staticfiles": manifest}, STATIC_ROOT=tmp_path):
        answer = client.get("/readyz")
    assert (answer.status_code, "static-files" in answer.json()["problems"]) == (200, False)
