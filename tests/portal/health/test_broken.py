"""The page that says that something broke stands on nothing that may be broken too."""

import pytest
from django.test import Client, override_settings

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
