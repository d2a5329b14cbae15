"""A node stores nothing where the storage is not the one of the installation, such as below a disk that is not mounted."""

import shutil
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone, translation
from pytest_django import Settings

from amls.core.processes import queues
from amls.core.pulse import note_pulse
from amls.core.violations import RuleViolation
from amls.files import marks
from amls.files.models import MissingFile, StorageMark
from amls.files.rollcall import look_for_files
from amls.files.rows import stored_names
from amls.files.storing import MARK
from lectures.models import MaterialFile
from lectures.services.materials import upload_for_lecture
from tests.factories import LectureFactory
from tests.files.test_objects import server as server  # noqa: PLC0414 - the fixture
from tests.files.test_objects import use
from tests.lectures.files import pdf

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _new(settings: Settings) -> None:
    """An installation that has stored nothing yet."""
    shutil.rmtree(settings.MEDIA_ROOT)
    marks.forget()


def upload(number: str) -> MaterialFile:
    sent = SimpleUploadedFile(f"{number}.pdf", pdf([f"Größe und Form {number}"]))
    lecture = LectureFactory.create(course__slug=f"c{number}", number=number)
    return upload_for_lecture(lecture=lecture, kind="pdf", upload=sent, by=None, now=timezone.now())


def unmount(settings: Settings, tmp_path: Path) -> None:
    """Leave the empty folder that lies below the disk, as another process of the same node sees it."""
    settings.MEDIA_ROOT = tmp_path / "below"
    settings.MEDIA_ROOT.mkdir()


def probe(client: Client) -> tuple[int, str]:
    note_pulse(name="all@here", queues=queues())
    answer = client.get("/readyz")
    return answer.status_code, answer.json()["problems"].get("storage", "")


def test_the_first_upload_marks_the_storage_of_a_new_installation(settings: Settings) -> None:
    file = upload("1")
    assert (settings.MEDIA_ROOT / MARK).read_text() == StorageMark.objects.get().token
    assert stored_names() == [file.file.name]
    upload("2")
    assert StorageMark.objects.count() == 1


def test_nothing_is_stored_below_a_disk_that_is_not_mounted_and_the_node_goes_out_of_service(
    settings: Settings, tmp_path: Path, client: Client
) -> None:
    there = settings.MEDIA_ROOT
    upload("1")
    assert probe(client) == (200, "")
    unmount(settings, tmp_path)
    status, said = probe(client)
    assert status == 503
    assert f"Look whether the disk of {settings.MEDIA_ROOT} is mounted" in said
    with pytest.raises(
        RuleViolation, match=r"'2.pdf' could not be stored: .* perhaps its disk is not mounted. Nothing"
    ):
        upload("2")
    with (
        translation.override("de"),
        pytest.raises(RuleViolation, match="vielleicht ist ihr Datenträger nicht eingehängt"),
    ):
        upload("3")
    assert not list(settings.MEDIA_ROOT.rglob("*"))
    # Whose files are all missing for that reason is not said to have lost them.
    assert (look_for_files(now=timezone.now()), MissingFile.objects.count()) == (0, 0)
    settings.MEDIA_ROOT = there
    assert probe(client) == (200, "")
    upload("4")
    assert MaterialFile.objects.count() == 2


def test_a_node_that_starts_without_its_disk_before_anything_was_stored_does_not_mark_what_lies_below(
    settings: Settings, tmp_path: Path, client: Client
) -> None:
    call_command("start", email="ada@example.org", name="Ada", password="", no_input=True)
    assert (settings.MEDIA_ROOT / MARK).read_text() == StorageMark.objects.get().token
    unmount(settings, tmp_path)
    marks.forget()
    assert probe(client)[0] == 503
    with pytest.raises(RuleViolation):
        upload("1")
    assert not list(settings.MEDIA_ROOT.rglob("*"))


def test_a_storage_of_another_installation_is_refused(settings: Settings, client: Client) -> None:
    upload("1")
    (settings.MEDIA_ROOT / MARK).write_text("another")
    assert probe(client)[0] == 503
    with pytest.raises(RuleViolation):
        upload("2")


def test_an_installation_of_before_is_marked_where_its_files_are_and_nowhere_else(
    settings: Settings, tmp_path: Path, client: Client
) -> None:
    file = upload("1")
    StorageMark.objects.all().delete()
    (settings.MEDIA_ROOT / MARK).unlink()
    there = settings.MEDIA_ROOT
    unmount(settings, tmp_path)
    marks.forget()
    assert probe(client)[0] == 503
    with pytest.raises(RuleViolation):
        upload("2")
    assert not StorageMark.objects.exists()
    settings.MEDIA_ROOT = there
    assert probe(client)[0] == 200
    upload("3")
    assert (there / MARK).read_text() == StorageMark.objects.get().token
    assert default_storage.exists(file.file.name or "")


def test_a_mark_that_the_database_does_not_know_yet_is_taken_over(settings: Settings) -> None:
    settings.MEDIA_ROOT.mkdir()
    (settings.MEDIA_ROOT / MARK).write_text("of before")
    upload("1")
    assert StorageMark.objects.get().token == "of before"


def test_a_copy_without_the_mark_is_adopted_where_files_are_there(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = upload("1")
    token = StorageMark.objects.get().token
    content = (settings.MEDIA_ROOT / str(file.file.name)).read_bytes()
    unmount(settings, tmp_path)
    with pytest.raises(CommandError, match="none of the files that this installation stored"):
        call_command("adopt_storage")
    assert not list(settings.MEDIA_ROOT.rglob("*"))
    place = settings.MEDIA_ROOT / str(file.file.name)
    place.parent.mkdir(parents=True)
    place.write_bytes(content)
    call_command("adopt_storage")
    assert (settings.MEDIA_ROOT / MARK).read_text() == token
    upload("2")
    shutil.rmtree(settings.MEDIA_ROOT)
    call_command("adopt_storage", without_files=True)
    upload("3")
    assert "is marked" in capsys.readouterr().out


def test_a_bucket_that_is_not_the_one_of_this_installation_takes_nothing(server: int, settings: Settings) -> None:
    use(settings, server)
    file = upload("1")
    token = StorageMark.objects.get().token
    with default_storage.open(MARK, "rb") as opened:
        assert opened.read().decode() == token
    assert file.file.name in stored_names()
    assert MARK not in stored_names()
    default_storage.delete(MARK)
    default_storage.delete(file.file.name or "")
    use(settings, server)
    with pytest.raises(RuleViolation, match="is not the one of this site"):
        upload("2")
    marks.forget()
    call_command("adopt_storage", without_files=True)
    upload("3")
    # The server's memory is shared by all tests of this process.
    for name in [*stored_names(), MARK]:
        default_storage.delete(name)


def test_the_database_keeps_one_mark() -> None:
    StorageMark.objects.create(token="one", made_at=timezone.now())
    with pytest.raises(IntegrityError, match="storagemark_is_the_only_one"), transaction.atomic():
        StorageMark.objects.create(id=2, token="two", made_at=timezone.now())


def test_exports_are_not_stored_there_either(settings: Settings, tmp_path: Path) -> None:
    upload("1")
    unmount(settings, tmp_path)
    with pytest.raises(marks.StrangeStorageError):
        default_storage.save("exports/1.pdf", ContentFile(b"%PDF"))
    assert not list(settings.MEDIA_ROOT.rglob("*"))
