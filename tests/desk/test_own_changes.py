"""Two of the staff at one form of the desk: who saves a page that is older than what the other saved writes over nothing of it."""

from datetime import timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.urls import reverse
from django.utils import timezone

from amls.mail.models import Announcement
from exams.models import Accommodation, Exam, Room
from exams.services.registration import staff_register
from lectures.models import Lecture
from tests.agreement import agree_to
from tests.cast import Cast
from tests.desk.test_site import rows  # noqa: F401 - a fixture
from tests.desk.test_writes import CHANGES, classes, form_of, pk_of
from tests.factories import LectureFactory, OpenExamFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_factor")]
NOW = timezone.now()


def problems_in(answer: Any) -> list[str]:
    """Return what a form of the desk says is to be mended."""
    page = BeautifulSoup(answer.content, "html.parser")
    return [" ".join(item.get_text().split()) for item in page.select("[data-problems] li")]


@pytest.mark.parametrize("name", [name for name in CHANGES if name != "courses_user"])
def test_what_a_colleague_saved_meanwhile_stays(cast: Cast, rows: dict[str, int], name: str) -> None:  # noqa: F811
    typed, kept = CHANGES[name]
    desk, address = classes()[name], reverse(f"admin:{name}_change", args=[pk_of(name, rows, cast)])
    Announcement.objects.update(text="**B**")
    ours, theirs = cast.client("lecturer"), cast.client("admin")
    older = form_of(ours, address)
    assert agree_to(theirs, address, {**form_of(theirs, address), **typed}).status_code == 302
    saved = ours.post(address, older)
    assert (saved.status_code, problems_in(saved)) == (302, [])
    row = desk.model._default_manager.get(pk=pk_of(name, rows, cast))
    assert {field: getattr(row, field) for field in kept} == kept


@pytest.fixture
def exam(cast: Cast) -> Exam:
    """An exam with two rooms."""
    made: Exam = OpenExamFactory.create(
        course=cast.course, capacity=None, starts_at=NOW + timedelta(days=9), place="H 0104"
    )
    for position in (0, 1):
        Room.objects.create(exam=made, name=f"H 010{position}", rows=5, seats_per_row=4, position=position)
    return made


def test_rooms_keep_what_each_of_two_changed(cast: Cast, exam: Exam) -> None:
    address = reverse("admin:exams_exam_change", args=[exam.pk])
    ours, theirs = cast.client("assistant"), cast.client("lecturer")
    older = form_of(ours, address)
    theirs_changed = {"rooms-0-rows": "7", "rooms-1-seats_per_row": "3", "place": "H 0107"}
    assert agree_to(theirs, address, {**form_of(theirs, address), **theirs_changed}).status_code == 302
    ours_changed = {"rooms-0-seats_per_row": "6", "rooms-1-name": "H 3010"}
    assert agree_to(ours, address, {**older, **ours_changed}).status_code == 302
    rooms = Room.objects.filter(exam=exam).values_list("name", "rows", "seats_per_row")
    assert [*rooms] == [("H 0100", 7, 6), ("H 3010", 5, 3)]
    exam.refresh_from_db()
    assert exam.place == "H 0107"


def test_what_both_changed_is_said_at_its_field_and_nothing_is_saved_by_half(cast: Cast, exam: Exam) -> None:
    address = reverse("admin:exams_exam_change", args=[exam.pk])
    ours, theirs = cast.client("assistant"), cast.client("lecturer")
    older = form_of(ours, address)
    changed = {"rooms-0-rows": "7", "rooms-1-rows": "8", "place": "", "starts_at_1": "23:59:00"}
    assert agree_to(theirs, address, {**form_of(theirs, address), **changed}).status_code == 302
    typed = {"rooms-0-rows": "9", "rooms-1-name": "H 3010", "place": "H 0110"}
    both = ours.post(address, {**older, **typed})
    name = cast.lecturer.user
    assert problems_in(both) == [
        f"Place: {name} emptied this meanwhile. If yours is to hold, save again.",
        f"Room 1, Rows: {name} entered 7 meanwhile. If yours is to hold, save again.",
    ]
    before = [("H 0100", 7), ("H 0101", 8)]
    assert [*Room.objects.filter(exam=exam).values_list("name", "rows")] == before
    # The form comes back with what was typed, and with what the colleague left where nothing was.
    again = {name: value for name, value in sent_back(both).items() if name in {**typed, **changed}}
    assert again == {**typed, "rooms-1-rows": "8", "starts_at_1": "23:59:00"}
    assert agree_to(ours, address, sent_back(both)).status_code == 302
    assert [*Room.objects.filter(exam=exam).values_list("name", "rows")] == [("H 0100", 9), ("H 3010", 8)]
    exam.refresh_from_db()
    assert (exam.place, timezone.localtime(exam.starts_at, cast.course.zone).minute) == ("H 0110", 59)


