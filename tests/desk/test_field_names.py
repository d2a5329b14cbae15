"""What the desk's forms say of each field to those who don't see where it stands: its name, what describes it, what is wrong."""

from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from amls.mail.models import Notice, ReminderRule
from lectures.models import Lecture
from tests.cast import Cast
from tests.desk.test_site import SCOPED, rows  # noqa: F401 - a fixture
from tests.desk.test_writes import form_of
from tests.factories import LectureFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_factor")]


def read(client: Client, address: str, data: dict[str, Any] | None = None) -> BeautifulSoup | None:
    answer = client.get(address) if data is None else client.post(address, data)
    return BeautifulSoup(answer.content, "html.parser") if answer.status_code == 200 else None


def dangling(page: BeautifulSoup) -> list[str]:
    """Return the ids that something names and that are nowhere."""
    ids = {str(part["id"]) for part in page.select("[id]")}
    named = [
        name
        for attribute in ("aria-describedby", "aria-labelledby", "aria-controls", "for", "popovertarget", "data-opens")
        for part in page.select(f"[{attribute}]")
        for name in str(part[attribute]).split()
    ]
    return [name for name in named if name not in ids]


def sent(page: BeautifulSoup) -> dict[str, Any]:
    """Return what the form would send as it stands."""
    form = page.select_one("#content-main form")
    assert form is not None
    data: dict[str, Any] = {}
    for field in form.select("input[name], textarea[name]"):
        kind = field.get("type")
        if kind in ("checkbox", "radio") and not field.has_attr("checked"):
            continue
        if kind != "file":
            data[str(field["name"])] = field.get("value", field.text if field.name == "textarea" else "")
    for select in form.select("select[name]"):
        chosen = select.select_one("option[selected]")
        data[str(select["name"])] = chosen["value"] if chosen else ""
    return data


def problems_at(page: BeautifulSoup, ident: str) -> str:
    """Return what the page says of a field that it calls invalid, by what the field names as its description."""
    field = page.find(id=ident)
    assert isinstance(field, Tag)
    assert field["aria-invalid"] == "true"
    said = (page.find(id=name) for name in str(field["aria-describedby"]).split())
    return " ".join(part.get_text(" ", strip=True) for part in said if part is not None)


@pytest.mark.parametrize("name", SCOPED)
def test_what_describes_a_field_is_there_and_dates_say_whose_they_are(
    cast: Cast,
    rows: dict[str, int],  # noqa: F811
    name: str,
) -> None:
    client = cast.client("admin")
    addresses = [f"{reverse(f'admin:{name}_changelist')}{ways}" for ways in ("", "?edit=all")]
    addresses += [reverse(f"admin:{name}_add")]
    addresses += [reverse(f"admin:{name}_change", args=[rows[name]])] if name in rows else []
    pages = {address: page for address in addresses if (page := read(client, address)) is not None}
    assert pages
    for address, page in pages.items():
        assert dangling(page) == [], address
        dates = page.select("main form :is(input.vDateField, input.vTimeField)")
        labels = [str(field.get("aria-label") or (page.find("label", {"for": field["id"]}) or "")) for field in dates]
        assert [label for label in labels if label in ("", "Date", "Time")] == [], address


def test_dates_of_a_lecture_are_told_apart(cast: Cast) -> None:
    lecture = LectureFactory.create(course=cast.course)
    page = read(cast.client("lecturer"), reverse("admin:lectures_lecture_change", args=[lecture.pk]))
    assert page is not None
    names = [
        field["aria-label"] for field in page.select("#id_starts_at_0, #id_starts_at_1, #id_ends_at_0, #id_ends_at_1")
    ]
    assert names == ["Starts: Date", "Starts: Time", "Ends: Date", "Ends: Time"]
    assert page.select_one("label[for=id_ends_at_0]") is not None


