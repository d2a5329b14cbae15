"""People of a roster who sign in with another address: matched by number, confirmed by staff."""

from datetime import UTC, datetime

import pytest
from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import translation
from pytest_django import Settings

from amls.courses.claims import claim_by_number, claim_in_own_courses, decide_claim
from amls.courses.models import Course, Enrolment, RosterEntry, User
from amls.courses.privacy import delete_account
from amls.courses.services import join_roster_entries
from amls.notifications.letters import letter_kind
from amls.notifications.models import Notice
from amls.web.violations import RuleViolation
from tests.cast import Cast

pytestmark = pytest.mark.django_db
NOW = datetime(2024, 4, 20, 10, 0, tzinfo=UTC)
NUMBER = "412345"
SAID = "If this number stands on the roster, the staff are asked to confirm that it is you."


@pytest.fixture(autouse=True)
def _one_factor(settings: Settings) -> None:
    settings.STAFF_NEEDS_SECOND_FACTOR = False


@pytest.fixture
def entry(cast: Cast) -> RosterEntry:
    Course.objects.filter(pk=cast.course.pk).update(enrolment_policy="roster")
    return RosterEntry.objects.create(
        course=cast.course, email="grace@university.example", name="Grace Hopper", matriculation_number=NUMBER
    )


def claim(cast: Cast, number: str = NUMBER) -> Client:
    client = cast.client("stranger")
    answer = client.post("/amls/enrol/", {"claim": "1", "matriculation_number": number}, follow=True)
    assert SAID in answer.content.decode()
    return client


def is_enrolled(cast: Cast) -> bool:
    return Enrolment.objects.filter(user=cast.stranger, course=cast.course).exists()


def letters(kind: str) -> list[str]:
    with translation.override("en"):
        found = [letter_kind(kind).writer(one, NOW) for one in Notice.objects.filter(kind=kind)]
    return [one.subject for one in found if one is not None]


def test_a_private_address_joins_once_staff_confirm_it(cast: Cast, entry: RosterEntry) -> None:
    claim(cast)
    assert not is_enrolled(cast)
    assert letters("overview.roster-claimed") == [f"Is it the same person? {cast.stranger}"] * 2
    desk, page = cast.client("assistant"), reverse("admin:courses_rosterentry_change", args=[entry.pk])
    assert "1 person of a roster to confirm" in desk.get("/admin/").content.decode()
    shown = desk.get(page).content.decode()
    for words in ("grace@university.example", "stranger@example.org", NUMBER):
        assert words in shown
    assert desk.post(page, {"confirm": "1"}).status_code == 302
    cast.stranger.refresh_from_db()
    entry.refresh_from_db()
    assert is_enrolled(cast)
    assert (cast.stranger.matriculation_number, cast.stranger.is_matriculation_verified) == (NUMBER, True)
    assert (entry.enrolment, entry.claimed_by) == (Enrolment.objects.get(user=cast.stranger), None)
    assert letters("overview.roster-confirmed") == [f"You are enrolled in {cast.course}"]
    assert letters("overview.roster-claimed") == []


def test_who_has_left_the_staff_is_asked_nothing(cast: Cast, entry: RosterEntry) -> None:
    User.objects.filter(pk=cast.lecturer.user_id).update(is_active=False)
    claim(cast)
    assert [one.recipient for one in Notice.objects.filter(kind="overview.roster-claimed")] == [cast.assistant.user]


def test_declined_they_are_told_and_stay_out(cast: Cast, entry: RosterEntry) -> None:
    claim(cast)
    page = reverse("admin:courses_rosterentry_change", args=[entry.pk])
    cast.client("lecturer").post(page, {"decline": "1"})
    cast.stranger.refresh_from_db()
    assert (is_enrolled(cast), cast.stranger.is_matriculation_verified) == (False, False)
    assert letters("overview.roster-declined") == [f"Not confirmed: the roster of {cast.course}"]


def test_nobody_learns_by_a_number_who_takes_the_course(cast: Cast, entry: RosterEntry) -> None:
    claim(cast, "999999")
    entry.refresh_from_db()
    assert (entry.claimed_by, Notice.objects.count()) == (None, 0)


def test_only_the_courses_staff_decide(cast: Cast, entry: RosterEntry) -> None:
    claim(cast)
    page = reverse("admin:courses_rosterentry_change", args=[entry.pk])
    for part in ("anonymous", "stranger", "student", "foreign lecturer"):
        cast.client(part).post(page, {"confirm": "1"})
    assert not is_enrolled(cast)


