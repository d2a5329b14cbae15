"""Whom a line of a file means: number, address and name must agree on one participant."""

import pytest
from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction

from amls.core.violations import RuleViolation
from amls.courses.matching import Participants
from amls.courses.models import Course, Enrolment, RosterEntry, User
from amls.courses.numbers import looks_like_a_number, plain_number
from amls.courses.participation import verify_number
from amls.courses.spellings import fuller_name, names_agree
from tests.factories import CourseFactory, EnrolmentFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def course() -> Course:
    return CourseFactory.create(slug="amls")


@pytest.fixture
def anna(course: Course) -> Enrolment:
    """A student whose number is verified."""
    anna = EnrolmentFactory.create(course=course, user__email="anna@example.org", user__display_name="Anna Größe")
    return verify_number(enrolment=anna, number="500001")


def typed(course: Course, email: str, number: str, name: str = "Bernd Żółć") -> Enrolment:
    return EnrolmentFactory.create(
        course=course, user__email=email, user__display_name=name, user__matriculation_number=number
    )


def problem(course: Course, **said: str) -> tuple[str, str]:
    with pytest.raises(RuleViolation) as caught:
        Participants(course).find(**said)
    return caught.value.code, str(caught.value.message)


@pytest.mark.parametrize(
    "number", ["500001", "0500001", " 500 001 ", "\u200b500001\ufeff", "５００００１", "000500001"]
)
def test_a_verified_number_goes_before_one_that_was_typed(course: Course, anna: Enrolment, number: str) -> None:
    typed(course, "bernd@example.org", "0500001")
    assert Participants(course).find(number=number) == anna
    assert Participants(course).find(number=number, email="Anna@Example.org") == anna


def test_a_line_that_names_two_people_is_a_problem_that_says_who_they_are(course: Course, anna: Enrolment) -> None:
    typed(course, "bernd@example.org", "0500001")
    assert problem(course, number="500001", email="bernd@example.org") == (
        "contradiction",
        "bernd@example.org is Bernd Żółć, but 500001 is the matriculation number of Anna Größe <anna@example.org>.",
    )
    assert problem(course, number="700", email="anna@example.org") == (
        "contradiction",
        "anna@example.org is Anna Größe, whose matriculation number is 500001, not 700.",
    )


def test_of_two_who_typed_a_number_neither_is_chosen(course: Course) -> None:
    bernd, carl = typed(course, "bernd@example.org", "0077"), typed(course, "carl@example.org", "77", "Carl Ștefan")
    code, message = problem(course, number="77")
    assert code == "several"
    assert message == (
        "77 was typed by Bernd Żółć <bernd@example.org> and Carl Ștefan <carl@example.org> and is verified for none of "
        "them. Check it at the desk first."
    )
    # The address says which of the two.
    assert Participants(course).find(number="77", email="carl@example.org") == carl
    verify_number(enrolment=bernd, number="77")
    assert Participants(course).find(number="77") == bernd


def test_a_typed_number_with_another_persons_address_is_nobodys(course: Course) -> None:
    typed(course, "bernd@example.org", "500001")
    code, message = problem(course, number="500001", email="anna@university.example")
    assert (code, "nobody has verified" in message) == ("contradiction", True)


def test_a_verified_number_counts_with_an_address_that_nobody_has_here(course: Course, anna: Enrolment) -> None:
    assert Participants(course).find(number="500001", email="anna@university.example") == anna


def test_a_typed_number_of_the_roster_is_its_owners(course: Course) -> None:
    RosterEntry.objects.create(course=course, email="anna@uni.example", name="Anna", matriculation_number="0500001")
    bernd = typed(course, "bernd@example.org", "500001")
    assert problem(course, number="500001") == (
        "contradiction",
        "500001 is that of Anna <anna@uni.example> on the roster, not known to be that of Bernd Żółć.",
    )
    RosterEntry.objects.update(enrolment=bernd)
    assert Participants(course).find(number="500001") == bernd


def test_a_typed_number_that_another_course_verified_is_no_proof_here(course: Course) -> None:
    elsewhere = EnrolmentFactory.create(user__email="anna@example.org")
    verify_number(enrolment=elsewhere, number="500001")
    typed(course, "bernd@example.org", "500001")
    assert problem(course, number="500001") == (
        "contradiction",
        "500001 is verified for somebody else in another course, not for Bernd Żółć.",
    )


def test_who_has_another_number_in_another_course_does_not_get_the_typed_one_here(course: Course) -> None:
    bernd = typed(course, "bernd@example.org", "500001")
    verify_number(enrolment=EnrolmentFactory.create(user=bernd.user), number="700")
    code, message = problem(course, number="500001")
    assert (code, "another course has verified 700" in message) == ("contradiction", True)


