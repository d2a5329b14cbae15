"""Uploads that wait for the next try: for whom they are, for what, and how long."""

import io
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from amls.core.sizes import say_size
from amls.courses.models import RosterEntry
from amls.files.models import KeptUpload
from amls.files.shelf import LASTS, Shelf, opened
from amls.files.storing import MARK
from amls.privacy.hooks.people import purge_kept_uploads
from amls.privacy.registry import delete_account, everything_about
from projects.models import Assignment, Submission
from tests.cast import Cast
from tests.files.hostile_files import archive
from tests.projects.conftest import World, world  # noqa: F401 - a fixture
from tests.tables import agree, show

pytestmark = pytest.mark.django_db

PAGE = "/amls/projects/mine/submit/"
ROSTER = "admin:courses_rosterentry_upload_roster"


@pytest.fixture(autouse=True)
def _own_media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT, settings.STAFF_NEEDS_SECOND_FACTOR = str(tmp_path), False
    (tmp_path / MARK).write_text("tests")


def stored(settings: Settings) -> int:
    return sum(path.is_file() for path in (Path(settings.MEDIA_ROOT) / "kept").rglob("*"))


def sent(name: str = "Größe.zip", content: bytes | None = None) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, archive() if content is None else content)


def shelf(cast: Cast, purpose: str = "a") -> Shelf:
    return Shelf(cast.student.user_id, purpose, timezone.now())


def test_what_is_kept_is_for_one_person_one_purpose_and_one_day(cast: Cast) -> None:
    mine = shelf(cast)
    row = mine.keep(sent())
    assert row is not None
    token = str(row.token)
    with opened(mine.find([token])) as files:
        assert [(file.name, file.size, file.read()) for file in files] == [("Größe.zip", row.size, archive())]
    assert mine.find(["", "x", str(uuid.uuid4()), token]) == [row]
    for other in (
        Shelf(cast.other_student.user_id, "a", mine.now), shelf(cast, "b"), Shelf(mine.owner_id, "a", mine.now + LASTS),
    ):  # fmt: skip
        assert (other.find([token]), other.all()) == ([], [])


