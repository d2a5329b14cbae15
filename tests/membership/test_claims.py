"""People of a roster who sign in with another address: matched by number, confirmed by staff."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from allauth.account.models import EmailAddress
from django.core.mail import EmailMessage
from django.db import IntegrityError, transaction
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import reverse
from django.utils import translation

from amls.core.violations import RuleViolation
from amls.courses.models import Course, Enrolment, RosterEntry, User
from amls.courses.participation import join_roster_entries
from amls.files.tables.table import Upload
from amls.held.models import HeldAct
from amls.held.services import apply_next
from amls.mail.letters import letter_kinds
from amls.mail.models import Notice
from amls.mail.send import deliver_due
from amls.membership.claims import claim_by_number, claim_in_own_courses, decide_claim
from amls.membership.roster import import_roster
from amls.privacy.registry import delete_account
from tests.agreement import do_held
from tests.cast import Cast
from tests.tables import agree, show

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_factor")]
NOW = datetime(2024, 4, 20, 10, 0, tzinfo=UTC)
NUMBER = "412345"
SAID = "If this number stands on the roster, the staff are asked to confirm that it is you."


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


def decide(client: Client, entry: RosterEntry, what: str = "confirm") -> HttpResponseBase:
    """Press what the page shows, as a browser does, and let it happen."""
    page = reverse("admin:courses_rosterentry_change", args=[entry.pk])
    shown = re.search(r'name="claimant" value="(\d+)"', client.get(page).content.decode())
    answer = client.post(page, {what: "1", "claimant": shown.group(1) if shown else ""})
    if HeldAct.objects.waiting().exists():
        do_held()
    return answer


def number_in_profile(client: Client, number: str) -> str:
    data = {"display_name": "Grace", "matriculation_number": number, "language": ""}
    return client.post("/accounts/profile/", data, follow=True).content.decode()


def letters(kind: str) -> list[str]:
    with translation.override("en"):
        composed = [letter_kinds[kind].writer(notice, NOW) for notice in Notice.objects.filter(kind=kind)]
    return [letter.subject for letter in composed if letter is not None]


def test_a_private_address_joins_once_staff_confirm_it(cast: Cast, entry: RosterEntry) -> None:
    claim(cast)
    assert not is_enrolled(cast)
    assert letters("portal.roster-claimed") == [f"Is it the same person? {cast.stranger}"] * 2
    desk, page = cast.client("assistant"), reverse("admin:courses_rosterentry_change", args=[entry.pk])
    assert "1 person of a roster to confirm" in desk.get("/admin/").content.decode()
    shown = desk.get(page).content.decode()
    for words in ("grace@university.example", "stranger@example.org", NUMBER):
        assert words in shown
    assert decide(desk, entry).status_code == 302
    act = HeldAct.objects.get()
    assert (act.title, act.by, act.outcome) == (
        f"Enrol {cast.stranger}",
        cast.assistant.user,
        "The person is enrolled and told.",
    )
    cast.stranger.refresh_from_db()
    entry.refresh_from_db()
    assert is_enrolled(cast)
    assert (cast.stranger.matriculation_number, cast.stranger.is_matriculation_verified) == (NUMBER, True)
    assert (entry.enrolment, entry.claimed_by) == (Enrolment.objects.get(user=cast.stranger), None)
    assert letters("portal.roster-confirmed") == [f"You are enrolled in {cast.course}"]
    assert letters("portal.roster-claimed") == []


def test_a_decision_on_a_claim_is_taken_back_in_time(cast: Cast, entry: RosterEntry) -> None:
    claim(cast)
    page = reverse("admin:courses_rosterentry_change", args=[entry.pk])
    cast.client("lecturer").post(page, {"confirm": "1", "claimant": cast.stranger.pk})
    act = HeldAct.objects.get()
    assert cast.client("assistant").post(reverse("held:undo", args=["amls", act.pk])).status_code == 302
    assert apply_next(act.apply_at) == 0
    entry.refresh_from_db()
    assert (is_enrolled(cast), entry.claimed_by) == (False, cast.stranger)


def test_who_has_left_the_staff_is_asked_nothing(cast: Cast, entry: RosterEntry) -> None:
    User.objects.filter(pk=cast.lecturer.user_id).update(is_active=False)
    claim(cast)
    assert [notice.recipient for notice in Notice.objects.filter(kind="portal.roster-claimed")] == [cast.assistant.user]


def test_declined_they_are_told_and_stay_out(cast: Cast, entry: RosterEntry) -> None:
    claim(cast)
    decide(cast.client("lecturer"), entry, "decline")
    cast.stranger.refresh_from_db()
    assert (is_enrolled(cast), cast.stranger.is_matriculation_verified) == (False, False)
    assert letters("portal.roster-declined") == [f"Not confirmed: the roster of {cast.course}"]


def test_nobody_learns_by_a_number_who_takes_the_course(cast: Cast, entry: RosterEntry) -> None:
    claim(cast, "999999")
    entry.refresh_from_db()
    assert (entry.claimed_by, Notice.objects.count()) == (None, 0)


def test_only_the_courses_staff_decide(cast: Cast, entry: RosterEntry) -> None:
    claim(cast)
    page = reverse("admin:courses_rosterentry_change", args=[entry.pk])
    for part in ("anonymous", "stranger", "student", "foreign lecturer"):
        cast.client(part).post(page, {"confirm": "1", "claimant": cast.stranger.pk})
    assert not is_enrolled(cast)


@pytest.mark.parametrize("shown", ["", "x", "-1", "9" * 5000])
def test_a_decision_without_the_person_who_was_shown_decides_nothing(
    cast: Cast, entry: RosterEntry, shown: str
) -> None:
    claim(cast)
    page = reverse("admin:courses_rosterentry_change", args=[entry.pk])
    assert cast.client("lecturer").post(page, {"confirm": "1", "claimant": shown}).status_code == 302
    entry.refresh_from_db()
    assert (entry.claimed_by, is_enrolled(cast)) == (cast.stranger, False)


def test_the_roster_address_itself_needs_nobody_and_ends_the_claim(cast: Cast, entry: RosterEntry) -> None:
    claim(cast)
    grace = User.objects.create_user("grace@university.example", "x")
    join_roster_entries(user=grace, email=grace.email)
    entry.refresh_from_db()
    assert (entry.enrolment and entry.enrolment.user, entry.claimed_by) == (grace, None)
    with pytest.raises(RuleViolation, match="Nobody waits"):
        decide_claim(entry=entry, claimant=cast.stranger.pk, is_confirmed=True, now=NOW)
    assert not is_enrolled(cast)


def test_who_enrolled_by_themselves_is_matched_when_they_enter_their_number(cast: Cast, entry: RosterEntry) -> None:
    number_in_profile(cast.client("student"), NUMBER)
    entry.refresh_from_db()
    assert entry.claimed_by == cast.student.user
    decide_claim(entry=entry, claimant=cast.student.user.pk, is_confirmed=True, now=NOW)
    entry.refresh_from_db()
    assert entry.enrolment == cast.student


def test_one_person_takes_one_entry(cast: Cast, entry: RosterEntry) -> None:
    RosterEntry.objects.create(
        course=cast.course, email="second@university.example", matriculation_number="1", enrolment=cast.student
    )
    entry.claimed_by, entry.claimed_at = cast.student.user, NOW
    entry.save()
    with pytest.raises(RuleViolation, match="another entry of the roster"):
        decide_claim(entry=entry, claimant=cast.student.user.pk, is_confirmed=True, now=NOW)
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


def test_a_person_asks_for_one_entry_of_a_course_at_a_time(cast: Cast, entry: RosterEntry) -> None:
    second = RosterEntry.objects.create(course=cast.course, email="ada@university.example", matriculation_number="7")
    claim(cast)
    claim(cast, "7")
    assert list(RosterEntry.objects.filter(claimed_by=cast.stranger)) == [second]
    entry.refresh_from_db()
    assert (entry.claimed_by, entry.claimed_at) == (None, None)
    # A number that stands nowhere frees the entry as well.
    claim(cast, "999999")
    assert not RosterEntry.objects.filter(claimed_by=cast.stranger).exists()


def test_another_number_in_the_profile_lets_an_entry_go(cast: Cast, entry: RosterEntry) -> None:
    client = claim(cast)
    number_in_profile(client, "7")
    entry.refresh_from_db()
    assert (entry.claimed_by, entry.claimed_at) == (None, None)


def test_to_ask_again_with_the_same_number_mails_nobody_again(cast: Cast, entry: RosterEntry) -> None:
    claim(cast)
    claim(cast)
    assert Notice.objects.filter(kind="portal.roster-claimed").count() == 2


def test_numbers_can_be_tried_five_times_a_day(cast: Cast, entry: RosterEntry) -> None:
    client = cast.client("stranger")
    for number in range(5):
        assert "You entered" not in number_in_profile(client, str(number + 1))
    answer = client.post("/amls/enrol/", {"claim": "1", "matriculation_number": NUMBER})
    assert (answer.status_code, "You entered 5 numbers today." in answer.content.decode()) == (422, True)
    assert "You entered 5 numbers today." in number_in_profile(client, NUMBER)
    assert not RosterEntry.objects.filter(claimed_by__isnull=False).exists()
    # The name can be changed all the same.
    assert "Saved." in number_in_profile(client, "5")


def test_a_decline_lets_the_next_one_with_the_number_in(cast: Cast, entry: RosterEntry) -> None:
    claim(cast)
    number_in_profile(cast.client("student"), NUMBER)
    decide(cast.client("lecturer"), entry, "decline")
    entry.refresh_from_db()
    assert entry.claimed_by == cast.student.user


def test_staff_decide_on_the_account_that_they_saw(cast: Cast, entry: RosterEntry) -> None:
    claim(cast)
    desk, page = cast.client("assistant"), reverse("admin:courses_rosterentry_change", args=[entry.pk])
    RosterEntry.objects.filter(pk=entry.pk).update(claimed_by=cast.student.user)
    for data in ({"claimant": cast.stranger.pk}, {"claimant": "x"}, {}):
        answer = desk.post(page, {"confirm": "1", **data}, follow=True)
        assert "Another account waits for this entry now." in answer.content.decode()
    entry.refresh_from_db()
    assert (entry.claimed_by, entry.enrolment) == (cast.student.user, None)
    # An edit that was begun before anybody asked declines nobody.
    desk.post(page, {"email": entry.email, "course": cast.course.pk})
    entry.refresh_from_db()
    assert entry.claimed_by == cast.student.user
    # And a decision that comes too late is said to be so.
    RosterEntry.objects.filter(pk=entry.pk).update(claimed_by=None)
    answer = desk.post(page, {"confirm": "1", "claimant": cast.student.user.pk}, follow=True)
    assert "Nobody waits for this entry any more." in answer.content.decode()


def test_each_claim_and_each_decision_is_told(cast: Cast, entry: RosterEntry) -> None:
    for round_ in range(2):
        later = NOW + timedelta(hours=round_)
        claim_by_number(user=cast.stranger, course=cast.course, number=NUMBER, now=later)
        decide_claim(entry=entry, claimant=cast.stranger.pk, is_confirmed=False, now=later + timedelta(minutes=9))
        entry.declined.clear()
    kinds = list(Notice.objects.values_list("kind", flat=True))
    assert (kinds.count("portal.roster-claimed"), kinds.count("portal.roster-declined")) == (4, 2)


def test_a_letter_asks_about_the_person_who_waits(cast: Cast, entry: RosterEntry) -> None:
    claim(cast)
    RosterEntry.objects.filter(pk=entry.pk).update(claimed_by=cast.student.user)
    assert letters("portal.roster-claimed") == []


def test_a_decline_is_remembered_until_staff_forget_it(cast: Cast, entry: RosterEntry) -> None:
    claim(cast)
    lecturer, page = cast.client("lecturer"), reverse("admin:courses_rosterentry_change", args=[entry.pk])
    decide(lecturer, entry, "decline")
    claim(cast)
    claim_in_own_courses(user=User.objects.get(pk=cast.stranger.pk), now=NOW)
    entry.refresh_from_db()
    assert (entry.claimed_by, list(entry.declined.all())) == (None, [cast.stranger])
    # Who enrols otherwise is not asked about again either.
    Enrolment.objects.create(user=cast.stranger, course=cast.course)
    assert "Saved." in number_in_profile(cast.client("stranger"), NUMBER)
    entry.refresh_from_db()
    assert entry.claimed_by is None
    assert "stranger@example.org" in lecturer.get(page).content.decode()
    data = {"course": cast.course.pk, "email": entry.email, "matriculation_number": NUMBER}
    lecturer.post(page, {**data, "declined": [cast.stranger.pk]})
    assert list(entry.declined.all()) == [cast.stranger]
    lecturer.post(page, data)
    # Free to be asked about again, and at once.
    assert RosterEntry.objects.get(pk=entry.pk).claimed_by == cast.stranger
    assert not entry.declined.exists()


def test_a_decline_does_not_say_that_the_number_stands_on_the_roster(cast: Cast, entry: RosterEntry) -> None:
    claim(cast)
    decide(cast.client("lecturer"), entry, "decline")
    notice = Notice.objects.get(kind="portal.roster-declined")
    written = letter_kinds[notice.kind].writer(notice, NOW)
    assert written is not None
    assert "number" not in written.text


def test_a_roster_that_comes_later_finds_who_enrolled_by_themselves(cast: Cast) -> None:
    User.objects.filter(pk=cast.student.user_id).update(matriculation_number=NUMBER)
    User.objects.filter(pk=cast.assistant.user_id).update(matriculation_number="8")
    content = f"email,matriculation number\ngrace@university.example,{NUMBER}\nx@university.example,8\n".encode()
    lecturer, address = cast.client("lecturer"), reverse("admin:courses_rosterentry_upload_roster")
    shown = show(lecturer, address, content, course=cast.course.pk)
    assert "1 person is enrolled with another address" in shown.content.decode()
    assert (RosterEntry.objects.count(), Notice.objects.count()) == (0, 0)
    assert agree(lecturer, address, shown, course=cast.course.pk).status_code == 302
    changelist = lecturer.get(reverse("admin:courses_rosterentry_changelist")).content.decode()
    assert "1 person is to confirm" in changelist
    assert RosterEntry.objects.get(claimed_by__isnull=False).claimed_by == cast.student.user
    again = import_roster(course=cast.course, upload=Upload(content), now=NOW)
    assert (again.claimed, Notice.objects.filter(kind="portal.roster-claimed").count()) == (0, 2)


def test_an_entry_typed_at_the_desk_finds_who_enrolled_by_themselves(cast: Cast) -> None:
    User.objects.filter(pk=cast.student.user_id).update(matriculation_number=NUMBER)
    data = {"course": cast.course.pk, "email": "grace@university.example", "matriculation_number": NUMBER}
    cast.client("assistant").post(reverse("admin:courses_rosterentry_add"), data)
    assert RosterEntry.objects.get().claimed_by == cast.student.user


@pytest.mark.parametrize(
    ("state", "policy", "is_asked"),
    [("running", "roster", True), ("running", "closed", True), ("archived", "roster", False), ("draft", "open", False)],
)
def test_staff_are_asked_in_running_courses_only(
    cast: Cast, entry: RosterEntry, state: str, policy: str, is_asked: bool
) -> None:
    Course.objects.filter(pk=cast.course.pk).update(state=state, enrolment_policy=policy)
    number_in_profile(cast.client("student"), NUMBER)
    entry.refresh_from_db()
    assert (entry.claimed_by is not None, Notice.objects.exists()) == (is_asked, is_asked)


def test_a_number_that_is_there_can_be_checked_as_it_is(cast: Cast) -> None:
    user, desk = cast.student.user, cast.client("assistant")
    page = reverse("admin:courses_enrolment_change", args=[cast.student.pk])
    assert 'name="is_checked"' not in desk.get(page).content.decode()
    User.objects.filter(pk=user.pk).update(matriculation_number=NUMBER)
    assert 'name="is_checked"' in desk.get(page).content.decode()
    desk.post(page, {"role": "student", "number": NUMBER})
    assert not User.objects.get(pk=user.pk).is_matriculation_verified
    desk.post(page, {"role": "student", "number": NUMBER, "is_checked": "on"})
    user.refresh_from_db()
    assert (user.matriculation_number, user.is_matriculation_verified) == (NUMBER, True)
    assert 'name="is_checked"' not in desk.get(page).content.decode()


def test_many_whom_a_roster_finds_are_one_mail(cast: Cast, mailoutbox: list[EmailMessage]) -> None:
    User.objects.filter(pk=cast.student.user_id).update(matriculation_number=NUMBER, display_name="Grace [1]")
    User.objects.filter(pk=cast.other_student.user_id).update(matriculation_number="7", display_name="Ada")
    content = f"email,matriculation number\na@university.example,{NUMBER}\nb@university.example,7\n".encode()
    import_roster(course=cast.course, upload=Upload(content), now=NOW)
    deliver_due(now=NOW)
    assert {(message.to[0].partition("<")[2], message.subject) for message in mailoutbox} == {
        ("assistant@example.org>", "2 people of rosters to confirm"),
        ("lecturer@example.org>", "2 people of rosters to confirm"),
    }
    assert "- Grace [1]\n- Ada" in str(mailoutbox[0].body)