def test_each_course_knows_the_number_that_it_verified(course: Course, anna: Enrolment) -> None:
    """One course's roster writes nothing into another."""
    other = EnrolmentFactory.create(user=anna.user)
    verify_number(enrolment=other, number="999")
    anna, other = Enrolment.objects.get(pk=anna.pk), Enrolment.objects.get(pk=other.pk)
    assert (anna.number, other.number, anna.user.matriculation_number) == ("500001", "999", "500001")
    assert Participants(course).find(number="500001", email="anna@example.org") == anna
    assert problem(course, number="999")[0] == "not-here"


def test_addresses_of_a_person_are_those_that_are_proven(course: Course, anna: Enrolment) -> None:
    EmailAddress.objects.create(user=anna.user, email="anna@work.example", verified=True)
    EmailAddress.objects.create(user=anna.user, email="carl@example.org", verified=False)
    RosterEntry.objects.create(course=course, email="a.groesse@uni.example", enrolment=anna)
    people = Participants(course)
    for address in ("anna@example.org", "ANNA@work.example", "a.groesse@UNI.example"):
        assert people.find(email=address) == anna
    assert problem(course, email="carl@example.org") == ("not-here", "Nobody in this course has 'carl@example.org'.")
    carl = EnrolmentFactory.create(course=course, user__email="a.groesse@uni.example")
    assert problem(course, email="a.groesse@uni.example")[0] == "several"
    assert carl.pk


def test_a_name_that_speaks_against_the_number_is_a_problem(course: Course, anna: Enrolment) -> None:
    assert Participants(course).find(number="500001", name="Groesse, Anna Maria") == anna
    assert problem(course, number="500001", name="Łukasz Żółć") == (
        "contradiction",
        "The line names Łukasz Żółć, but number or address are those of Anna Größe.",
    )
    # What the roster calls her is hers as well.
    RosterEntry.objects.create(course=course, email="x@uni.example", name="Łukasz Zolc", enrolment=anna)
    assert Participants(course).find(number="500001", name="Żółć, Łukasz") == anna


def test_a_name_alone_finds_nobody_because_people_choose_theirs(course: Course, anna: Enrolment) -> None:
    assert problem(course, name="Anna Größe")[0] == "names-nobody"
    assert problem(course) == ("names-nobody", "it names nobody: give a matriculation number or an e-mail address.")
    assert problem(course, number="000")[0] == "names-nobody"


def test_who_stands_on_the_roster_but_has_not_joined_is_said_to(course: Course) -> None:
    RosterEntry.objects.create(course=course, email="anna@uni.example", name="Anna", matriculation_number="500001")
    assert problem(course, number="500001") == (
        "not-here",
        "'500001' is Anna on the roster, who has not joined the course.",
    )


@pytest.mark.parametrize("count", [1, 3])
def test_a_file_costs_the_same_queries_however_long_it_is(
    course: Course, count: int, django_assert_num_queries: object
) -> None:
    for number in range(count):
        typed(course, f"s{number}@example.org", f"{number + 1}")
    with django_assert_num_queries(4):  # type: ignore[operator]
        people = Participants(course)
        for number in range(count):
            people.find(number=f"{number + 1}", email=f"s{number}@example.org")
            people.find(number=f"{number + 1}")


@pytest.mark.parametrize(
    ("name", "other", "loosely", "agree"),
    [
        ("Hopper, Grace", "Grace Hopper", False, True),
        ("Grace B. Hopper", "Grace Hopper", False, True),
        ("Grace Brewster Murray Hopper", "hopper grace", False, True),
        ("Müller, Jörg", "Joerg Mueller", False, True),
        ("Müller, Jörg", "Jorg Muller", False, True),
        ("Łukasz Żółć", "Zolc, Lukasz", False, True),
        ("Şahin, Ștefan", "Stefan Sahin", False, True),
        ("Anna Schmidt", "Anna Meyer", False, False),
        ("Anna Schmidt", "Anna Meyer", True, True),
        ("Anna Schmidt", "Bernd Meyer", True, False),
        ("山田太郎", "太郎 山田", False, True),
        ("Taro Yamada", "山田太郎", False, False),
        ("Taro Yamada", "山田太郎", True, True),
        ("X Æ", "X", True, True),
        # Letters were lost: Excel's CSV in Windows-1252, the same on a Mac, and what other programs write for them.
        ("?ukasz ?ó??", "Łukasz Żółć", False, True),
        ("?ukasz ?ó??", "Łukasz Żółć", True, True),
        ("_ó__, _ukasz", "Łukasz Żółć", False, True),
        ("\ufffdukasz \ufffd\ufffd\ufffd\ufffd", "Łukasz Żółć", False, True),
        ("?ukasz ?ó??", "Łukasz Jan Zolc", False, True),
        ("?ukasz ?ó??", "Łukasz Wiśniewski", False, False),
        ("?ukasz ?ó??", "Łukasz Wiśniewski", True, True),
        ("?ukasz ?ó??", "Anna Bond", True, False),
        ("Ay?e ?ahin", "Ayşe Şahin", False, True),
        ("M??ller, J?rg", "Müller, Jörg", False, True),
        ("M?ller, Gro?", "Mueller, Groß", False, True),
        ("Rafa?l M?ller", "Rafaël Möller", False, True),
        ("Nguy?n Th? H??ng", "Nguyễn Thị Hương", False, True),
        ("Nguy?n Th? H??ng", "Nguyen Van Anh", False, False),
        ("A?a Schmidt", "Angelika Schmidt", False, False),
        # Where nothing is left, nothing is said.
        ("????", "山田太郎", False, False),
        ("????", "山田太郎", True, True),
        ("?ó??", "Anna Bond", True, True),
        ("???? Schmidt", "山田 Schmidt", False, True),
    ],
)
def test_names_agree_however_they_are_written(name: str, other: str, loosely: bool, agree: bool) -> None:
    assert names_agree(name, other, loosely=loosely) is agree
    assert names_agree(other, name, loosely=loosely) is agree


