"""People invited by mail: read as people paste them, shown with who is there already, told five minutes later, once."""

import pytest
from allauth.account.models import EmailAddress
from django.utils import timezone

from amls.core.violations import RuleViolation
from amls.courses.models import Course, Enrolment, RosterEntry
from amls.courses.participation import join_roster_entries
from amls.held.models import HeldAct
from amls.held.services import apply_next, undo
from amls.mail.letters import letter_kinds
from amls.mail.models import Notice
from amls.portal.inviting.people import LETTER, MOST, Invited, put_on_roster, read_people
from tests.agreement import agree_to, do_held
from tests.cast import Cast

ADDRESS = "/amls/staff/invite/"


@pytest.mark.unit
@pytest.mark.parametrize(
    ("text", "people"),
    [
        ("anna@example.org", [Invited("anna@example.org")]),
        ("a@example.org; b@example.org, c@example.org", [Invited(f"{letter}@example.org") for letter in "abc"]),
        ("Łukasz Żółć <L.Zolc@Example.org>", [Invited("l.zolc@example.org", "Łukasz Żółć")]),
        # As Outlook copies recipients.
        (
            "Żółć, Łukasz <l@example.org>; Öz, Şahin <s@example.org>",
            [Invited("l@example.org", "Łukasz Żółć"), Invited("s@example.org", "Şahin Öz")],
        ),
        # As a spreadsheet copies columns, with their heads.
        (
            "Name\tE-Mail\tMatrikel\nGröße, Anna\ta@example.org\t400123\nȘtefan\ts@example.org\t0400124",
            [Invited("a@example.org", "Anna Größe", "400123"), Invited("s@example.org", "Ștefan", "0400124")],
        ),
        ('"山田太郎" <yamada@example.org>,', [Invited("yamada@example.org", "山田太郎")]),
        ("a@example.org\r\nA@example.org\r\n", [Invited("a@example.org")]),
        ("Maeve O'Hara <maeve.o'hara@uni.example>", [Invited("maeve.o'hara@uni.example", "Maeve O'Hara")]),
        # As Outlook copies a recipient without a name, and spreadsheets what is quoted.
        (
            "'Anna@example.org'; 'sean.o'brien@example.org' <sean.o'brien@example.org>",
            [Invited("anna@example.org"), Invited("sean.o'brien@example.org")],
        ),
        ("Gerard 't Hooft 't.hooft@uni.example", [Invited("'t.hooft@uni.example", "Gerard 't Hooft")]),
        ("anna@example.org, (ben@example.org)", [Invited("anna@example.org"), Invited("ben@example.org")]),
        # All that an address may have without quotes, but for what stands for groups and columns.
        (r"a!#$%&'*+-/=?^_`~.z@example.org", [Invited("a!#$%&'*+-/=?^_`~.z@example.org")]),
        ("| Anna | a@example.org | 400123 |", [Invited("a@example.org", "Anna", "400123")]),
    ],
)  # fmt: skip
def test_addresses_are_read_as_people_paste_them(text: str, people: list[Invited]) -> None:
    assert read_people(text) == (people, [])


@pytest.mark.unit
def test_what_is_no_address_is_named(settings: object) -> None:
    people, problems = read_people("anna@example.org\nBen\nx@y")
    assert [person.email for person in people] == ["anna@example.org"]
    assert problems == ["No address: Ben", "'x@y' is not an e-mail address."]


@pytest.mark.unit
@pytest.mark.parametrize(
    "text",
    [
        "x|ben@example.org", "x{ben@example.org", "müller@example.org", "o’hara@example.org", '"x y".ben@example.org',
        r"x\ben@example.org", "x@ben@example.org", "{anna,ben}@example.org", "..ben@example.org",
    ],
)  # fmt: skip
def test_a_part_of_an_address_is_nobodys(text: str) -> None:
    people, problems = read_people(text)
    assert people == []
    assert problems


@pytest.mark.django_db
def test_who_is_there_gets_no_mail_and_everyone_else_is_told_five_minutes_later_once(cast: Cast) -> None:
    client, stranger = cast.client("assistant"), cast.stranger
    for user in (cast.student.user, stranger):
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    text = f"Ștefan Mü <new@example.org>\n{cast.student.user.email}\n{stranger.email}"
    shown = client.post(ADDRESS, {"people": text})
    assert [standing.name for _person, standing in shown.context["people"]] == ["NEW", "ENROLLED", "ACCOUNT"]
    assert not RosterEntry.objects.filter(email="new@example.org").exists()
    assert agree_to(client, ADDRESS, {"people": text}).status_code == 302
    # They are on the roster at once; who has an account joins when the mails leave.
    assert RosterEntry.objects.get(email="new@example.org").name == "Ștefan Mü"
    assert not Enrolment.objects.filter(course=cast.course, user=stranger).exists()
    assert not Notice.objects.filter(kind=LETTER).exists()
    assert do_held().outcome == "2 people are invited."
    assert Enrolment.objects.filter(course=cast.course, user=stranger).exists()
    told = Notice.objects.filter(kind=LETTER)
    assert {notice.recipient.email if notice.recipient else notice.address for notice in told} == {"new@example.org", stranger.email}  # fmt: skip
    letters = {notice.address: letter_kinds[LETTER].writer(notice, timezone.now()) for notice in told}
    new = letters["new@example.org"]
    assert new is not None
    assert "Sign in with this address" in new.text
    # Asked for again on the same day nobody gets a second mail.
    agree_to(client, ADDRESS, {"people": "new@example.org"})
    do_held()
    assert told.count() == 2