def sent_back(answer: Any) -> dict[str, Any]:
    """Return what a browser sends of a form that came back."""
    return form_of(type("Answered", (), {"get": lambda _self, _address: answer})(), "")


def test_who_reads_only_that_a_value_is_wrong_has_seen_nothing_new(cast: Cast, exam: Exam) -> None:
    address = reverse("admin:exams_exam_change", args=[exam.pk])
    ours, theirs = cast.client("assistant"), cast.client("lecturer")
    older = form_of(ours, address)
    assert agree_to(theirs, address, {**form_of(theirs, address), "capacity": "30"}).status_code == 302
    wrong = ours.post(address, {**older, "capacity": "many"})
    assert problems_in(wrong) == ["Capacity: Enter a whole number."]
    refused = ours.post(address, {**sent_back(wrong), "capacity": "40"})
    assert problems_in(refused) == [
        f"Capacity: {cast.lecturer.user} entered 30 meanwhile. If yours is to hold, save again."
    ]
    exam.refresh_from_db()
    assert exam.capacity == 30


def test_what_is_granted_keeps_what_each_of_two_changed(cast: Cast, exam: Exam) -> None:
    staff_register(enrolment=cast.student, exam_pk=exam.pk, reason="x", now=NOW)
    granted = Accommodation.objects.create(course=cast.course, enrolment=cast.student, extra_minutes=15)
    address = reverse("admin:exams_accommodation_change", args=[granted.pk])
    ours, theirs = cast.client("assistant"), cast.client("lecturer")
    older = form_of(ours, address)
    changed = {"own_room": "on", "extra_minutes": "30"}
    assert agree_to(theirs, address, {**form_of(theirs, address), **changed}).status_code == 302
    assert agree_to(ours, address, {**older, "front_row": "on"}).status_code == 302
    granted.refresh_from_db()
    assert (granted.extra_minutes, granted.own_room, granted.front_row) == (30, True, True)
    both = ours.post(address, {**older, "extra_minutes": "45"})
    assert "entered 30 meanwhile" in " ".join(problems_in(both))
    granted.refresh_from_db()
    assert granted.extra_minutes == 30


def test_rows_that_are_edited_in_a_list_keep_what_each_of_two_changed(cast: Cast) -> None:
    first, _second = (LectureFactory.create(course=cast.course, number=number, room="H 1") for number in ("1", "2"))
    page = f"{reverse('admin:lectures_lecture_changelist')}?edit=all"
    ours, theirs = cast.client("assistant"), cast.client("lecturer")
    older = form_of(ours, page)
    assert agree_to(theirs, page, {**form_of(theirs, page), "form-0-room": "H 2", "_save": "1"}).status_code == 302
    assert agree_to(ours, page, {**older, "form-1-room": "H 3", "_save": "1"}).status_code == 302
    assert [*Lecture.objects.order_by("number").values_list("room", flat=True)] == ["H 2", "H 3"]
    both = ours.post(page, {**older, "form-0-room": "H 4", "_save": "1"})
    assert f"{cast.lecturer.user} entered H 2 meanwhile." in both.content.decode()
    assert Lecture.objects.get(pk=first.pk).room == "H 2"
