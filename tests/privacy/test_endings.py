"""What is kept for years is counted from the last thing that happened in a course."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from amls.courses.models import Course, Enrolment
from amls.grading.models import Roll, RollEntry
from amls.privacy.endings import last_days_of
from amls.privacy.hooks.people import purge_enrolments
from exams.hooks.privacy import purge_accommodations
from exams.models import Accommodation, Exam, Registration, Result, ResultChange
from lectures.models import Deadline
from projects.models import Extension, Submission
from projects.services.assessing import assess
from projects.services.handin import hand_in
from projects.services.teams import register_team
from tests.cast import Cast
from tests.factories import AssignmentFactory, ExamFactory, LectureFactory, TopicFactory

pytestmark = pytest.mark.django_db
LAST = date(2024, 7, 20)
# 23:30 UTC is the next day in Berlin.
LATE = datetime(2024, 10, 12, 23, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


def end_of(course: Course) -> date:
    return last_days_of([Course.objects.get(pk=course.pk)])[course.pk]


def archive(course: Course, last_day: date | None = LAST) -> Course:
    Course.objects.filter(pk=course.pk).update(state="archived", last_day=last_day)
    return Course.objects.get(pk=course.pk)


def sit_in(cast: Cast, exam: Exam) -> Registration:
    return Registration.objects.create(
        course=exam.course, exam=exam, enrolment=cast.student, state="registered", created_at=LATE, changed_at=LATE
    )


def examine(cast: Cast) -> None:
    ExamFactory.create(course=cast.course, starts_at=LATE)
    ExamFactory.create(course=cast.course, starts_at=LATE - 100 * HOUR)


def review(cast: Cast) -> None:
    ExamFactory.create(course=cast.course, starts_at=LATE - 100 * HOUR, review_at=LATE)


def correct(cast: Cast) -> None:
    held = sit_in(cast, ExamFactory.create(course=cast.course, starts_at=LATE - 100 * HOUR))
    ResultChange.objects.create(registration=held, at=LATE, what="grade", before="5.0", after="4.0", reason="Größe")


def publish(cast: Cast) -> None:
    held = sit_in(cast, ExamFactory.create(course=cast.course, starts_at=LATE - 100 * HOUR))
    Result.objects.create(registration=held, points=80, grade=Decimal("2.0"), state="published", published_at=LATE)


def teach(cast: Cast) -> None:
    LectureFactory.create(course=cast.course, starts_at=LATE - HOUR, ends_at=LATE)


def end_somewhen(cast: Cast) -> None:
    Deadline.objects.create(course=cast.course, title="Größe", day=date(2024, 10, 13))


def give_more_time(cast: Cast) -> None:
    assignment = AssignmentFactory.create(course=cast.course, due_at=LATE - 48 * HOUR)
    for delta, revoked in ((48 * HOUR, None), (480 * HOUR, LATE - 40 * HOUR)):
        Extension.objects.create(
            course=cast.course, assignment=assignment, delta=delta, granted_at=LATE - 50 * HOUR, revoked_at=revoked
        )


def enter(cast: Cast) -> None:
    roll = Roll.objects.create(course=cast.course, title="An der Tafel")
    RollEntry.objects.create(roll=roll, enrolment=cast.student, entered=1, entered_at=LATE)


@pytest.mark.parametrize(
    "happen",
    [examine, review, correct, publish, teach, end_somewhen, give_more_time, enter],
    ids=lambda happen: happen.__name__,
)
def test_a_course_ends_with_the_last_thing_that_happened_in_it(cast: Cast, happen: Callable[[Cast], None]) -> None:
    course = archive(cast.course)
    assert end_of(course) == LAST
    happen(cast)
    assert end_of(course) == date(2024, 10, 13)
    # Of another course it is not.
    assert end_of(archive(cast.other_course)) == LAST
    # Its last day may be the last, too.
    assert end_of(archive(course, date(2025, 3, 1))) == date(2025, 3, 1)


def test_what_was_handed_in_and_assessed_late_counts(cast: Cast) -> None:
    now = timezone.now()
    AssignmentFactory.create(course=cast.course, due_at=now + 9 * HOUR)
    project = register_team(enrolment=cast.student, topic=TopicFactory.create(course=cast.course), emails=[], now=now)
    upload = SimpleUploadedFile("work.ipynb", b'{"nbformat": 4}')
    attempt = hand_in(
        project=project, by=cast.student, uploads=[upload], request_key="5c1e6b1a-6a86-4f5c-a3f0-0a3f4b1f6c11",
        began_at=now, now=now,
    )  # fmt: skip
    Submission.objects.filter(pk=attempt.pk).update(received_at=now + 100 * HOUR)
    course = archive(cast.course)
    assert end_of(course) == (now + 100 * HOUR).astimezone(course.zone).date()
    assess(
        project=project, outcome="passed", extra_points=Decimal(0), feedback="Good", by=cast.lecturer.user,
        now=now + 900 * HOUR,
    )  # fmt: skip
    assert end_of(course) == (now + 900 * HOUR).astimezone(course.zone).date()


def test_people_are_known_until_ten_years_after_the_last_exam(cast: Cast) -> None:
    course = archive(cast.course)
    ExamFactory.create(course=course, starts_at=LATE)
    count = Enrolment.objects.filter(course=course).count()
    assert count > 1
    for day, expected in ((datetime(2034, 8, 1), 0), (datetime(2034, 10, 13), 0), (datetime(2034, 10, 15), count)):
        assert purge_enrolments(day.replace(tzinfo=UTC), True) == expected
    purge_enrolments(datetime(2034, 10, 13, tzinfo=UTC), False)
    assert Enrolment.objects.filter(course=course).count() == count
    purge_enrolments(datetime(2034, 10, 15, tzinfo=UTC), False)
    assert not Enrolment.objects.filter(course=course).exists()
    assert Enrolment.objects.filter(course=cast.other_course).exists()


def test_a_course_without_a_last_day_has_an_end(cast: Cast) -> None:
    dated, bare = archive(cast.course, None), archive(cast.other_course, None)
    LectureFactory.create(course=dated, starts_at=LATE - HOUR, ends_at=LATE)
    Course.objects.filter(pk=bare.pk).update(revised_at=datetime(2026, 2, 1, 9, tzinfo=UTC))
    assert (end_of(dated), end_of(bare)) == (date(2024, 10, 13), date(2026, 2, 1))
    purge_enrolments(datetime(2034, 10, 15, tzinfo=UTC), False)
    assert set(Enrolment.objects.values_list("course", flat=True)) == {bare.pk}
    purge_enrolments(datetime(2036, 2, 3, tzinfo=UTC), False)
    assert not Enrolment.objects.exists()


def test_a_course_that_is_not_archived_keeps_its_people(cast: Cast) -> None:
    Course.objects.update(last_day=LAST)
    assert purge_enrolments(datetime(2050, 1, 1, tzinfo=UTC), True) == 0


def test_accommodations_stay_for_the_review_and_go_without_an_exam(cast: Cast) -> None:
    exam = ExamFactory.create(course=cast.course, starts_at=LATE, review_at=LATE + timedelta(days=70))
    Accommodation.objects.create(course=cast.course, enrolment=cast.student, extra_minutes=20)
    Accommodation.objects.create(course=cast.other_course, enrolment=cast.foreign_lecturer, front_row=True)
    Course.objects.filter(pk=cast.other_course.pk).update(last_day=LAST)
    assert purge_accommodations(LATE + timedelta(days=65), True) == 0
    archive(cast.other_course)
    assert purge_accommodations(LATE + timedelta(days=65), False) == 1
    assert Accommodation.objects.get().course == exam.course
    assert purge_accommodations(LATE + timedelta(days=131), False) == 1
