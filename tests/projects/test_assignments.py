"""A course with several assignments: sheets whose teams are made by the first hand-in, and what hangs on them."""

import hashlib
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

import pytest
from allauth.account.models import EmailAddress
from bs4 import BeautifulSoup
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from amls.agenda.models import AgendaItem
from amls.agenda.services import reconcile
from amls.agenda.sources import registry
from amls.core.violations import RuleViolation
from amls.courses.eligibility import Verdict
from amls.courses.models import Enrolment
from amls.courses.participation import leave_course
from amls.mail.letters import letter_kinds
from amls.mail.models import Notice
from amls.mail.still_due import still_due_for
from projects.addresses import address_of, key_of
from projects.deadlines import Deadlines
from projects.hooks.eligibility import judge_projects
from projects.models import Assignment, Invitation, Membership, Project, Submission
from projects.services.assessing import publish_assessments
from projects.services.assignments import delete_assignment, keep_assignment
from projects.services.excuses import end_excuse, excuse
from projects.services.extensions import extend
from projects.services.handin import hand_in
from projects.services.joining import team_for
from projects.services.locks import require_registration_open
from projects.services.points import give_points, team_for_points
from projects.services.registration import leave_team, restore_project, withdraw_project
from projects.services.teams import accept_invitation, invite_member
from projects.services.teamsheets import Given
from projects.tickets import issue_ticket
from projects.works import works_of
from tests.factories import TopicFactory
from tests.markup import shows
from tests.projects.conftest import DEADLINE, NOW, World
from tests.races import at_once

pytestmark = pytest.mark.django_db

WEEK = timedelta(days=7)


def sheet(world: World, number: int, **values: object) -> Assignment:
    told = {
        "kind": "sheet", "topics_given": "", "series": "Sheet", "number": number, "title": f"Sheet {number}",
        "teaming": "kept", "team_max": 2, "grading": "points", "max_points": 20, "due_at": NOW + number * WEEK,
    }  # fmt: skip
    return Assignment.objects.create(course=world.course, **(told | values))


def give(project: Project, by: Enrolment, now: datetime = NOW) -> Submission:
    return hand_in(
        project=project,
        by=by,
        repository_url="https://git.example.org/sheets",
        commit="abcdef1",
        request_key=uuid.uuid4(),
        began_at=now,
        now=now,
    )


def pair(world: World, assignment: Assignment) -> Project:
    project = team_for(enrolment=world.student, assignment=assignment, now=NOW)
    invitation = invite_member(project=project, email=world.other.user.email, by=world.student, now=NOW)
    return accept_invitation(invitation=invitation, enrolment=world.other, now=NOW)


def members(project: Project) -> set[int]:
    return set(project.memberships.filter(left_at__isnull=True).values_list("enrolment", flat=True))


def test_a_person_is_in_one_team_for_each_assignment(world: World) -> None:
    project, first = world.project(), sheet(world, 1)
    team = team_for(enrolment=world.student, assignment=first, now=NOW)
    assert team_for(enrolment=world.student, assignment=first, now=NOW) == team != project
    with pytest.raises(IntegrityError, match="membership_one_active"), transaction.atomic():
        Membership.objects.create(project=team, assignment=first, enrolment=world.student, joined_at=NOW)


