"""What the desk says before it deletes something dated: what calendars show and who gets a mail; and who changed it meanwhile."""

import html
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from amls.agenda.models import AgendaItem
from amls.agenda.sources import registry
from amls.courses.services import finish_course_change
from amls.mail.models import ItemChange
from exams.models import Registration
from lectures.models import Deadline, Lecture, OfficeHour
from lectures.services.schedule import change_lecture
from projects.models import Project
from tests.agreement import agree_to
from tests.cast import Cast
from tests.desk.test_writes import classes, form_of
from tests.factories import AssignmentFactory, ExamFactory, LectureFactory, OfficeHourFactory, TopicFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_factor")]
NOW = timezone.now()


def lecture(cast: Cast, **values: Any) -> Lecture:
    starts_at = NOW + timedelta(days=30)
    return LectureFactory.create(
        course=cast.course, **{"number": "07", "title": "Größe", "starts_at": starts_at, "room": "H 1", **values}
    )


def office_hour(cast: Cast) -> OfficeHour:
    first = (NOW + timedelta(days=30)).date()
    return OfficeHourFactory.create(course=cast.course, first=first, last=first + timedelta(days=6))


DATED: dict[str, Callable[[Cast], Any]] = {
    "lectures_lecture": lecture,
    "lectures_officehour": office_hour,
    "lectures_deadline": lambda cast: Deadline.objects.create(
        course=cast.course, title="Blatt", due_at=NOW + timedelta(days=30)
    ),
    "exams_exam": lambda cast: ExamFactory.create(course=cast.course, starts_at=NOW + timedelta(days=30)),
    "projects_assignment": lambda cast: AssignmentFactory.create(course=cast.course, due_at=NOW + timedelta(days=30)),
}


def sent_by(page: Any) -> dict[str, str]:
    """Return what the button of a question before a deletion sends."""
    asked = BeautifulSoup(page.content, "html.parser")
    (form,) = [form for form in asked.select("form[method=post]") if form.select("input[name=post]")]
    return {
        str(field["name"]): str(field.get("value", "")) for field in form.select("input[type=hidden], button[name]")
    }


def said_by(page: Any) -> str:
    return BeautifulSoup(page.content, "html.parser").get_text(" ", strip=True)


def known_to_all(cast: Cast) -> set[str]:
    return set(AgendaItem.objects.base().filter(course=cast.course, is_removed=False).values_list("key", flat=True))


@pytest.mark.parametrize("way", ["page", "list"])
@pytest.mark.parametrize("name", DATED)
def test_before_something_dated_is_deleted_calendars_and_mails_are_shown_and_one_click_agrees(
    cast: Cast, name: str, way: str
) -> None:
    before = known_to_all(cast)
    row = DATED[name](cast)
    finish_course_change(cast.course, now=NOW)
    ItemChange.objects.all().delete()
    dates = known_to_all(cast) - before
    assert dates
    client = cast.client("lecturer")
    if way == "page":
        address = reverse(f"admin:{name}_delete", args=[row.pk])
        asked = client.get(address)
    else:
        address = reverse(f"admin:{name}_changelist")
        asked = client.post(address, {"action": "delete_selected", "_selected_action": [str(row.pk)]})
    said = said_by(asked)
    assert "Nothing is deleted yet. This is what everyone who has subscribed will see:" in said
    assert said.count("→ cancelled (Europe/Berlin)") == len(dates)
    # Whoever is enrolled, but for the stranger; see `tests/cast.py`.
    assert "people get this mail" in said
    assert "Don't send a mail" in said
    # Nothing happened by asking.
    assert known_to_all(cast) - before == dates
    assert classes()[name].model.objects.filter(pk=row.pk).exists()
    assert not ItemChange.objects.exists()
    assert client.post(address, sent_by(asked)).status_code == 302
    assert not classes()[name].model.objects.filter(pk=row.pk).exists()
    assert known_to_all(cast) == before
    assert {change.key for change in ItemChange.objects.all()} <= dates
    assert ItemChange.objects.exists()


def test_who_sends_no_mail_of_a_deletion_has_none_sent(cast: Cast) -> None:
    row = lecture(cast)
    finish_course_change(cast.course, now=NOW)
    ItemChange.objects.all().delete()
    client, address = cast.client("lecturer"), reverse("admin:lectures_lecture_delete", args=[row.pk])
    assert client.post(address, {**sent_by(client.get(address)), "_quiet": "1"}).status_code == 302
    assert not Lecture.objects.filter(pk=row.pk).exists()
    assert not ItemChange.objects.exists()


def test_what_no_calendar_shows_is_deleted_after_a_plain_question(cast: Cast) -> None:
    row = lecture(cast, starts_at=None, ends_at=None)
    finish_course_change(cast.course, now=NOW)
    client, address = cast.client("lecturer"), reverse("admin:lectures_lecture_delete", args=[row.pk])
    asked = client.get(address)
    assert "everyone who has subscribed" not in said_by(asked)
    assert client.post(address, sent_by(asked)).status_code == 302
    assert not Lecture.objects.filter(pk=row.pk).exists()


def test_what_others_moved_since_a_deletion_was_shown_is_shown_again(cast: Cast) -> None:
    """By who was asked without the names of what was shown, such as by a form of their own."""
    row = lecture(cast)
    finish_course_change(cast.course, now=NOW)
    client, address = cast.client("lecturer"), reverse("admin:lectures_lecture_delete", args=[row.pk])
    sent = sent_by(client.get(address))
    del sent["_seen"]
    change_lecture(lecture_pk=row.pk, room="H 2", now=timezone.now())
    again = client.post(address, sent)
    assert "something changed since this was shown" in said_by(again)
    assert "Delete, and let calendars follow" in said_by(again)
    assert Lecture.objects.filter(pk=row.pk).exists()


