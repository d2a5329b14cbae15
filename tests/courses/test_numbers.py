"""Which course says which number is whose: what speaks against each other is a problem that the staff see."""

from datetime import UTC, datetime

import pytest
from allauth.account.models import EmailAddress
from django.urls import reverse

from amls.courses.contradictions import contradictions_of
from amls.courses.models import Course, Enrolment, RosterEntry, User
from amls.courses.participation import join_roster_entries, verify_number
from amls.files.tables.table import Upload
from amls.membership.roster import RosterPlan, import_roster
from tests.cast import Cast
from tests.factories import EnrolmentFactory
from tests.tables import said

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_factor")]
NOW = datetime(2024, 4, 20, 10, 0, tzinfo=UTC)


def roster(course: Course, *rows: tuple[str, str]) -> RosterPlan:
    lines = ["e-mail;matriculation number", *(f"{email};{number}" for email, number in rows)]
    return import_roster(course=course, upload=Upload("\n".join(lines).encode()), now=NOW)


def join(course: Course, user: User, number: str) -> Enrolment:
    """Put a person on a course's roster by their confirmed address."""
    EmailAddress.objects.get_or_create(user=user, email=user.email, verified=True)
    roster(course, (user.email, number))
    return Enrolment.objects.select_related("user").get(user=user, course=course)


def texts(course: Course) -> list[str]:
    return [contradiction.text for contradiction in contradictions_of([course])]


def test_one_courses_roster_writes_nothing_into_another(cast: Cast) -> None:
    here = join(cast.course, cast.stranger, "500001")
    there = join(cast.other_course, cast.stranger, "999")
    here.refresh_from_db()
    assert (here.number, here.verified_number, there.number) == ("500001", "500001", "999")
    # The person's own entry stays what it was: the first roster gave it, nobody had typed one.
    assert User.objects.get(pk=cast.stranger.pk).matriculation_number == "500001"


def test_two_courses_that_contradict_each_other_both_see_it(cast: Cast) -> None:
    here, there = join(cast.course, cast.stranger, "500001"), join(cast.other_course, cast.stranger, "999")
    assert texts(cast.course) == ["They have 500001 here, but another course has verified 999."]
    assert texts(cast.other_course) == ["They have 999 here, but another course has verified 500001."]
    for part, enrolment in (("lecturer", here), ("foreign lecturer", there)):
        client, page = cast.client(part), reverse("admin:courses_enrolment_change", args=[enrolment.pk])
        desk = client.get("/admin/").content.decode()
        assert "1 matriculation number in contradiction" in desk
        assert page in desk
        assert "another course has verified" in client.get(page).content.decode()
        # And is mended on that page.
    cast.client("foreign lecturer").post(page, {"role": "student", "number": "0500001"})
    assert texts(cast.course) == []
    assert texts(cast.other_course) == ["The roster says 999, the staff have checked 0500001."]


def test_a_number_that_two_people_have_in_two_courses_is_seen_in_both(cast: Cast) -> None:
    join(cast.course, cast.stranger, "500001")
    join(cast.other_course, User.objects.get(pk=cast.student.user_id), "500001")
    other = "Another course has verified 500001 for somebody else."
    assert texts(cast.other_course) == [other]
    # Their profile had no number yet: there it counts as one that they typed.
    typed = f"They typed 500001, which is verified for {cast.stranger} <stranger@example.org>."
    assert texts(cast.course) == [typed, other]


def test_what_people_typed_is_seen_where_it_is_anothers(cast: Cast) -> None:
    User.objects.filter(pk=cast.student.user_id).update(matriculation_number="77")
    User.objects.filter(pk=cast.other_student.user_id).update(matriculation_number="0077")
    assert texts(cast.course) == [
        f"They typed 77, and so did {cast.other_student.user} <other@example.org>.",
        f"They typed 0077, and so did {cast.student.user} <student@example.org>.",
    ]
    RosterEntry.objects.create(course=cast.course, email="x@uni.example", name="Anna", matriculation_number="5")
    User.objects.filter(pk=cast.student.user_id).update(matriculation_number="abc")
    User.objects.filter(pk=cast.other_student.user_id).update(matriculation_number="5")
    assert texts(cast.course) == [
        "'abc' is no matriculation number.",
        "They typed 5, which is that of Anna <x@uni.example> on the roster.",
    ]


@pytest.mark.parametrize("count", [1, 3])
def test_contradictions_cost_three_queries(cast: Cast, count: int, django_assert_num_queries: object) -> None:
    for number in range(count):
        EnrolmentFactory.create(course=cast.course, user__matriculation_number=f"{number + 1}")
    with django_assert_num_queries(3):  # type: ignore[operator]
        contradictions_of([cast.course, cast.other_course][:count])


def test_a_roster_that_gives_a_number_to_two_people_says_on_which_line(cast: Cast) -> None:
    read = roster(cast.course, ("a@uni.example", "500001"), ("b@uni.example", "0500001"))
    assert said(read.problems) == [
        "Line 2: 500001 is the number of b@uni.example as well. Correct one of the two.",
        "Line 3: 0500001 is the number of a@uni.example as well. Correct one of the two.",
    ]
    assert not RosterEntry.objects.exists()
    assert said(roster(cast.course, ("a@uni.example", "500001")).problems) == []
    read = roster(cast.course, ("b@uni.example", "00500001"))
    assert said(read.problems) == ["Line 2: 00500001 is the number of a@uni.example as well. Correct one of the two."]
    # Two who have changed places in the new file are no contradiction.
    roster(cast.course, ("b@uni.example", "2"))
    assert said(roster(cast.course, ("a@uni.example", "2"), ("b@uni.example", "500001")).problems) == []