def test_what_is_wrong_with_start_and_end_stands_at_the_end(cast: Cast) -> None:
    lecture = LectureFactory.create(course=cast.course)
    client, address = cast.client("lecturer"), reverse("admin:lectures_lecture_change", args=[lecture.pk])
    page = read(client, address)
    assert page is not None
    data = sent(page)
    wrong = read(client, address, {**data, "ends_at_1": "03:00"})
    assert wrong is not None
    assert "A session needs a start and a later end" in problems_at(wrong, "id_ends_at_1")
    (problem,) = wrong.select("[data-problems] li")
    assert problem.get_text().split() == ["Ends:", *problems_at(wrong, "id_ends_at_0").split()]
    assert [link["href"] for link in wrong.select("[data-problems] a")] == ["#id_ends_at_0"]
    assert [count.get_text() for count in wrong.select("#tabs-items .desk-count")] == ["1 to mend"]
    # A word that is no date, and a second mistake in another field.
    wrong = read(client, address, {**data, "starts_at_0": "soon", "title": ""})
    assert wrong is not None
    assert "Enter a valid date" in problems_at(wrong, "id_starts_at_0")
    assert "Empty: the date is open." in problems_at(wrong, "id_starts_at_0")
    count = len(wrong.select("[data-problems] li"))
    assert [badge.get_text() for badge in wrong.select("#tabs-items .desk-count")] == [f"{count} to mend"]
    assert dangling(wrong) == []
    assert Lecture.objects.get(pk=lecture.pk).ends_at == lecture.ends_at


def names_in_rows(page: BeautifulSoup) -> list[list[str]]:
    """Return the names of what is ticked, followed or typed into in each row of a list."""

    def said(ident: str) -> str:
        part = page.find(id=ident)
        assert isinstance(part, Tag), ident
        return str(part.get("aria-label") or part.get_text(" ", strip=True))

    return [
        [
            " ".join(map(said, str(control["aria-labelledby"]).split()))
            for control in row.select("input:not([type=hidden]), select, .desk-way-in a")
        ]
        for row in page.select("#result_list tbody tr")
    ]


def test_what_stands_in_a_row_says_of_which_row_it_is(cast: Cast) -> None:
    for number, title in (("01", "Trees"), ("02", "Forests")):
        LectureFactory.create(course=cast.course, number=number, title=title)
    client, address = cast.client("lecturer"), reverse("admin:lectures_lecture_changelist")
    closed, opened = read(client, address), read(client, f"{address}?edit=all")
    assert closed is not None
    assert opened is not None
    titles = ["01 Trees", "02 Forests"]
    assert names_in_rows(closed) == [[f"Select: {title}", f"Edit: {title}"] for title in titles]
    labels = ["Starts", "Ends", "Room", "Mode", "State"]
    assert names_in_rows(opened) == [
        [f"Select: {title}", *(f"{label} {title}" for label in labels)] for title in titles
    ]


def test_a_reminder_is_paused_by_its_name(cast: Cast) -> None:
    ReminderRule.objects.exclude(course=cast.other_course).delete()
    for days in (1, 3):
        ReminderRule.objects.create(course=cast.course, days=days)
    page = read(cast.client("lecturer"), reverse("admin:mail_reminderrule_changelist"))
    assert page is not None
    times = ["3 days before", "1 day before"]
    assert names_in_rows(page) == [[f"Select: {time}", f"Paused {time}"] for time in times]


def test_mails_of_one_kind_are_told_apart_by_who_gets_them(cast: Cast) -> None:
    people, now = [cast.student.user, cast.stranger], timezone.now()
    Notice.objects.bulk_create(
        Notice(
            key=str(user.pk),
            kind="projects.receipt",
            course=cast.course,
            recipient=user,
            not_before=now,
            created_at=now,
        )
        for user in people
    )
    page = read(cast.client("admin"), reverse("admin:mail_notice_changelist"))
    assert page is not None
    boxes = [name for row in names_in_rows(page) for name in row]
    assert sorted(boxes) == sorted(f"Select: Receipt of a hand-in {user}" for user in people)


def test_what_is_wrong_in_a_list_stands_at_its_field_and_above_all(cast: Cast) -> None:
    lecture = LectureFactory.create(course=cast.course, number="01", title="Trees")
    client, address = cast.client("lecturer"), f"{reverse('admin:lectures_lecture_changelist')}?edit=all"
    typed = {"form-0-ends_at": "2001-01-01T03:00", "form-0-mode": "telepathy", "_save": "Save"}
    wrong = read(client, address, {**form_of(client, address), **typed})
    assert wrong is not None
    assert "A session needs a start and a later end" in problems_at(wrong, "id_form-0-ends_at")
    assert "Select a valid choice" in problems_at(wrong, "id_form-0-mode")
    assert [link["href"] for link in wrong.select("[data-problems] a")] == ["#id_form-0-mode", "#id_form-0-ends_at"]
    assert [link.get_text() for link in wrong.select("[data-problems] a")] == [f"{lecture}, Mode", f"{lecture}, Ends"]
    assert dangling(wrong) == []
    lecture.refresh_from_db()
    assert lecture.mode != "telepathy"