def test_the_database_knows_what_belongs_together(world: World) -> None:
    project, first = world.project(), sheet(world, 1)
    team = team_for(enrolment=world.other, assignment=first, now=NOW)
    for wrong in (
        lambda: Project.objects.create(assignment=first, topic=world.topic, registered_at=NOW),
        lambda: Project.objects.filter(pk=project.pk).update(topic=None),
        lambda: Membership.objects.filter(project=team).update(assignment=world.assignment),
        lambda: Assignment.objects.filter(pk=world.assignment.pk).update(topics_given="", kind="sheet", is_main=False),
        lambda: Assignment.objects.filter(pk=first.pk).update(course=world.cast.other_course),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            wrong()


def test_teams_are_kept_from_sheet_to_sheet(world: World) -> None:
    first, second, third = (sheet(world, number) for number in (1, 2, 3))
    give(pair(world, first), world.student)
    team = team_for(enrolment=world.other, assignment=second, now=NOW)
    assert members(team) == {world.student.pk, world.other.pk}
    assert team_for(enrolment=world.student, assignment=second, now=NOW) == team
    # Who left out the second one still works with whom they worked last.
    assert members(team_for(enrolment=world.student, assignment=third, now=NOW)) == {world.student.pk, world.other.pk}


def test_a_team_that_falls_apart_between_two_sheets_goes_on_apart(world: World) -> None:
    first, second, third = (sheet(world, number) for number in (1, 2, 3))
    pair(world, first)
    both = team_for(enrolment=world.student, assignment=second, now=NOW)
    leave_team(project=both, enrolment=world.other, now=NOW)
    alone = team_for(enrolment=world.other, assignment=second, now=NOW)
    assert (members(both), members(alone)) == ({world.student.pk}, {world.other.pk})
    for person in (world.student, world.other):
        assert members(team_for(enrolment=person, assignment=third, now=NOW)) == {person.pk}


def test_who_goes_apart_keeps_what_both_have_got_and_goes_on_alone(world: World) -> None:
    first, second, third = (sheet(world, number) for number in (1, 2, 3))
    team = pair(world, first)
    give(team, world.student)
    give_points(project=team, given={None: Given(Decimal(15), "Gut")}, by=world.staff, now=NOW)
    publish_assessments(projects=[team], now=NOW)
    both = team_for(enrolment=world.student, assignment=second, now=NOW)
    leave_team(project=both, enrolment=world.other, now=NOW)
    people = (world.student, world.other)
    for who, other in (people, people[::-1]):
        client = Client()
        client.force_login(who.user, backend="amls.courses.accounts.AccountBackend")
        assert str(other.user) in client.get(f"/amls/assignments/{first.pk}/").content.decode()
        assert str(other.user) not in client.get(f"/amls/assignments/{second.pk}/").content.decode()
        assert "Gut" in client.get(f"/amls/assignments/{first.pk}/points/").content.decode()
    works = works_of([first, second, third], people, now=NOW)
    assert [works[person.pk][first.pk].points for person in people] == [Decimal(15)] * 2
    # A correction of what they did together still reaches both.
    give_points(project=team, given={None: Given(Decimal(16))}, by=world.staff, now=NOW, reason="Nachgezählt")
    told = Notice.objects.filter(kind="projects.result-changed")
    assert {notice.recipient_id for notice in told} == {person.user_id for person in people}
    for person in people:
        assert members(team_for(enrolment=person, assignment=third, now=NOW)) == {person.pk}


def three_of_four(world: World) -> tuple[Assignment, Enrolment]:
    """Let three people have worked together on a sheet; return the next one, and somebody new to the course."""
    due_at = timezone.now() + WEEK
    first, second = (sheet(world, number, team_max=3, due_at=due_at) for number in (1, 2))
    team, third, new = pair(world, first), world.another(), world.another()
    invitation = invite_member(project=team, email=third.user.email, by=world.student, now=NOW)
    accept_invitation(invitation=invitation, enrolment=third, now=NOW)
    return second, new


def test_what_is_refused_makes_no_team(world: World) -> None:
    second, new = three_of_four(world)
    client, page = world.cast.client("student"), address_of(second)
    refused = [
        client.post(f"{page}invite/", {"email": email})
        for email in (new.user.email, world.student.user.email, "nobody")
    ]
    blank = {"request_key": str(uuid.uuid4())}
    refused += [client.post(f"{page}submit/", blank), client.post(f"{page}submit/", blank | {"repository_url": "x"})]
    refused.append(client.post(f"{page}submit/", blank | {"files": SimpleUploadedFile("a.exe", b"MZ")}))
    assert [answer.status_code for answer in refused] == [422] * 6
    ticket = client.post(f"{page}submit/ticket/", {"files": [[1, "0" * 64]]}, content_type="application/json")
    assert set(ticket.json()) == {"ticket"}
    assert not Project.objects.filter(assignment=second).exists()
    assert Invitation.objects.filter(project__assignment=second).count() == 0


def test_a_ticket_that_was_taken_before_there_is_a_team_proves_the_start(world: World) -> None:
    due_at = timezone.now() - timedelta(minutes=10)
    first, content = (
        sheet(world, 1, due_at=due_at),
        b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
    )
    files = [(len(content), hashlib.sha256(content).hexdigest())]
    began = due_at - timedelta(minutes=5)
    sealed = issue_ticket(assignment=first, by=world.student, files=files, now=began)
    of_another = issue_ticket(assignment=first, by=world.other, files=files, now=began)
    came = [
        hand_in(
            project=first,
            by=world.student,
            uploads=[SimpleUploadedFile("work.ipynb", content)],
            request_key=uuid.uuid4(),
            ticket=ticket,
            began_at=due_at + timedelta(minutes=5),
            now=due_at + timedelta(minutes=6),
        )
        for ticket in (sealed, of_another)
    ]
    assert [row.began_at for row in came] == [began, due_at + timedelta(minutes=5)]
    assert Project.objects.get(assignment=first).submissions.count() == 2


def test_a_sheets_page_says_with_whom_the_first_hand_in_is(world: World) -> None:
    second, new = three_of_four(world)
    rows = Enrolment.objects.filter(course=world.course, role="student").exclude(pk__in=[world.student.pk, new.pk])
    others = ", ".join(str(row.user) for row in rows.order_by("user__sort_name", "user"))
    client, page = world.cast.client("student"), address_of(second)
    for shown in (page, f"{page}submit/"):
        said = f"This hand-in is for your team: you and, as you worked together last, {others}."
        assert shows(client.get(shown).text, said)
    assert shows(client.get(page).text, f"Yours is complete with {others}.")
    assert f'action="{page}invite/"' not in client.get(page).text
    # One of them goes another way, and there is room for somebody.
    invitation = invite_member(project=second, email=world.other.user.email, by=new, now=timezone.now())
    accept_invitation(invitation=invitation, enrolment=world.other, now=timezone.now())
    assert str(world.other.user) not in client.get(page).text
    assert f'action="{page}invite/"' in client.get(page).text
    # Who left the team of this sheet to the others, and who is new, hand in alone.
    team = team_for(enrolment=world.student, assignment=second, now=timezone.now())
    leave_team(project=team, enrolment=world.student, now=timezone.now())
    newcomer = Client()
    newcomer.force_login(world.another().user, backend="amls.courses.accounts.AccountBackend")
    for who in (client, newcomer):
        assert shows(who.get(page).text, "This hand-in is for you alone: you are in no team.")
    assert members(team_for(enrolment=world.student, assignment=second, now=timezone.now())) == {world.student.pk}


@pytest.mark.parametrize("has_team", [False, True])
def test_after_the_deadline_pages_say_that_it_is_over_and_until_when_late_hand_ins_are_kept(
    world: World, has_team: bool
) -> None:
    now = timezone.now()
    first = sheet(world, 1, due_at=now - timedelta(hours=3), late_cutoff_hours=48)
    if has_team:
        team_for(enrolment=world.student, assignment=first, now=now)
    client = world.cast.client("student")
    pages = [address_of(first), f"/{world.course.slug}/assignments/", f"/{world.course.slug}/me/"]

    def said() -> list[tuple[bool, bool]]:
        texts = [
            " ".join(BeautifulSoup(client.get(page).content, "html.parser").get_text(" ").split()) for page in pages
        ]
        until = (now + timedelta(hours=45)).astimezone(world.course.zone)
        ways = (
            "Deadline over Late hand-ins are kept until",
            f"{until:, %H:%M} . They count only if the staff accept them.",
        )
        return [tuple(way in text for way in ways) for text in texts]  # type: ignore[misc]

    assert said() == [(True, True)] * 3
    # Whom more time was given to has it still.
    extend(assignment=first, by=world.staff, reason="x", enrolment=world.student, delta=timedelta(days=2), now=now)
    # Its page says before the deadline what becomes of late ones.
    assert said() == [(False, True), (False, False), (False, False)]


def test_what_a_sheets_team_reads_speaks_of_no_project_and_no_topic(world: World) -> None:
    now = timezone.now()
    first = sheet(world, 1, due_at=now + WEEK)
    team = pair(world, first)
    third, page = world.another(), address_of(first)
    alone = team_for(enrolment=third, assignment=first, now=now)
    EmailAddress.objects.get_or_create(user=world.student.user, email=world.student.user.email, verified=True)
    asked = invite_member(project=alone, email=world.student.user.email, by=third, now=now)
    client, words = world.cast.client("student"), ("project", "topic")

    def main_of(address: str, **sent: str) -> str:
        answer = client.post(address, sent) if sent else client.get(address)
        main = BeautifulSoup(answer.content, "html.parser").select_one("main")
        assert main is not None
        return " ".join(main.get_text(" ").split()).lower()

    read = {
        "page": main_of(page),
        "submit": main_of(f"{page}submit/"),
        "extension": main_of(f"{page}extension/"),
        "invitation": main_of(reverse("projects:invitation", args=[world.course.slug, asked.pk])),
        "too many": main_of(f"{page}invite/", email="somebody@example.org"),
    }
    withdraw_project(project=alone, now=now)
    restore_project(project=alone, now=now)
    withdraw_project(project=alone, now=now)
    for notice in Notice.objects.filter(kind__startswith="projects."):
        letter = letter_kinds[notice.kind].writer(notice, now)
        if letter is not None:
            read[notice.kind] = (
                f"{letter.subject} {letter.text} {letter.reason} {letter.action and letter.action[0]}".lower()
            )
    assert {name: text for name, text in read.items() if any(word in text for word in words)} == {}
    assert "you are in another team for this." in read["invitation"]
    assert members(team) == {world.student.pk, world.other.pk}


def test_nobody_hands_in_before_it_opens_or_what_is_on_paper(world: World) -> None:
    later = sheet(world, 1, opens_at=NOW + timedelta(days=1))
    paper = sheet(world, 2, hand_in="paper")
    with pytest.raises(RuleViolation) as refused:
        team_for(enrolment=world.student, assignment=later, now=NOW)
    assert refused.value.code == "not-open"
    with pytest.raises(RuleViolation) as refused:
        give(team_for(enrolment=world.student, assignment=paper, now=NOW), world.student)
    assert refused.value.code == "not-here"
    with pytest.raises(RuleViolation) as refused:
        team_for(enrolment=world.student, assignment=world.assignment, now=NOW)
    assert refused.value.code == "no-topic"


def test_a_moved_deadline_and_an_extension_concern_one_assignment(world: World) -> None:
    first, second = sheet(world, 1), sheet(world, 2)
    project = world.project()
    extend(assignment=first, by=world.staff, reason="Outage", now=NOW, delta=timedelta(days=2))
    Assignment.objects.filter(pk=second.pk).update(due_at=NOW + 5 * WEEK)
    known = Deadlines.of_each(Assignment.objects.filter(course=world.course))
    assert known[first.pk].for_all == NOW + WEEK + timedelta(days=2)
    assert known[second.pk].for_all == NOW + 5 * WEEK
    assert known[world.assignment.pk].for_team(project.pk, [world.student.pk]) == DEADLINE
    late = team_for(enrolment=world.student, assignment=first, now=NOW)
    assert give(late, world.student, NOW + WEEK + timedelta(days=1)).attempt == 1


def test_each_assignment_is_an_entry_and_the_projects_keeps_its_key(world: World) -> None:
    first, hidden = sheet(world, 1), sheet(world, 2, visible_from=timezone.now() + WEEK)
    reconcile(world.course, now=NOW)
    keys = set(AgendaItem.objects.filter(course=world.course, is_removed=False).values_list("key", flat=True))
    assert {"projects.submission", f"projects.assignment:{first.pk}:due"} <= keys
    assert f"projects.assignment:{hidden.pk}:due" not in keys


def test_dates_and_reminders_follow_each_persons_hand_in(world: World) -> None:
    first, second = sheet(world, 1), sheet(world, 2)
    give(pair(world, first), world.student)
    third = world.another()
    people = [world.student, world.other, third]
    personal = registry.personal_items["projects"](world.course, people)
    done = {pk: {item.key for item in items if item.is_done} for pk, items in personal.items()}
    assert done == {pk: {f"projects.assignment:{first.pk}:due"} for pk in (world.student.pk, world.other.pk)}
    due = still_due_for(world.course, f"projects.assignment:{first.pk}:due", people, now=NOW)
    assert due == {third.pk}
    assert still_due_for(world.course, f"projects.assignment:{second.pk}:due", people, now=NOW) == {
        person.pk for person in people
    }


def queries(act: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as captured:
        act()
    return len(captured)


def test_pages_and_dates_cost_the_same_with_twelve_sheets_as_with_two(world: World) -> None:
    for number in (1, 2):
        give(team_for(enrolment=world.student, assignment=sheet(world, number), now=NOW), world.student)
    client = world.cast.client("student")
    slug = world.course.slug
    pages = [reverse("projects:assignments", args=[slug]), reverse("portal:me", args=[slug]), f"/{slug}/"]

    def cost() -> list[int]:
        return [
            *(queries(partial(client.get, page)) for page in pages),
            queries(lambda: registry.personal_items["projects"](world.course, [world.student])),
            queries(lambda: list(registry.items["projects"](world.course))),
        ]

    cost()
    few = cost()
    for number in range(3, 13):
        give(team_for(enrolment=world.student, assignment=sheet(world, number), now=NOW), world.student)
    cost()
    assert cost() == few


def test_a_student_hands_a_sheet_in_and_reads_it_on_its_page(world: World) -> None:
    now = timezone.now()
    first = sheet(world, 1, due_at=now + WEEK, description="Exercises **1 to 4**.")
    sheet(world, 2, due_at=now + 2 * WEEK, visible_from=now + WEEK)
    client, slug = world.cast.client("student"), world.course.slug
    listed = client.get(f"/{slug}/assignments/").text
    assert "Sheet 1" in listed
    assert "Sheet 2" not in listed
    page = f"/{slug}/assignments/{first.pk}/"
    assert "<strong>1 to 4</strong>" in client.get(page).text
    form = client.get(f"{page}submit/").context["form"]
    sent = {
        "request_key": form["request_key"].value(),
        "repository_url": "https://git.example.org/x",
        "commit": "abcdef1",
    }
    answer = client.post(f"{page}submit/", sent)
    assert answer.status_code == 302
    submission = Submission.objects.get()
    assert submission.project.assignment == first
    assert "Sheet 1" in client.get(answer["Location"]).text
    assert "✓" in client.get(page).text
    assert client.get(f"{page}extension/").status_code == 200


@pytest.mark.parametrize("is_over", [False, True])
def test_a_sheet_on_paper_that_each_does_alone_speaks_of_no_hand_in_and_no_team(world: World, is_over: bool) -> None:
    due_at = timezone.now() + (-WEEK if is_over else WEEK)
    given = sheet(world, 1, hand_in="paper", teaming="alone", team_max=1, due_at=due_at)
    client, address = world.cast.client("student"), address_of(given)

    def shown() -> tuple[str, set[str]]:
        main = BeautifulSoup(client.get(address).content, "html.parser").main
        assert main is not None
        return main.get_text(" "), {str(tag["id"]) for tag in main.select("[id]")}

    for_nobody = {"attempts", "team", "change"}
    assert not shown()[1] & for_nobody
    team = team_for_points(enrolment=world.student, assignment=given, now=NOW)
    give_points(project=team, given={None: Given(Decimal("11.5"))}, by=world.staff, now=NOW)
    drafted = shown()
    publish_assessments(projects=[team], now=NOW)
    published = shown()
    assert "11.5 of 20 points" in published[0]
    for text, ids in (drafted, published):
        assert not ids & for_nobody
        assert "On paper" in text
        for untrue in ("handed in", "Registration", "receipt", "Invite", "contact"):
            assert untrue not in text


def test_what_is_presented_is_nowhere_called_handed_in(world: World) -> None:
    now = timezone.now()
    values = {"kind": "other", "title": "Referat", "hand_in": "presented", "topics_given": "", "teaming": "alone"}
    talk = Assignment.objects.create(course=world.course, position=2, due_at=now + WEEK, **values)
    reconcile(world.course, now=now)
    team_for_points(enrolment=world.other, assignment=talk, now=now)
    extend(assignment=talk, enrolment=world.student, by=world.staff, reason="Krank", now=now, delta=WEEK)
    titles = set(AgendaItem.objects.filter(key=key_of(talk, "due")).values_list("title", flat=True))
    assert titles == {"Referat: to be presented"}
    letter = letter_kinds["projects.extended"].writer(Notice.objects.get(kind="projects.extended"), now)
    assert letter is not None
    assert letter.subject.startswith("Referat: to be presented by ")
    assert "is to be presented by" in letter.text
    alone, in_team = world.cast.client("student"), Client()
    in_team.force_login(world.other.user, backend="amls.courses.accounts.AccountBackend")
    for client in (alone, in_team):
        main = BeautifulSoup(client.get(address_of(talk)).content, "html.parser").main
        assert main is not None
        said = main.get_text(" ", strip=True)
        assert "As a presentation" in said
        assert main.select_one(".kicker").get_text(strip=True) == "Presentation"
        assert "Hand-in" not in said
    main = BeautifulSoup(
        alone.get(reverse("projects:assignments", args=[world.course.slug])).content, "html.parser"
    ).main
    assert main is not None
    assert "As a presentation" in main.get_text(" ")


def test_a_project_that_is_presented_is_never_said_to_be_handed_in_or_not(world: World) -> None:
    Assignment.objects.filter(pk=world.assignment.pk).update(hand_in="presented")
    world.project()
    client = world.cast.client("student")
    for page in ("/amls/", "/amls/me/", "/amls/projects/mine/"):
        main = BeautifulSoup(client.get(page).content, "html.parser").main
        assert main is not None
        # As true before it is held as after it.
        assert "As a presentation" in main.get_text(" "), page
        assert "Nothing was handed in." not in main.get_text(" "), page
        assert not main.select('a[href$="/submit/"]'), page
    finding = judge_projects(world.course, [world.student], DEADLINE + WEEK)[world.student.pk]
    assert (finding.verdict, finding.text) == (Verdict.PENDING, "Project registered, not assessed yet")


def test_a_team_of_a_sheet_is_told_until_when_teams_changed_and_of_no_registration(world: World) -> None:
    team = pair(world, sheet(world, 1, hand_in="paper", due_at=NOW + WEEK))
    with pytest.raises(RuleViolation, match="Teams could be changed until Mon 13 May, 12:00"):
        leave_team(project=team, enrolment=world.other, now=NOW + 2 * WEEK)
    later = sheet(world, 2, opens_at=NOW + WEEK)
    with pytest.raises(RuleViolation, match="It opens Mon 13 May, 12:00"):
        require_registration_open(later, now=NOW)


def test_who_is_no_student_sees_the_list_and_no_page_of_anybodys(world: World) -> None:
    first = sheet(world, 1, visible_from=timezone.now() + WEEK)
    slug = world.course.slug
    assert "Sheet 1" in world.cast.client("assistant").get(f"/{slug}/assignments/").text
    assert world.cast.client("assistant").get(f"/{slug}/assignments/{first.pk}/").status_code == 200
    assert world.cast.client("student").get(f"/{slug}/assignments/{first.pk}/").status_code == 404
    assert world.cast.client("stranger").get(f"/{slug}/assignments/{first.pk}/").status_code == 404


def test_who_is_excused_missed_nothing(world: World) -> None:
    first, second = (sheet(world, number, due_at=timezone.now() - WEEK * 3) for number in (1, 2))
    excuse(enrolment=world.student, assignment=first, by=world.staff, now=NOW)
    page = BeautifulSoup(world.cast.client("student").get(f"/{world.course.slug}/assignments/").content, "html.parser")
    said = {row.select_one("b").text: [chip.text for chip in row.select(".chip")] for row in page.select("ol > li")}
    assert (said["Sheet 1"], said[second.title]) == (["Excused"], ["Not handed in"])


def test_who_is_excused_is_told_so_where_one_hands_in(world: World) -> None:
    piece = sheet(world, 1, due_at=timezone.now() + WEEK)
    excuse(enrolment=world.student, assignment=piece, by=world.staff, now=NOW, reason="Größe Prüfung in Łódź")
    address = f"/{world.course.slug}/assignments/{piece.pk}/submit/"
    assert "Reason: Größe Prüfung in Łódź" in world.cast.client("student").get(address).text
    end_excuse(enrolment=world.student, assignment=piece, now=NOW)
    assert "Excused" not in world.cast.client("student").get(address).text


def test_a_course_with_one_assignment_has_no_list_of_one(world: World) -> None:
    client, slug = world.cast.client("student"), world.course.slug
    for page in (f"/{slug}/", f"/{slug}/projects/", f"/{slug}/me/"):
        assert f"/{slug}/assignments/" not in client.get(page).text


def test_an_assignment_with_teams_stays(world: World) -> None:
    first = sheet(world, 1)
    team_for(enrolment=world.student, assignment=first, now=NOW)
    with pytest.raises(RuleViolation) as refused:
        delete_assignment(first, now=NOW)
    assert refused.value.code == "has-teams"
    second = Assignment(course=world.course, kind="sheet", title="Sheet 1", due_at=NOW + WEEK)
    with pytest.raises(RuleViolation):
        keep_assignment(second, now=NOW)


@pytest.mark.django_db(transaction=True)
def test_two_members_who_hand_in_at_once_make_one_team(world: World) -> None:
    first, second = sheet(world, 1), sheet(world, 2)
    pair(world, first)

    def start(person: Enrolment) -> int:
        return give(team_for(enrolment=person, assignment=second, now=NOW), person).project_id

    projects = at_once([partial(start, person) for person in (world.student, world.other) * 2])
    assert len(set(projects)) == 1
    assert Project.objects.filter(assignment=second).count() == 1
    assert members(Project.objects.get(assignment=second)) == {world.student.pk, world.other.pk}
    assert Submission.objects.filter(project__assignment=second).count() == 4


def test_who_handed_no_sheet_in_may_leave_the_course(world: World) -> None:
    first = sheet(world, 1)
    team_for(enrolment=world.student, assignment=first, now=NOW)
    leave_course(enrolment=world.student)
    assert not Project.objects.filter(assignment=first).exists()
    give(team_for(enrolment=world.other, assignment=first, now=NOW), world.other)
    with pytest.raises(RuleViolation):
        leave_course(enrolment=world.other)


def test_a_second_project_has_topics_and_teams_of_its_own(world: World) -> None:
    now = timezone.now()
    Assignment.objects.filter(pk=world.assignment.pk).update(due_at=now + WEEK)
    second = Assignment.objects.create(course=world.course, title="Second project", due_at=now + 2 * WEEK)
    topic = TopicFactory.create(course=world.course, assignment=second, title="Fused joins")
    client, slug = world.cast.client("student"), world.course.slug
    assert "Fused joins" not in client.get(f"/{slug}/projects/").text
    assert "Fused joins" in client.get(f"/{slug}/projects/?assignment={second.pk}").text
    seeking = {"topic": topic.pk, "text": "I know CUDA"}
    assert client.post(f"/{slug}/projects/seek/", seeking).status_code == 302
    assert world.student.seeking_notes.get().assignment == second
    assert client.post(f"/{slug}/projects/register/", {"topic": topic.pk, "emails": ""}).status_code == 302
    assert Project.objects.get().assignment == second
    assert "Fused joins" in client.get(f"/{slug}/assignments/{second.pk}/").text
    assert client.get(f"/{slug}/projects/topics/{topic.pk}/").status_code == 200
    assert client.get(f"/{slug}/projects/topics/{world.single.pk}/").status_code == 200
    withdraw_project(project=Project.objects.get(), now=timezone.now())
    letter = letter_kinds["projects.withdrawn"].writer(Notice.objects.get(kind="projects.withdrawn"), now)
    assert letter is not None
    assert letter.action == ("See the topics", f"/{slug}/projects/?assignment={second.pk}")
