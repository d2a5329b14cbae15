"""Paste-import and roll-over in the browser: seen first, and then exactly what was seen."""

import re
from typing import Any

import pytest

from amls.courses.models import Course, Role
from lectures.models import Lecture
from tests.cast import Cast
from tests.seed import PAGE

pytestmark = pytest.mark.django_db
TEXT = PAGE.read_text(encoding="utf-8")
IMPORT, ROLL_OVER, NEW = "/amls/staff/import/", "/amls/staff/roll-over/", "/new/"


def seen(content: bytes) -> str:
    match = re.search(r'name="seen" value="([0-9a-f]+)"', content.decode())
    assert match is not None
    return match.group(1)


def agree(cast: Cast, path: str, data: dict[str, Any], **changes: Any) -> Any:
    """Look at a preview, and agree to it with what was typed since."""
    client = cast.client("lecturer")
    shown = client.post(path, data)
    assert shown.status_code == 200, shown.content.decode()
    return client.post(path, {**data, **changes, "seen": seen(shown.content), "confirm": "1"})


def test_a_pasted_page_is_shown_first_and_saved_then(cast: Cast) -> None:
    shown = cast.client("lecturer").post(IMPORT, {"text": TEXT}).content.decode()
    assert "new: 05 Data- and Task-Parallel Execution, Tue 21 May 2024, 16:00–18:00, H 0111" in shown
    assert not Lecture.objects.exists()
    assert agree(cast, IMPORT, {"text": TEXT}).status_code == 302
    assert Lecture.objects.filter(course=cast.course).count() == 12
    assert b"the course says all this already" in cast.client("lecturer").post(IMPORT, {"text": TEXT}).content


def test_what_was_typed_after_the_preview_is_shown_again(cast: Cast) -> None:
    answer = agree(cast, IMPORT, {"text": TEXT}, text=TEXT.replace("[Jul 04]", "[Jul 05]"))
    assert answer.status_code == 200
    assert "this is not what you have seen before" in answer.content.decode()
    assert not Lecture.objects.exists()


def test_what_others_changed_after_the_preview_is_shown_again(cast: Cast) -> None:
    agree(cast, IMPORT, {"text": TEXT})
    client, data = cast.client("lecturer"), {"text": TEXT.replace("[Jul 04]", "[Jul 05]")}
    shown = client.post(IMPORT, data)
    Lecture.objects.filter(number="01").update(room="MAR 0.001")
    answer = client.post(IMPORT, {**data, "seen": seen(shown.content), "confirm": "1"})
    assert "MAR 0.001" in answer.content.decode()
    assert Lecture.objects.get(number="01").room == "MAR 0.001"


def test_a_line_that_cannot_be_read_is_named_and_nothing_is_saved(cast: Cast) -> None:
    text = TEXT.replace("[Jul 04]", "[Jun 31]")
    line = next(number for number, row in enumerate(text.split("\n"), start=1) if "Jun 31" in row)
    answer = cast.client("lecturer").post(IMPORT, {"text": text, "confirm": "1"})
    assert answer.status_code == 422
    assert f"Line {line}: there is no &#x27;Jun 31&#x27; in 2024" in answer.content.decode()
    assert not Lecture.objects.exists()


def test_who_pastes_a_new_course_lectures_in_it(cast: Cast) -> None:
    answer = agree(cast, NEW, {"text": TEXT, "slug": "amls-ss2024"})
    assert answer["Location"] == "/amls-ss2024/"
    course = Course.objects.get(slug="amls-ss2024")
    assert course.state == Course.State.DRAFT
    assert course.enrolments.get().user == cast.lecturer.user
    assert course.enrolments.get().role == Role.LECTURER


def test_a_new_term_is_made_as_it_was_shown(cast: Cast) -> None:
    agree(cast, IMPORT, {"text": TEXT})
    data = {"new_slug": "amls-ss2025", "start": "2025-04-14", "skip": "2025-05-01"}
    other = agree(cast, ROLL_OVER, data, start="2025-04-21")
    assert "this is not what you have seen before" in other.content.decode()
    assert not Course.objects.filter(slug="amls-ss2025").exists()
    assert agree(cast, ROLL_OVER, data)["Location"] == "/amls-ss2025/"
    assert Lecture.objects.filter(course__slug="amls-ss2025").count() == 12
    taken = cast.client("lecturer").post(ROLL_OVER, data)
    assert taken.status_code == 422
    assert "This address is taken by another course" in taken.content.decode()