@pytest.mark.parametrize(
    ("told", "known", "kept"),
    [
        ("?ukasz ?ó??", "Łukasz Żółć", "Łukasz Żółć"),
        ("?ukasz ?ó??", "Łukasz Jan Żółć", "Łukasz Jan Żółć"),
        ("????", "山田太郎", "山田太郎"),
        ("Łukasz Żółć", "?ukasz ?ó??", "Łukasz Żółć"),
        ("?ukasz Żółć", "?ukasz ?ó??", "?ukasz Żółć"),
        ("Łukasz Żółć", "Lukasz Zolc", "Łukasz Żółć"),
        ("?ukasz ?ó??", "", "?ukasz ?ó??"),
        ("", "Łukasz Żółć", "Łukasz Żółć"),
        # Another name is another name, whatever it lost.
        ("Anna ?ahin", "Anna Schmidt", "Anna ?ahin"),
        ("Anna Meyer", "Anna Schmidt", "Anna Meyer"),
    ],
)
def test_a_name_that_lost_letters_does_not_take_the_place_of_the_same_with_all(
    told: str, known: str, kept: str
) -> None:
    assert fuller_name(told, known) == kept


def test_a_line_whose_name_lost_letters_is_that_of_whom_it_has_the_number_or_address(course: Course) -> None:
    bernd = typed(course, "bernd@example.org", "77", "Łukasz Żółć")
    people = Participants(course)
    assert people.find(number="77", name="?ukasz ?ó??") == bernd
    assert people.find(number="77", email="bernd@example.org", name="\ufffdukasz \ufffdó\ufffd\ufffd") == bernd
    assert people.find(email="bernd@example.org", name="???? ????") == bernd
    assert problem(course, name="?ukasz ?ó??")[0] == "names-nobody"
    # In numbers and addresses it stands for nothing.
    assert problem(course, number="7?", name="Łukasz Żółć")[0] == "not-here"
    assert problem(course, email="b?rnd@example.org", name="Łukasz Żółć")[0] == "not-here"
    # A number that nobody has verified needs a name that says something.
    assert problem(course, number="77", name="???? ????")[0] == "contradiction"


def test_the_database_refuses_two_verified_bearers_of_one_number(course: Course, anna: Enrolment) -> None:
    bernd = typed(course, "bernd@example.org", "0500001")
    with pytest.raises(RuleViolation, match="is verified for another person"):
        verify_number(enrolment=bernd, number="0500001")
    for number in ("500001", "0500 001"):
        with pytest.raises(IntegrityError, match="enrolment_verified_number_unique"), transaction.atomic():
            Enrolment.objects.filter(pk=bernd.pk).update(verified_number=number)
    assert Enrolment.objects.get(pk=bernd.pk).verified_number == ""
    assert User.objects.get(pk=bernd.user_id).is_matriculation_verified is False


@pytest.mark.parametrize(
    ("text", "is_one"), [("0412345", True), ("412 345", True), ("abc", False), ("412-345", False), ("000", False), ("４１", True)]
)  # fmt: skip
def test_a_number_is_digits_unless_the_installation_says_otherwise(text: str, is_one: bool) -> None:
    assert looks_like_a_number(text) is is_one


def test_an_installation_says_what_its_numbers_look_like(settings: object) -> None:
    settings.MATRICULATION_NUMBER_PATTERN = r"[A-Z][0-9]{4}"  # type: ignore[attr-defined]
    assert looks_like_a_number("A 1234")
    assert not looks_like_a_number("1234")
    assert plain_number("A 1234") == plain_number("a1234")
