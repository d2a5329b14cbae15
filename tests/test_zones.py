"""Times are local and name their zone: of the course, and of the site where there is no course."""

import io
import json
import zipfile
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from amls.courses.models import User
from amls.exports.jobs import work_once
from amls.exports.models import Export
from amls.exports.services import make_order, request_export
from lectures.services.schedule import change_lecture
from tests.cast import Cast
from tests.factories import CourseFactory, EnrolmentFactory, LectureFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_factor")]
SUMMER = datetime(2024, 7, 8, 21, 59, tzinfo=UTC)


def test_pages_of_no_course_show_the_sites_time_and_name_it(cast: Cast) -> None:
    Export.objects.create(
        fingerprint="f", kind="exports.my-data", requested_by=cast.student.user, language="en", not_before=SUMMER,
        created_at=SUMMER, expires_at=timezone.now() + timedelta(days=1),
    )  # fmt: skip
    page = cast.client("student").get("/exports/").content.decode()
    assert "Mon 8 Jul 2024, 23:59" in page
    assert "Requested (Europe/Berlin)" in page
    assert "All times are those of" in cast.client("anonymous").get("/?all").content.decode()


def test_a_course_abroad_keeps_its_own_time(cast: Cast) -> None:
    course = CourseFactory.create(slug="tokyo", timezone="Asia/Tokyo")
    EnrolmentFactory.create(course=course, user=cast.student.user)
    LectureFactory.create(course=course, number="01", title="One", starts_at=SUMMER, ends_at=SUMMER + timedelta(hours=1))  # fmt: skip
    page = " ".join(cast.client("student").get("/tokyo/").content.decode().split())
    assert "06:59" in page
    assert "All times are those of Asia/Tokyo." in page


def test_my_data_are_in_the_sites_time_with_their_distance_from_utc(cast: Cast) -> None:
    user = cast.student.user
    User.objects.filter(pk=user.pk).update(date_joined=SUMMER)
    export = request_export(order=make_order(kind="exports.my-data", user=user, now=timezone.now()))
    assert work_once(now=timezone.now())
    export.refresh_from_db()
    answer = cast.client("student").get(f"/exports/{export.pk}/{export.filename}")
    with zipfile.ZipFile(io.BytesIO(answer.getvalue())) as archive:
        account = next(name for name in archive.namelist() if name.endswith("account.json"))
        assert json.loads(archive.read(account))["joined"] == "2024-07-08T23:59:00+02:00"
        assert "Times are those of Europe/Berlin" in archive.read("README.txt").decode()


def test_histories_are_in_the_courses_time_also_what_was_changed(cast: Cast) -> None:
    lecture = LectureFactory.create(course=cast.course, number="01", starts_at=SUMMER, ends_at=SUMMER + timedelta(hours=1))  # fmt: skip
    change_lecture(lecture_pk=lecture.pk, now=SUMMER, ends_at=SUMMER + timedelta(hours=2))
    page = cast.client("lecturer").get(f"/admin/lectures/lecture/{lecture.pk}/history/").content.decode()
    assert "When (Europe/Berlin)" in page
    assert "Tue 9 Jul 2024, 00:59:00" in page
    assert "Tue 9 Jul 2024, 01:59:00" in page
    assert "+00:00" not in page


def test_every_page_of_the_desk_names_the_zone(cast: Cast) -> None:
    client = cast.client("lecturer")
    for address in ("/admin/", "/admin/exports/export/", "/admin/mail/notice/", "/admin/exams/exam/add/"):
        assert "All times are those of Europe/Berlin." in " ".join(client.get(address).content.decode().split())
