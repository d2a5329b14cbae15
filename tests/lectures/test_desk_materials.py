"""The materials of a lecture on the desk."""

import re
from datetime import UTC, datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from lectures.models import Material
from lectures.services.materials import upload_for_lecture
from tests.agreement import agree_to
from tests.cast import Cast
from tests.desk.test_site import lecture_post
from tests.factories import LectureFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("has_file", [False, True])
def test_a_material_is_deleted_with_its_lecture_saved(cast: Cast, settings: Settings, has_file: bool) -> None:
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    lecture = LectureFactory.create(course=cast.course, number="05")
    upload = SimpleUploadedFile("05.vtt", b"WEBVTT\n\n")
    upload_for_lecture(lecture=lecture, kind=Material.Kind.CAPTIONS, upload=upload, by=None, now=timezone.now())
    row = {
        "TOTAL_FORMS": "1", "INITIAL_FORMS": "1", "0-id": Material.objects.get().pk, "0-lecture": lecture.pk, "0-kind": "captions",
        "0-title": "", "0-url": "", "0-audience": "public", "0-position": "0", "0-DELETE": "on",
    }  # fmt: skip
    data = {**lecture_post(lecture), **{f"materials-{name}": value for name, value in row.items()}}
    if has_file:
        data["materials-0-upload"] = SimpleUploadedFile("05.vtt", b"WEBVTT\n\n")
    address = reverse("admin:lectures_lecture_change", args=[lecture.pk])
    answer = agree_to(cast.client("lecturer"), address, data)
    assert answer.status_code == 302
    assert not Material.objects.exists()


def test_files_are_matched_in_a_preview_kept_as_corrected_and_taken_back(cast: Cast, settings: Settings) -> None:
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    first, second = (
        LectureFactory.create(course=cast.course, number=number, starts_at=datetime(2024, 5, day, 14, tzinfo=UTC))
        for number, day in (("05", 16), ("06", 23))
    )
    client, address = cast.client("assistant"), reverse("admin:lectures_lecture_upload_files")
    names = ["2024-05-23 Größe.vtt", "05_Parallel.vtt", "holiday.vtt"]
    shown = client.get(address, {"course": cast.course.pk, "names": names}).context["matches"]
    assert [match.lecture for match in shown] == [second, first, None]
    # The old file of a lecture stays behind the new one; one is corrected, one is left out.
    former = upload_for_lecture(
        lecture=first,
        kind="captions",
        upload=SimpleUploadedFile("Holiday_v1.vtt", b"WEBVTT\n\nA\n"),
        by=None,
        now=timezone.now(),
    )
    files = [SimpleUploadedFile(name, f"WEBVTT\n\n{place}\n".encode()) for place, name in enumerate(names)]
    chosen = {"lecture-0": second.pk, "lecture-1": "", "lecture-2": first.pk}
    answer = client.post(address, {"course": cast.course.pk, "files": files, **chosen})
    assert answer.status_code == 302
    assert {
        (material.lecture, material.current.filename)
        for material in Material.objects.select_related("lecture", "current")
    } == {(second, "2024-05-23 Größe.vtt"), (first, "holiday.vtt")}
    page = client.get(answer["Location"], follow=True).content.decode()
    token = re.search(r'name="undo" value="([^"]+)"', page)
    assert token is not None
    for part in ("foreign lecturer", "assistant"):
        cast.client(part).post(address, {"undo": token[1]})
        left = [(material.lecture, material.current) for material in Material.objects.all()]
        assert left == [(first, former)] if part == "assistant" else len(left) == 2
