"""The site as an app: what a device is told that it may keep, and whose it is."""

import json
import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from lectures.services.materials import upload_for_lecture
from tests.cast import Cast
from tests.factories import ExamFactory, LectureFactory

pytestmark = pytest.mark.django_db


def test_the_manifest_makes_it_an_app() -> None:
    answer = Client().get("/manifest.webmanifest")
    assert answer["Content-Type"] == "application/manifest+json"
    said = json.loads(answer.content)
    assert (said["display"], said["start_url"], said["scope"]) == ("standalone", "/", "/")
    assert {icon["sizes"] for icon in said["icons"]} == {"any", "192x192", "512x512"}
    assert [icon["purpose"] for icon in said["icons"] if "purpose" in icon] == ["maskable"]
    for page in ("/accounts/login/", "/legal/imprint/"):
        assert '<link rel="manifest" href="/manifest.webmanifest">' in Client().get(page).content.decode()


def test_the_worker_names_its_version_its_files_and_its_words() -> None:
    answer = Client().get("/worker.js")
    assert answer["Content-Type"].startswith("text/javascript")
    assert answer["Cache-Control"] == "no-cache"
    begin = re.match(r"self\.AMLS = (\{.*\});\n", answer.content.decode())
    assert begin is not None
    said = json.loads(begin[1])
    assert re.fullmatch(r"[0-9a-f]{16}", said["version"])
    assert len(said["shell"]) == len(set(said["shell"]))
    assert "Keine Verbindung" in said["words"]["de"]["as_of"]
    assert all("{time}" in words["as_of"] for words in said["words"].values())
    assert Client().get(said["offline"]["de"])["Content-Language"] == "de"
    assert "<!--kept-->" in Client().get(said["offline"]["en"]).content.decode()
    assert Client().get("/offline.xx.html").status_code == 404


def test_every_page_says_whose_it_is(cast: Cast) -> None:
    codes = {part: cast.client(part).get("/amls/")["X-Account"] for part in cast.users()}
    assert codes["anonymous"] == "nobody"
    assert len(set(codes.values())) == len(codes)
    # The same on every page of a person, and again: the device compares nothing else.
    client = cast.client("student")
    pages = ("/amls/", "/amls/me/", "/accounts/profile/", "/search/", "/accounts/sessions/")
    assert {client.get(path)["X-Account"] for path in pages} == {codes["student"]}
    client.post("/accounts/logout/")
    assert {client.get(path)["X-Account"] for path in ("/amls/", "/amls/schedule/", "/accounts/login/")} == {"nobody"}
    # A page that is kept for everyone is a visitor's.
    assert [Client().get("/amls/schedule/")["X-Account"] for _turn in range(2)] == ["nobody", "nobody"]


def test_a_device_keeps_what_one_needs_on_the_way(cast: Cast) -> None:
    now = timezone.now()
    lecture = LectureFactory.create(course=cast.course, number="05")
    file = upload_for_lecture(
        lecture=lecture, kind="captions", upload=SimpleUploadedFile("05.vtt", b"WEBVTT\n\n"), by=None, now=now
    )
    ExamFactory.create(course=cast.course, starts_at=now + timedelta(days=9))
    client = cast.client("student")
    kept = {"/amls/", "/amls/me/", "/amls/schedule/", "/amls/exams/", "/amls/lectures/05/"}
    others = {"/accounts/profile/", "/accounts/sessions/", "/search/?q=x", "/amls/search/?q=x", "/amls/me/mail/", "/accounts/data/"}  # fmt: skip
    assert {path for path in kept | others if client.get(path).headers.get("X-Offline")} == kept
    # Captions belong to the recording, which is not kept.
    assert "X-Offline" not in client.get(f"/amls/materials/{file.material_id}/05.vtt").headers
    assert "X-Offline" not in client.get("/amls/lectures/06/").headers
    assert "X-Offline" not in cast.client("lecturer").get("/amls/staff/gradebook/").headers
