"""Words as long as a form takes them: what one person types breaks no page of others."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db.models import F, Value
from django.db.models.functions import Concat
from django.utils import timezone
from playwright.sync_api import expect

from amls.courses.models import Course, Enrolment, User
from exams.models import Exam, Registration
from projects.models import Assignment, SeekingNote, Submission, Topic
from projects.receipts import receipt_code
from tests.browser.conftest import Open
from tests.browser.looks import too_wide
from tests.factories import EnrolmentFactory

PHONE = 390
# A real one, and as long as the field takes.
NAME, LONGEST = "Venkatanarasimharajuvaripeta", "x" * 140
NOTE = "y" * 296


@pytest.fixture
def typed(site: str) -> str:
    """Everybody has a name of one word, and wrote what the forms take; returns the site."""
    User.objects.update(display_name=Concat(Value(LONGEST), F("pk")))
    course = Course.objects.get(slug="amls")
    Submission.objects.update(comment="z" * 1000)
    main = Assignment.objects.get(course=course, is_main=True)
    SeekingNote.objects.all().delete()
    for topic in (Topic.objects.filter(assignment=main).order_by("pk").first(), None):
        person = EnrolmentFactory.create(course=course, user__display_name=LONGEST)
        SeekingNote.objects.create(enrolment=person, assignment=main, topic=topic, text=NOTE, written_at=timezone.now())
    return site


def pages_of_students() -> Iterator[str]:
    yield from ("/", "/amls/", "/amls/me/", "/amls/projects/", "/amls/projects/mine/", "/amls/projects/mine/submit/")
    yield from ("/amls/projects/mine/extension/", "/amls/assignments/", "/amls/exams/", "/accounts/profile/")
    yield from (note.topic.get_absolute_url() for note in SeekingNote.objects.filter(topic__isnull=False))
    own = Submission.objects.filter(submitted_by__user__email="student@example.org").first()
    if own is not None:
        yield f"/receipts/{receipt_code(own.pk)}/"


def pages_of_staff() -> Iterator[str]:
    course = Course.objects.get(slug="amls")
    exam = Exam.objects.filter(course=course, registrations__isnull=False).first()
    registration = Registration.objects.filter(exam=exam).first()
    yield from ("/amls/", "/amls/projects/", "/amls/exams/", "/amls/staff/gradebook/", "/amls/staff/stats/")
    yield from (f"/amls/exams/{exam.pk}/{page}/" for page in ("staff", "check-in", "results", "staff/rooms"))
    yield f"/amls/exams/{exam.pk}/staff/people/{registration.pk}/"
    person = Enrolment.objects.filter(course=course, role="student").first()
    yield f"/amls/staff/gradebook/{person.pk}/"
    assignment = Assignment.objects.get(course=course, is_main=True)
    yield f"/amls/staff/assignments/{assignment.pk}/excused/"
    yield f"/amls/staff/assignments/{assignment.pk}/points/"
    yield "/admin/projects/project/"
    submission = Submission.objects.filter(project__assignment=assignment).first()
    yield f"/admin/projects/project/{submission.project_id}/assess/"
    yield f"/admin/people/{person.user_id}/"
    yield "/admin/"


@pytest.mark.parametrize(("user", "pages"), [("student", pages_of_students), ("lecturer", pages_of_staff)])
def test_no_word_makes_a_page_wider_than_a_phone(open_page: Open, typed: str, user: str, pages: Any) -> None:
    page = open_page("/", user=user, width=PHONE)
    wide: dict[str, Any] = {}
    for path in pages():
        answer = page.goto(f"{typed}{path}")
        if answer is None or answer.status != 200:
            wide[path] = answer and answer.status
        elif problems := too_wide(page, PHONE):
            wide[path] = problems
    assert wide == {}


def test_a_name_at_the_door_stands_beside_what_is_done_to_it(open_page: Open, site: str) -> None:
    User.objects.update(display_name=Concat(Value(NAME), F("pk")))
    exam = Exam.objects.filter(course__slug="amls", registrations__isnull=False).order_by("pk").first()
    assert exam is not None
    page = open_page(f"/amls/exams/{exam.pk}/check-in/", user="assistant", width=PHONE)
    row = page.locator(".door > li:visible").first
    expect(row).to_contain_text(NAME)
    name, button = row.locator(".who b"), row.get_by_role("button", name="Present")
    ends = name.evaluate(
        "name => { const text = document.createRange(); text.selectNodeContents(name); return text.getBoundingClientRect().right }"
    )
    begins = button.bounding_box()
    assert begins is not None
    assert ends <= begins["x"]
