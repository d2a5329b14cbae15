"""Stored files go with the last row that names them; what is astray is told, and hand-ins are never swept away."""

import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core import mail
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from amls.courses.models import Course, User
from amls.files.rows import file_fields, find_strays
from amls.files.storing import MARK
from amls.mail.models import Notice
from amls.mail.send import deliver_due
from amls.portal.strays import report_strays
from lectures.models import Lecture, MaterialFile, Passage
from lectures.services.materials import remove_material, upload_for_lecture
from lectures.tasks import extract
from tests.factories import LectureFactory
from tests.lectures.files import pdf

pytestmark = pytest.mark.django_db(transaction=True)


def upload(lecture: Lecture, name: str = "slides.pdf") -> MaterialFile:
    sent = SimpleUploadedFile(name, pdf(["Caching", "and partitioning"]))
    return upload_for_lecture(lecture=lecture, kind="pdf", upload=sent, by=None, now=timezone.now())


def stored() -> list[str]:
    """Return all files of the storage, their folders first."""
    return sorted(
        str(path.relative_to(settings.MEDIA_ROOT))
        for path in settings.MEDIA_ROOT.rglob("*")
        if path.is_file() and path.name != MARK
    )


def put(name: str, *, age: timedelta = timedelta(days=2)) -> str:
    path = Path(settings.MEDIA_ROOT) / default_storage.save(name, ContentFile(b"content"))
    then = (timezone.now() - age).timestamp()
    os.utime(path, (then, then))
    return name


def test_these_columns_name_stored_files() -> None:
    assert sorted(f"{model._meta.label}.{field}" for model, field in file_fields()) == [
        "exports.Export.file", "files.KeptUpload.file", "lectures.MaterialFile.file", "lectures.Passage.image",
        "lectures.Passage.thumb", "projects.HandoutFile.file", "projects.SubmissionFile.file",
    ]  # fmt: skip


@pytest.mark.parametrize("what", [Lecture, Course, MaterialFile])
def test_files_go_with_their_rows_after_the_commit(what: type[Course | Lecture | MaterialFile]) -> None:
    upload(LectureFactory.create())
    extract()
    kept = stored()
    # The slides, and a large and a small picture of each of two pages.
    assert len(kept) == 1 + 2 * Passage.objects.count() > 1
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        what._default_manager.all().delete()
        raise ZeroDivisionError
    assert stored() == kept
    with transaction.atomic():
        what._default_manager.all().delete()
        assert stored() == kept
    assert stored() == []


def test_a_file_that_another_course_names_too_stays() -> None:
    first = upload(LectureFactory.create())
    other = upload(LectureFactory.create())
    # As a course that takes over last year's slides does.
    default_storage.delete(other.file.name)
    MaterialFile.objects.filter(pk=other.pk).update(file=first.file.name)
    remove_material(first.material, now=timezone.now())
    assert stored() == [first.file.name]
    other.refresh_from_db()
    remove_material(other.material, now=timezone.now())
    assert stored() == []


def test_what_is_astray_is_found_and_what_is_just_stored_is_not() -> None:
    upload(LectureFactory.create())
    gone = upload(LectureFactory.create())
    default_storage.delete(gone.file.name)
    put("materials/old.pdf")
    put("submissions/ab/old.zip")
    put("materials/new.pdf", age=timedelta(hours=1))
    strays = find_strays(now=timezone.now())
    assert (strays.unnamed, strays.missing) == (("materials/old.pdf", "submissions/ab/old.zip"), (str(gone.file),))
    assert strays.young == 1


def test_the_command_deletes_what_belongs_to_nothing_but_no_hand_ins(capsys: pytest.CaptureFixture[str]) -> None:
    put("materials/old.pdf")
    put("submissions/ab/old.zip")
    call_command("strays")
    assert stored() == ["materials/old.pdf", "submissions/ab/old.zip"]
    put("materials/new.pdf", age=timedelta(hours=1))
    call_command("strays", "--delete")
    assert stored() == ["materials/new.pdf", "submissions/ab/old.zip"]
    assert capsys.readouterr().out.splitlines() == [
        "unnamed  materials/old.pdf", "unnamed  submissions/ab/old.zip", "0 missing, 2 unnamed, 0 deleted.",
        "deleted  materials/old.pdf", "unnamed  submissions/ab/old.zip", "0 missing, 2 unnamed, 1 deleted.",
        "1 more that no row names: stored within the last day, so they may still get one. Left alone.",
    ]  # fmt: skip


def test_those_who_run_the_site_are_told_of_strays_once_a_week() -> None:
    now = datetime.fromisoformat("2024-07-03T03:20+00:00")
    User.objects.create_user("teacher@example.org")
    User.objects.create_user("root@example.org", is_superuser=True)
    assert report_strays(now=now) == 0
    assert not Notice.objects.exists()
    gone = upload(LectureFactory.create())
    default_storage.delete(gone.file.name)
    Notice.objects.all().delete()
    for day in range(3):
        assert report_strays(now=now + timedelta(days=day)) == 1
    deliver_due(now=now)
    (letter,) = mail.outbox
    assert letter.to == ["root@example.org"]
    assert "1 file is missing in the storage." in letter.body
    assert report_strays(now=now + timedelta(days=7)) == 1
    assert Notice.objects.filter(kind="portal.strays").count() == 2
