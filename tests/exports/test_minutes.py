"""Minutes of oral exams: a sheet for each examinee."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from amls.courses.models import User
from exams.models import Accommodation, Exam, Registration
from exams.services.registration import staff_register
from tests.cast import Cast
from tests.exams.people import make_students
from tests.exports.test_documents import make
from tests.exports.test_papers import pages_of
from tests.factories import ExamFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("language", "title"), [("en", "Minutes of the oral exam"), ("de", "Protokoll der mündlichen Prüfung")]
)
def test_minutes_name_examinee_time_and_place(
    cast: Cast, tmp_path: Path, complaints: list[str], language: str, title: str
) -> None:
    now = timezone.now()
    day = (now + timedelta(days=20)).replace(hour=8, minute=30, second=0, microsecond=0)
    slots = [
        ExamFactory.create(course=cast.course, kind="oral", title="", starts_at=day + timedelta(minutes=minutes), duration_minutes=30, place="E-N 123")
        for minutes in (30, 0, 24 * 60)
    ]  # fmt: skip
    students = make_students(cast.course, 3)
    for student, slot, name in zip(students, slots, ("Łukasz Żółć", "Şahin Öz", "王小明"), strict=True):
        User.objects.filter(pk=student.user_id).update(display_name=name)
        student.user.refresh_from_db()
        staff_register(enrolment=student, exam_pk=slot.pk, reason="By hand", now=now)
    lecturer = cast.lecturer.user

    def pages(**parameters: Any) -> list[str]:
        export = make(cast.course, "exams.minutes", language, user=lecturer, **parameters)
        return pages_of(export, tmp_path, language=language, title=title)

    (sheet,) = pages(exam=slots[0].pk)
    for said in (
        title,
        "Łukasz Żółć",
        students[0].user.matriculation_number,
        "E-N 123",
        "5,0" if language == "de" else "5.0",
    ):
        assert said in sheet, said
    first, second = pages(exam=slots[0].pk, of="day")
    assert ("Şahin Öz" in first, "Łukasz Żółć" in second) == (True, True)
    (alone,) = pages(exam=slots[2].pk, registration=Registration.objects.get(exam=slots[2]).pk)
    assert "王小明" in alone
    # Who has more time has it in the minutes, too, and only there.
    Accommodation.objects.create(course=cast.course, enrolment=students[1], extra_percent=50, extra_in_oral=True)
    ends = [slot.starts_at.astimezone(cast.course.zone) + timedelta(minutes=45) for slot in slots]
    first, second = pages(exam=slots[0].pk, of="day")
    assert (f"–{ends[1]:%H:%M}" in first, f"–{ends[0]:%H:%M}" in second) == (True, False)
    # Others examine: the sheet is made anew.
    Exam.objects.filter(pk=slots[2].pk).update(examiners="Prof. Größe, Dr. Ağaoğlu")
    (alone,) = pages(exam=slots[2].pk, registration=Registration.objects.get(exam=slots[2]).pk)
    assert "Prof. Größe, Dr. Ağaoğlu" in alone