def test_every_source_of_dates_is_deleted_here() -> None:
    # The dates of wishes are those of their assignment.
    assert {name.split("_")[0] for name in DATED} | {"wishes"} == set(registry.items.names())


# ── meanwhile ──


def changed_by_a_colleague(cast: Cast, name: str, row: Any) -> None:
    """Change a date of a row at the desk, as the assistant."""
    client: Client = cast.client("assistant")
    address = reverse(f"admin:{name}_change", args=[row.pk])
    typed = {"lectures_officehour": {"room": "EB 301"}, "lectures_lecture": {"room": "EB 301"}}
    answer = agree_to(client, address, {**form_of(client, address), **typed.get(name, {"title": "Łukasz"})})
    assert answer.status_code == 302, said_by(answer)


@pytest.mark.parametrize("way", ["page", "list"])
@pytest.mark.parametrize("name", DATED)
def test_what_a_colleague_changed_since_the_question_is_not_deleted_unseen(cast: Cast, name: str, way: str) -> None:
    row = DATED[name](cast)
    finish_course_change(cast.course, now=NOW)
    client, several = cast.client("lecturer"), reverse(f"admin:{name}_changelist")
    address = reverse(f"admin:{name}_delete", args=[row.pk]) if way == "page" else several
    chosen = {"action": "delete_selected", "_selected_action": [str(row.pk)]}

    def ask() -> Any:
        return client.get(address) if way == "page" else client.post(address, chosen)

    sent = sent_by(ask())
    changed_by_a_colleague(cast, name, row)
    refused = client.post(address, sent, follow=True)
    assert f"{cast.assistant.user} changed this meanwhile (" in said_by(refused)
    assert ("Łukasz" if name.split("_")[1] not in ("lecture", "officehour") else "EB 301") in said_by(refused)
    assert classes()[name].model.objects.filter(pk=row.pk).exists()
    # Whoever has seen it by now deletes it.
    assert client.post(address, sent_by(ask())).status_code == 302
    assert not classes()[name].model.objects.filter(pk=row.pk).exists()


def test_what_stands_in_a_row_counts_as_seen_with_it(cast: Cast) -> None:
    row = lecture(cast)
    material = row.materials.create(kind="pdf", title="Blatt")
    finish_course_change(cast.course, now=NOW)
    client, address = cast.client("lecturer"), reverse("admin:lectures_lecture_delete", args=[row.pk])
    sent = sent_by(client.get(address))
    type(material).objects.filter(pk=material.pk).update(title="Şahin")
    assert "changed this meanwhile (Title: Şahin)" in said_by(client.post(address, sent, follow=True))
    assert Lecture.objects.filter(pk=row.pk).exists()


@pytest.mark.parametrize("way", ["page", "list"])
@pytest.mark.parametrize(
    ("name", "instead"),
    [("lectures_lecture", "A session that only"), ("exams_exam", "An exam that only"), ("lectures_deadline", "")],
)
def test_the_question_says_that_nothing_is_taken_back_and_what_does_as_well(
    cast: Cast, name: str, instead: str, way: str
) -> None:
    row, client = DATED[name](cast), cast.client("lecturer")
    if way == "page":
        page = client.get(reverse(f"admin:{name}_delete", args=[row.pk]))
    else:
        sent = {"action": "delete_selected", "_selected_action": [row.pk]}
        page = client.post(reverse(f"admin:{name}_changelist"), sent)
    said = said_by(page)
    assert "This can't be undone." in said
    assert ("does not take place is better cancelled" in said) is bool(instead)
    assert instead in said


def exam_with_people(cast: Cast) -> Any:
    exam = DATED["exams_exam"](cast)
    Registration.objects.create(course=cast.course, exam=exam, enrolment=cast.student, created_at=NOW, changed_at=NOW)
    return exam


def assignment_begun(cast: Cast) -> Any:
    assignment = DATED["projects_assignment"](cast)
    topic = TopicFactory.create(course=cast.course, assignment=assignment)
    Project.objects.create(assignment=assignment, topic=topic, registered_at=NOW)
    return assignment


KEPT: dict[str, tuple[Callable[[Cast], Any], str]] = {
    "exams_exam": (
        exam_with_people,
        "people stand or stood on its list. If it does not take place, cancel it on its page.",
    ),
    "projects_assignment": (assignment_begun, "teams or people have begun it, and what they did would be lost."),
    "projects_topic": (lambda cast: assignment_begun(cast).topics.get(), "is kept: a team has or had it"),
    "courses_enrolment": (
        lambda cast: cast.lecturer,
        "is the last lecturer of the course: make somebody else a lecturer first.",
    ),
}


@pytest.mark.parametrize("way", ["alone", "list"])
@pytest.mark.parametrize("name", KEPT)
def test_what_nobody_may_delete_says_why_and_what_to_do_instead(cast: Cast, name: str, way: str) -> None:
    make, why = KEPT[name]
    row, client = make(cast), cast.client("lecturer")
    if way == "alone":
        answer = client.get(reverse(f"admin:{name}_delete", args=[row.pk]), follow=True)
    else:
        data = {"action": "delete_selected", "_selected_action": [row.pk]}
        answer = client.post(reverse(f"admin:{name}_changelist"), data, follow=True)
    assert answer.status_code == 200
    assert why in " ".join(html.unescape(answer.content.decode()).split())
    assert type(row)._base_manager.filter(pk=row.pk).exists()
    # Staff of another course learn nothing of it.
    other = cast.client("foreign lecturer").get(reverse(f"admin:{name}_delete", args=[row.pk]), follow=True)
    assert why not in html.unescape(other.content.decode())
