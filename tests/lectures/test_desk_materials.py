"""The materials of a lecture on the desk."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from lectures.models import Material
from lectures.services.materials import upload_for_lecture
from tests.agreeing import agree_to
from tests.cast import Cast
from tests.factories import LectureFactory
from tests.test_desk import lecture_post

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