def test_a_roster_does_not_change_what_the_staff_have_checked(cast: Cast) -> None:
    enrolment = join(cast.course, cast.stranger, "500001")
    # What the roster itself had verified follows it.
    assert said(roster(cast.course, (cast.stranger.email, "500002")).problems) == []
    enrolment.refresh_from_db()
    assert enrolment.verified_number == "500002"
    verify_number(enrolment=enrolment, number="700")
    read = roster(cast.course, (cast.stranger.email, "500003"))
    assert said(read.problems) == [
        f"Line 2: the staff have checked 700 for {cast.stranger}, not 500003. Correct one of the two."
    ]
    assert texts(cast.course) == ["The roster says 500002, the staff have checked 700."]


def test_a_roster_does_not_give_away_a_verified_number(cast: Cast) -> None:
    verify_number(enrolment=cast.student, number="500001")
    join(cast.course, cast.stranger, "2")
    read = roster(cast.course, (cast.stranger.email, "0500001"))
    assert said(read.problems) == [
        f"Line 2: 0500001 is verified for {cast.student.user}, who is not stranger@example.org. Correct one of the two."
    ]
    # Who joins later doesn't get it either, but the staff see it.
    RosterEntry.objects.create(course=cast.course, email="carl@example.org", matriculation_number="500001")
    carl = User.objects.create_user("carl@example.org")
    (joined,) = join_roster_entries(user=carl, email=carl.email)
    assert joined.verified_number == ""
    assert texts(cast.course)[-1].startswith("The roster says 500001, which is verified for")


def test_staff_can_not_verify_a_number_twice(cast: Cast) -> None:
    verify_number(enrolment=cast.student, number="500001")
    page = reverse("admin:courses_enrolment_change", args=[cast.other_student.pk])
    answer = cast.client("lecturer").post(page, {"role": "student", "number": "0500001"})
    assert f"0500001 is verified for {cast.student.user}. Correct theirs first." in answer.content.decode()
    answer = cast.client("lecturer").post(page, {"role": "student", "number": "abc"})
    assert "&#x27;abc&#x27; is no matriculation number." in answer.content.decode()


def test_many_numbers_are_checked_in_one_step_and_doubled_ones_are_left(cast: Cast) -> None:
    verify_number(enrolment=cast.student, number="500001")
    User.objects.filter(pk=cast.other_student.user_id).update(matriculation_number="0500001")
    good = EnrolmentFactory.create(course=cast.course, user__matriculation_number="77")
    missing = EnrolmentFactory.create(course=cast.course)
    chosen = [cast.student.pk, cast.other_student.pk, good.pk, missing.pk]
    listing = reverse("admin:courses_enrolment_changelist")
    data = {"action": "verify_numbers", "_selected_action": chosen}
    answer = cast.client("assistant").post(listing, data, follow=True).content.decode()
    for words in (
        "1 number is verified now.",
        f"{cast.other_student.user}: 0500001 is verified for another person of this course.",
        f"{missing.user}: no matriculation number",
    ):
        assert words in answer
    assert dict(Enrolment.objects.exclude(verified_number="").values_list("pk", "verified_number")) == {
        cast.student.pk: "500001", good.pk: "77",
    }  # fmt: skip
    shown = [cast.client("lecturer").get(f"{listing}?number={state}") for state in ("verified", "typed", "missing")]
    assert [len(answer.context["cl"].result_list) for answer in shown] == [2, 1, 3]


@pytest.mark.parametrize("number", ["abc", "000", "12-34", "1; DROP"])
def test_what_is_no_number_is_not_taken(cast: Cast, number: str) -> None:
    client = cast.client("student")
    data = {"display_name": "Anna", "matriculation_number": number, "language": ""}
    answer = client.post("/accounts/profile/", data)
    assert "is no matriculation number. Copy it from the student ID." in answer.content.decode()
    assert User.objects.get(pk=cast.student.user_id).matriculation_number == ""
    client.post("/accounts/profile/", {**data, "matriculation_number": " 0412 345 "})
    assert User.objects.get(pk=cast.student.user_id).matriculation_number == "0412345"


def test_a_table_that_lost_a_zero_changes_no_number(cast: Cast) -> None:
    """As spreadsheets do; what has more zeros than is known is the better one."""
    roster(cast.course, ("anna@example.org", "0412345"), ("bernd@example.org", "500001"))
    for given, kept in (
        ("412345", "0412345"),
        ("0 412 345", "0412345"),
        ("00412345", "00412345"),
        ("412346", "412346"),
    ):
        roster(cast.course, ("anna@example.org", given))
        entry = RosterEntry.objects.get(course=cast.course, email="anna@example.org")
        assert entry.matriculation_number == kept, given
    again = roster(cast.course, ("bernd@example.org", "500001"))
    assert (list(again.lines), again.unchanged) == ([], 1)
