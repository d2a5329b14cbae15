"""People of a course: names of rosters, who is taken out, who is forgotten."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from amls.core.violations import RuleViolation
from amls.courses.models import Course, Enrolment, Role, RosterEntry, User
from amls.courses.participation import change_profile, join_roster_entries, leave_course, take_out, verify_number
from amls.membership.claims import claim_by_number, decide_claim
from amls.membership.roster import read_roster
from amls.privacy.hooks.people import purge_enrolments
from amls.privacy.registry import delete_account, everything_about
from tests.cast import Cast
from tests.factories import EnrolmentFactory
from tests.tables import said

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_factor")]
NOW = datetime(2024, 4, 20, 10, 0, tzinfo=UTC)
NUMBER = "412345"
ODD = "Li Wei [Austausch]"


def history_of(name: str) -> Any:
    return apps.get_model("courses", f"{name}Event")._default_manager


# ── names ──


def test_who_has_a_name_of_older_rules_can_do_all_else(cast: Cast) -> None:
    User.objects.filter(pk=cast.stranger.pk).update(display_name=ODD)
    Course.objects.filter(pk=cast.course.pk).update(enrolment_policy="roster")
    entry = RosterEntry.objects.create(course=cast.course, email="li@university.example", matriculation_number=NUMBER)
    client = cast.client("stranger")
    data = {"language": "de", "next": "/"}
    assert client.post("/language/", data, HTTP_SEC_FETCH_SITE="same-origin").status_code == 302
    assert client.post("/amls/enrol/", {"claim": "1", "matriculation_number": NUMBER}).status_code == 302
    decide_claim(entry=entry, claimant=cast.stranger.pk, is_confirmed=True, now=NOW)
    verify_number(enrolment=Enrolment.objects.get(user=cast.stranger), number="7")
    person = User.objects.get(pk=cast.stranger.pk)
    assert (person.display_name, person.matriculation_number, person.language) == (ODD, "7", "de")
    with pytest.raises(ValidationError):
        change_profile(user=person, display_name=ODD)


def test_brackets_in_the_names_of_a_roster_become_round(cast: Cast) -> None:
    _table, rows, problems = read_roster(b"e-mail;name\nli@example.org;Li Wei [Austausch] <\\x>\n")
    assert ([row.name for row in rows], problems) == (["Li Wei (Austausch) (/x)"], [])


def test_an_address_as_a_name_of_a_roster_is_refused_with_its_line() -> None:
    _table, rows, problems = read_roster(b"e-mail;name\na@example.org;www.evil.example\nb@example.org;B\n")
    assert [row.name for row in rows] == ["B"]
    assert said(problems) == ["Line 2: 'www.evil.example' is no name: a name has no addresses in it."]


def test_the_desk_takes_no_such_name_into_a_roster(cast: Cast) -> None:
    data = {"course": cast.course.pk, "email": "li@example.org", "name": ODD}
    answer = cast.client("assistant").post(reverse("admin:courses_rosterentry_add"), data)
    assert "A name has no addresses and no brackets in it." in answer.content.decode()


@pytest.mark.parametrize(("name", "taken"), [(ODD, "Li Wei (Austausch)"), ("see www.evil.example", "")])
def test_a_name_of_an_older_roster_is_taken_over_as_a_name(cast: Cast, name: str, taken: str) -> None:
    RosterEntry.objects.create(course=cast.course, email="li@university.example", name=name)
    User.objects.filter(pk=cast.stranger.pk).update(display_name="")
    join_roster_entries(user=User.objects.get(pk=cast.stranger.pk), email="li@university.example")
    assert User.objects.get(pk=cast.stranger.pk).display_name == taken


# ── who is taken out ──


def delete_at_desk(client: Client, *enrolments: Enrolment) -> str:
    data = {"action": "delete_selected", "_selected_action": [enrolment.pk for enrolment in enrolments], "post": "yes"}
    return client.post(reverse("admin:courses_enrolment_changelist"), data, follow=True).content.decode()


def test_all_lecturers_at_once_stay(cast: Cast) -> None:
    second = EnrolmentFactory.create(course=cast.course, role=Role.LECTURER, user__display_name="Lin Second")
    said = delete_at_desk(cast.client("lecturer"), cast.lecturer, second, cast.other_student)
    assert "Nobody was taken out" in said
    assert str(cast.lecturer.user) in said
    assert Enrolment.objects.filter(pk__in=[cast.lecturer.pk, second.pk, cast.other_student.pk]).count() == 3
    assert "Nobody was taken out" not in delete_at_desk(cast.client("lecturer"), second, cast.other_student)
    assert not Enrolment.objects.filter(pk__in=[second.pk, cast.other_student.pk]).exists()


def test_who_was_appointed_meanwhile_is_looked_at_again(cast: Cast) -> None:
    stale = list(Enrolment.objects.filter(pk=cast.student.pk))
    Enrolment.objects.filter(pk=cast.student.pk).update(role=Role.LECTURER)
    Enrolment.objects.filter(pk=cast.lecturer.pk).delete()
    with pytest.raises(RuleViolation, match="Nobody was taken out") as caught:
        take_out(enrolments=stale, by=cast.assistant.user)
    assert caught.value.code == "last-lecturer"
    take_out(enrolments=stale, by=cast.admin)
    assert not Enrolment.objects.filter(pk=cast.student.pk).exists()


# ── who is forgotten ──


def test_who_joined_by_a_claim_is_forgotten_by_the_roster_too(cast: Cast) -> None:
    entry = RosterEntry.objects.create(
        course=cast.course, email="grace@university.example", name="Grace Hopper", matriculation_number=NUMBER
    )
    Course.objects.filter(pk=cast.course.pk).update(enrolment_policy="roster")
    claim_by_number(user=cast.stranger, course=cast.course, number=NUMBER, now=NOW)
    decide_claim(entry=entry, claimant=cast.stranger.pk, is_confirmed=True, now=NOW)
    delete_account(user=cast.stranger, now=NOW)
    assert not RosterEntry.objects.exists()
    assert not history_of("RosterEntry").exists()


def test_whom_the_roster_declined_is_forgotten_there(cast: Cast) -> None:
    entry = RosterEntry.objects.create(course=cast.course, email="grace@university.example")
    entry.declined.add(cast.stranger)
    delete_account(user=cast.stranger, now=NOW)
    assert list(entry.declined.all()) == []


def test_who_left_is_told_so_by_their_data_and_forgotten_there_with_their_account(cast: Cast) -> None:
    """Who joined by a claim stands there with an address that the account never had."""
    user = cast.student.user
    entry = RosterEntry.objects.create(course=cast.course, email="grace@university.example", enrolment=cast.student)
    RosterEntry.objects.create(course=cast.course, email="somebody@university.example", left_by=cast.stranger)
    leave_course(enrolment=cast.student)
    told = dict(everything_about(user))["account/rosters.json"]
    assert [(row["email"], row["joined"], row["left"]) for row in told] == [("grace@university.example", False, True)]
    delete_account(user=user, now=NOW)
    entry.refresh_from_db()
    assert (entry.enrolment, entry.left_by) == (None, None)


def test_who_left_before_the_purge_is_forgotten_too(cast: Cast) -> None:
    RosterEntry.objects.create(course=cast.course, email="gone@university.example", name="Gone").delete()
    Enrolment.objects.filter(pk=cast.student.pk).delete()
    elsewhere = RosterEntry.objects.create(course=cast.other_course, email="here@university.example")
    Course.objects.filter(pk=cast.course.pk).update(state="archived", last_day=date(2010, 1, 1))
    purge_enrolments(NOW, False)
    for name in ("RosterEntry", "Enrolment"):
        assert not history_of(name).filter(course_id=cast.course.pk).exists()
    assert history_of("RosterEntry").filter(pgh_obj_id=elsewhere.pk).exists()


def test_others_read_of_a_deleted_account_that_it_is_one(cast: Cast) -> None:
    delete_account(user=cast.student.user, now=NOW)
    page = cast.client("lecturer").get(reverse("admin:courses_enrolment_changelist")).content.decode()
    assert ("Deleted account" in page, "deleted.invalid" in page) == (True, False)


@pytest.mark.parametrize(
    ("name", "initials"),
    [("Łukasz Żółć", "ŁŻ"), ("Ada King Lovelace", "AL"), ("山田太郎", "山"), ("", "S"), ("Ştefan", "Ş")],
)
def test_initials_stand_for_a_name_where_it_has_no_room(name: str, initials: str) -> None:
    assert User(display_name=name, email="someone@example.org").initials == initials