def test_the_oldest_go_where_a_person_keeps_too_much(
    cast: Cast, settings: Settings, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    mine = shelf(cast)
    with django_capture_on_commit_callbacks(execute=True), patch("amls.files.shelf.MOST_FILES", 2):
        for name in ("1.zip", "2.zip", "3.zip"):
            mine.keep(sent(name))
    assert [file.filename for file in mine.all()] == ["2.zip", "3.zip"]
    with django_capture_on_commit_callbacks(execute=True), patch("amls.files.shelf.MOST_BYTES", len(archive()) + 1):
        shelf(cast, "b").keep(sent("4.zip"))
    assert (list(KeptUpload.objects.values_list("filename", flat=True)), stored(settings)) == (["4.zip"], 1)


def test_nobody_comes_back_and_it_is_gone(
    cast: Cast, settings: Settings, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    mine = shelf(cast)
    mine.keep(sent())
    assert (purge_kept_uploads(mine.now + LASTS, True), purge_kept_uploads(mine.now, False), stored(settings)) == (
        1,
        0,
        1,
    )
    with django_capture_on_commit_callbacks(execute=True):
        assert purge_kept_uploads(mine.now + LASTS, False) == 1
    assert (KeptUpload.objects.count(), stored(settings)) == (0, 0)
    # Its row went with a transaction that failed.
    mine.keep(sent())
    KeptUpload.objects.all().delete()
    purge_kept_uploads(mine.now, False)
    assert stored(settings) == 1
    purge_kept_uploads(mine.now + LASTS + timedelta(minutes=1), False)
    assert stored(settings) == 0


def test_it_is_told_to_the_person_and_goes_with_the_account(
    cast: Cast, settings: Settings, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    shelf(cast).keep(sent())
    assert [entry["filename"] for entry in dict(everything_about(cast.student.user))["files/kept.json"]] == [
        "Größe.zip"
    ]
    with django_capture_on_commit_callbacks(execute=True):
        delete_account(user=cast.student.user, now=timezone.now())
    assert (KeptUpload.objects.count(), stored(settings)) == (0, 0)


# ── hand-ins ──


@pytest.fixture
def student(world: World) -> Client:  # noqa: F811 - the fixture
    Assignment.objects.update(due_at=timezone.now() + timedelta(days=1))
    world.project()
    return world.cast.client("student")


def try_(client: Client, *files: SimpleUploadedFile, **data: object) -> Any:
    return client.post(PAGE, {"request_key": uuid.uuid4(), "files": list(files), **data})


def tokens(client: Client) -> dict[str, str]:
    return {file.filename: str(file.token) for file in client.get(PAGE).context["kept"]}


def test_after_an_error_the_files_are_handed_in_with_the_next_try(student: Client, settings: Settings) -> None:
    wrong = try_(student, sent("work.zip"), sent("fake.pdf", b"no"), comment="Hello")
    assert wrong.status_code == 422
    page = wrong.content.decode()
    assert "Your files are kept" in page
    assert f"work.zip ({say_size(len(archive()))})" in page
    assert list(tokens(student)) == ["work.zip"]
    # Another field is wrong this time: nothing is lost either, and what comes along is kept too.
    assert try_(student, sent("b.zip"), kept=list(tokens(student).values()), repository_url="?").status_code == 422
    assert list(tokens(student)) == ["work.zip", "b.zip"]
    assert try_(student, kept=list(tokens(student).values())).status_code == 302
    files = Submission.objects.get().files.all()
    assert [(file.filename, file.file.size) for file in files] == [
        ("work.zip", len(archive())),
        ("b.zip", len(archive())),
    ]
    assert tokens(student) == {}


def test_what_is_unticked_is_dropped_and_what_is_sent_again_is_the_newer(student: Client) -> None:
    try_(student, sent("a.zip"), sent("b.zip"), sent("fake.pdf", b"no"))
    token_of = tokens(student)
    assert try_(student, kept=[token_of["b.zip"]], repository_url="?").status_code == 422
    assert tokens(student) == {"b.zip": token_of["b.zip"]}
    newer = io.BytesIO(archive()).getvalue() + b"\0"
    try_(student, sent("b.zip", newer), sent("fake.pdf", b"no"), kept=[token_of["b.zip"]])
    (row,) = KeptUpload.objects.all()
    assert (row.filename, row.size) == ("b.zip", len(newer))


def test_nobody_hands_in_what_another_one_sent(student: Client, world: World) -> None:  # noqa: F811 - the fixture
    world.project(world.other, world.single)
    try_(student, sent("a.zip"), sent("fake.pdf", b"no"))
    other = Client()
    other.force_login(world.other.user, backend="amls.courses.accounts.AccountBackend")
    answer = try_(other, kept=list(tokens(student).values()))
    assert "Choose a file or give the address" in answer.content.decode()
    assert (Submission.objects.count(), len(tokens(student))) == (0, 1)


# ── tables ──


def test_a_table_of_any_size_is_imported_as_it_was_shown_and_then_forgotten(cast: Cast) -> None:
    client, address = cast.client("lecturer"), reverse(ROSTER)
    content = (
        "email;name;what\n"
        + "".join(f"{number}@example.org;N{number};{uuid.uuid4().hex * 40}\n" for number in range(2500))
    ).encode()
    assert len(content) > 3 * 1024**2
    shown = show(client, address, content, course=cast.course.pk)
    assert agree(client, address, shown, course=cast.course.pk).status_code == 302
    assert (RosterEntry.objects.count(), KeptUpload.objects.count()) == (2500, 0)


def test_a_table_is_kept_while_another_field_is_wrong(cast: Cast) -> None:
    client, address = cast.client("lecturer"), reverse(ROSTER)
    wrong = show(client, address, b"email\na@example.org\n", course=cast.other_course.pk)
    token = wrong.context["form"].kept_file.token
    assert (wrong.status_code, f'name="kept" value="{token}"' in wrong.content.decode()) == (422, True)
    shown = client.post(address, {"kept": token, "course": cast.course.pk})
    assert agree(client, address, shown, course=cast.course.pk).status_code == 302
    assert RosterEntry.objects.get().email == "a@example.org"


def test_a_table_of_another_person_is_not_there(cast: Cast) -> None:
    address = reverse(ROSTER)
    shown = show(cast.client("lecturer"), address, b"email\na@example.org\n", course=cast.course.pk)
    answer = agree(cast.client("assistant"), address, shown, course=cast.course.pk)
    assert answer.context["form"].errors["file"] == ["Choose the file again."]
    assert not RosterEntry.objects.exists()
