"""Stored files that are gone are found soon, a part of all files at a time, and forgotten when they are back."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from amls.core.processes import queues
from amls.core.pulse import note_pulse
from amls.files.models import MissingFile
from amls.files.rollcall import look_for_files
from lectures.models import MaterialFile
from lectures.services.materials import upload_for_lecture
from tests.factories import LectureFactory
from tests.lectures.files import pdf

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _begin_anew() -> None:
    """Let no other test have looked for files."""
    cache.clear()


def upload(number: str) -> MaterialFile:
    sent = SimpleUploadedFile(f"{number}.pdf", pdf(["Größe und Form"]))
    lecture = LectureFactory.create(course__slug=f"c{number}", number=number)
    return upload_for_lecture(lecture=lecture, kind="pdf", upload=sent, by=None, now=timezone.now())


def missing() -> list[str]:
    return list(MissingFile.objects.values_list("name", flat=True))


def test_a_file_that_is_gone_is_named_until_it_is_back() -> None:
    now, kept, gone = timezone.now(), upload("1"), upload("2")
    assert (look_for_files(now=now), missing()) == (0, [])
    content = gone.file.read()
    default_storage.delete(gone.file.name)
    assert (look_for_files(now=now), missing()) == (1, [gone.file.name])
    assert look_for_files(now=now + timedelta(minutes=1)) == 1
    assert MissingFile.objects.get().noticed_at == now
    default_storage.save(gone.file.name, ContentFile(content))
    assert (look_for_files(now=now), missing()) == (0, [])
    assert default_storage.exists(kept.file.name)


def test_a_file_that_no_row_names_any_more_is_missed_no_longer() -> None:
    gone = upload("1")
    default_storage.delete(gone.file.name)
    assert look_for_files(now=timezone.now()) == 1
    MaterialFile.objects.filter(pk=gone.pk).update(file="")
    assert look_for_files(now=timezone.now()) == 0


def test_a_large_storage_is_looked_through_in_parts_and_from_the_beginning_again() -> None:
    files = [upload(str(number)) for number in range(5)]
    for file in files:
        default_storage.delete(file.file.name)
    looked_at = [look_for_files(now=timezone.now(), most=2) for _round in range(3)]
    assert looked_at == [2, 4, 5]
    assert missing() == sorted(str(file.file.name) for file in files)
    late = upload("9")
    default_storage.delete(late.file.name)
    for _round in range(3):
        look_for_files(now=timezone.now(), most=2)
    assert late.file.name in missing()


def test_who_watches_the_site_is_told(client: Client) -> None:
    note_pulse(name="all@here", queues=queues())
    note_pulse(name="beat@here", queues=[])
    default_storage.delete(upload("1").file.name)
    look_for_files(now=timezone.now())
    assert client.get("/readyz").json()["problems"]["files"].startswith("Stored files: 1 is missing.")
    assert "amls_files_missing 1.0" in client.get("/metrics").content.decode()