def roster_of(cast: Cast) -> set[tuple[str, str]]:
    return set(RosterEntry.objects.filter(course=cast.course).values_list("email", "name"))


@pytest.mark.django_db
def test_invitations_that_are_taken_back_leave_the_roster_as_it_was(cast: Cast) -> None:
    RosterEntry.objects.create(course=cast.course, email="known@example.org", name="Şahin")
    stranger = cast.stranger
    EmailAddress.objects.create(user=stranger, email=stranger.email, verified=True, primary=True)
    before = roster_of(cast)
    text = f"new@example.org\n{stranger.email}\nŞahin Öz <known@example.org>"
    client = cast.client("lecturer")
    agree_to(client, ADDRESS, {"people": text})
    act = HeldAct.objects.get()
    assert len(roster_of(cast) - before) == 3
    # They can be seen on the roster: it says no more than is true.
    said = client.get(ADDRESS).content.decode()
    assert "nobody is told before" in said
    assert "nobody sees anything" not in said
    answer = cast.client("assistant").post(f"/amls/staff/held/{act.pk}/undo/", follow=True)
    assert "taken back. Nobody is told. The roster is as it was." in answer.content.decode()
    assert roster_of(cast) == before
    assert not Enrolment.objects.filter(course=cast.course, user=stranger).exists()
    assert apply_next(act.apply_at) == 0
    assert not Notice.objects.filter(kind=LETTER).exists()


@pytest.mark.django_db
def test_who_is_invited_beside_somebody_who_is_told_already_is_told_too(cast: Cast) -> None:
    client = cast.client("lecturer")
    for people in ("a@example.org, b@example.org", "a@example.org, c@example.org"):
        agree_to(client, ADDRESS, {"people": people})
    assert HeldAct.objects.waiting().count() == 2
    for act in HeldAct.objects.order_by("pk"):
        assert apply_next(act.apply_at) == 1
    told = Notice.objects.filter(kind=LETTER).values_list("address", flat=True)
    assert sorted(told) == ["a@example.org", "b@example.org", "c@example.org"]


@pytest.mark.django_db
def test_who_joined_before_an_invitation_was_taken_back_stays_and_is_named(cast: Cast) -> None:
    agree_to(cast.client("lecturer"), ADDRESS, {"people": "Ștefan <new@example.org>\nother@example.org"})
    join_roster_entries(user=cast.stranger, email="new@example.org")
    act = HeldAct.objects.get()
    assert undo(act=act, now=act.created_at) == "Nobody is told. On the roster stay: Ștefan <new@example.org>."
    assert not RosterEntry.objects.filter(email="other@example.org").exists()


@pytest.mark.django_db
def test_invitations_are_bounded(cast: Cast) -> None:
    many = [Invited(f"p{number}@example.org") for number in range(MOST + 1)]
    with pytest.raises(RuleViolation, match="at most"):
        put_on_roster(course=cast.course, people=many, by=cast.lecturer.user, now=timezone.now())
    assert RosterEntry.objects.filter(course=cast.course, email__startswith="p").count() == 0


@pytest.mark.django_db
def test_nobody_is_told_of_a_draft_that_they_would_not_find(cast: Cast) -> None:
    Course.objects.update(state=Course.State.DRAFT)
    client = cast.client("lecturer")
    shown = client.post(ADDRESS, {"people": "Łukasz <new@example.org>"})
    assert "The course is a draft" in shown.content.decode()
    agree_to(client, ADDRESS, {"people": "Łukasz <new@example.org>"})
    page = client.get(ADDRESS).content.decode()
    assert "1 person is on the roster. Nobody is told yet" in page
    assert (roster_of(cast), HeldAct.objects.count()) == ({("new@example.org", "Łukasz")}, 0)
    # Published, they are invited.
    Course.objects.update(state=Course.State.RUNNING)
    agree_to(client, ADDRESS, {"people": "new@example.org"})
    act = HeldAct.objects.get()
    # Meanwhile it became a draft again.
    Course.objects.update(state=Course.State.DRAFT)
    assert apply_next(act.apply_at) == 1
    act.refresh_from_db()
    assert (act.state, Notice.objects.filter(kind=LETTER).count()) == ("refused", 0)
    assert "would find nothing" in act.outcome


@pytest.mark.django_db
def test_nobody_is_invited_to_an_archived_course(cast: Cast) -> None:
    Course.objects.update(state=Course.State.ARCHIVED)
    answer = agree_to(cast.client("lecturer"), ADDRESS, {"people": "new@example.org"})
    assert answer.status_code == 422
    assert "The course is archived" in answer.content.decode()
    assert not RosterEntry.objects.exists()