def test_the_roster_address_itself_needs_nobody_and_ends_the_claim(cast: Cast, entry: RosterEntry) -> None:
    claim(cast)
    grace = User.objects.create_user("grace@university.example", "x")
    join_roster_entries(user=grace, email=grace.email)
    entry.refresh_from_db()
    assert (entry.enrolment and entry.enrolment.user, entry.claimed_by) == (grace, None)
    with pytest.raises(RuleViolation, match="Nobody waits"):
        decide_claim(entry=entry, is_confirmed=True, now=NOW)
    assert not is_enrolled(cast)


def test_who_enrolled_by_themselves_is_matched_when_they_enter_their_number(cast: Cast, entry: RosterEntry) -> None:
    client = cast.client("student")
    client.post("/accounts/profile/", {"display_name": "Grace", "matriculation_number": NUMBER, "language": ""})
    entry.refresh_from_db()
    assert entry.claimed_by == cast.student.user
    decide_claim(entry=entry, is_confirmed=True, now=NOW)
    entry.refresh_from_db()
    assert entry.enrolment == cast.student


def test_one_person_takes_one_entry(cast: Cast, entry: RosterEntry) -> None:
    RosterEntry.objects.create(
        course=cast.course, email="second@university.example", matriculation_number="1", enrolment=cast.student
    )
    entry.claimed_by, entry.claimed_at = cast.student.user, NOW
    entry.save()
    with pytest.raises(RuleViolation, match="another entry of the roster"):
        decide_claim(entry=entry, is_confirmed=True, now=NOW)
    User.objects.filter(pk=cast.student.user_id).update(matriculation_number=NUMBER)
    RosterEntry.objects.filter(pk=entry.pk).update(claimed_by=None)
    claim_in_own_courses(user=User.objects.get(pk=cast.student.user_id), now=NOW)
    entry.refresh_from_db()
    assert entry.claimed_by is None


def test_two_confirmed_addresses_of_one_person_on_a_roster_are_one_enrolment(cast: Cast, entry: RosterEntry) -> None:
    RosterEntry.objects.create(course=cast.course, email="g.hopper@university.example")
    for email in ("grace@university.example", "g.hopper@university.example"):
        EmailAddress.objects.create(user=cast.stranger, email=email, verified=True)
        join_roster_entries(user=cast.stranger, email=email)
    assert Enrolment.objects.get(user=cast.stranger).roster_entry == entry


def test_a_number_is_needed_and_the_course_must_be_open(cast: Cast, entry: RosterEntry) -> None:
    assert cast.client("stranger").post("/amls/enrol/", {"claim": "1"}).status_code == 422
    with pytest.raises(RuleViolation, match="Enter your matriculation number"):
        claim_by_number(user=cast.stranger, course=Course.objects.get(slug="amls"), number=" ", now=NOW)
    Course.objects.filter(slug="amls").update(enrolment_policy="closed")
    with pytest.raises(RuleViolation, match="closed"):
        claim_by_number(user=cast.stranger, course=Course.objects.get(slug="amls"), number=NUMBER, now=NOW)


def test_staff_correct_a_number_and_the_person_can_not_change_it(cast: Cast) -> None:
    page = reverse("admin:courses_enrolment_change", args=[cast.student.pk])
    cast.client("assistant").post(page, {"role": "student", "number": NUMBER})
    cast.student.user.refresh_from_db()
    assert (cast.student.user.matriculation_number, cast.student.user.is_matriculation_verified) == (NUMBER, True)
    cast.client("student").post("/accounts/profile/", {"display_name": "X", "matriculation_number": "1"})
    cast.student.user.refresh_from_db()
    assert cast.student.user.matriculation_number == NUMBER
    assert f"{NUMBER} ✓" in cast.client("lecturer").get(reverse("admin:courses_enrolment_changelist")).content.decode()


def test_a_claim_ends_with_the_account(cast: Cast, entry: RosterEntry) -> None:
    claim(cast)
    delete_account(user=cast.stranger, now=NOW)
    entry.refresh_from_db()
    assert (entry.claimed_by, entry.claimed_at) == (None, None)


def test_the_database_keeps_claims_in_order(cast: Cast, entry: RosterEntry) -> None:
    wrong = [{"claimed_by": cast.stranger}, {"claimed_by": cast.stranger, "claimed_at": NOW, "enrolment": cast.student}]
    for values in wrong:
        with pytest.raises(IntegrityError, match="rosterentry_claim_in_order"), transaction.atomic():
            RosterEntry.objects.filter(pk=entry.pk).update(**values)
