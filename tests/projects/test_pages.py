"""The students' pages: what they take, what they refuse, and what they hide from others."""

import html
import io
import json
import uuid
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from allauth.account.models import EmailAddress
from bs4 import BeautifulSoup
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from amls.courses.models import Course, User
from amls.mail.letters import letter_kinds
from amls.mail.models import Notice
from projects.models import (
    Assessment,
    Assignment,
    ExtensionRequest,
    Invitation,
    Membership,
    Project,
    SeekingNote,
    Submission,
    Topic,
)
from projects.receipts import receipt_code
from projects.services.assessing import enter_earlier_pass
from projects.services.assignments import keep_assignment
from projects.services.extensions import extend
from projects.services.handin import hand_in
from projects.services.ideas import decide_idea, propose_idea, take_idea_back
from projects.services.registration import add_member, leave_team, register_project
from projects.services.teams import accept_invitation, invite_member, revoke_invitation, write_seeking_note
from projects.teamrows import members_of
from tests.factories import TopicFactory
from tests.markup import shows
from tests.projects.conftest import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def soon(world: World) -> World:
    """The same world with the deadline in nine days by the real clock."""
    world.assignment.due_at = timezone.now() + timedelta(days=9)
    world.assignment.save()
    for user in (world.student.user, world.other.user):
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return world


def test_who_has_no_project_reads_until_when_to_register(soon: World) -> None:
    closes = timezone.localtime(soon.assignment.due_at, soon.course.zone)
    for path in ("/amls/", "/amls/me/"):
        tile = BeautifulSoup(sign_in(soon.student.user).get(path).text, "html.parser").select_one(
            "[aria-labelledby=project-tile]"
        )
        assert tile is not None
        said = " ".join(tile.text.split())
        assert "Registration is open until" in said
        assert f"{closes.day} {closes:%b}" in said, said


def sign_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="amls.courses.accounts.AccountBackend")
    return client


@pytest.fixture
def student(soon: World) -> Client:
    return sign_in(soon.student.user)


@pytest.fixture
def other(soon: World) -> Client:
    return sign_in(soon.other.user)


def make_project(world: World, topic: Topic | None = None) -> Project:
    return register_project(enrolment=world.student, topic=topic or world.topic, now=timezone.now())


def hand(world: World, project: Project) -> Submission:
    upload = SimpleUploadedFile("work.ipynb", b'{"nbformat": 4}')
    now = timezone.now()
    return hand_in(project=project, by=world.student, uploads=[upload], request_key=uuid.uuid4(), began_at=now, now=now)


def notebook(name: str = "work.ipynb") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, b'{"nbformat": 4}')


def shown_topics(client: Client, query: str = "") -> list[str]:
    """Return the titles of the topics that a reader sees; the others are there, and hidden."""
    page = BeautifulSoup(client.get(f"/amls/projects/{query}").content, "html.parser")
    return [card.h3.get_text(strip=True) for card in page.select(".topics > li:not([hidden])")]


def test_topics_are_filtered_by_several_things_at_a_time_and_show_what_is_left(soon: World, student: Client) -> None:
    Topic.objects.filter(pk=soon.topic.pk).update(
        skills=["CUDA"], description="# About\n\nStore *sparse* blocks, e.g. of Müller. Then measure.", track="Kernels"
    )
    Topic.objects.filter(pk=soon.single.pk).update(skills=["I/O"], track="Storage")
    page = student.get("/amls/projects/").content.decode()
    assert "2 of 2 slots left" in page
    # One sentence stands on a card.
    assert "Store sparse blocks, e.g. of Müller.</p>" in page
    both = shown_topics(student)
    assert both == ["Sparse kernels", "Compressed I/O"]
    assert shown_topics(student, "?track=Kernels") == ["Sparse kernels"]
    assert shown_topics(student, "?track=Kernels&track=Storage") == both
    assert shown_topics(student, "?skill=CUDA") == ["Sparse kernels"]
    assert shown_topics(student, "?skill=CUDA&skill=I/O") == both
    assert shown_topics(student, "?skill=CUDA&track=Storage") == []
    assert shown_topics(student, "?q=mueller+KERNELS") == ["Sparse kernels"]
    make_project(soon, soon.single)
    assert shown_topics(student, "?free=on") == ["Sparse kernels"]
    answer = student.get("/amls/projects/?track=Kernels&free=on")
    # A count says what would be seen with a choice, as the other filters stand.
    assert [(choice.value, choice.count) for choice in answer.context["track_choices"]] == [
        ("Kernels", 1),
        ("Storage", 0),
    ]
    assert shown_topics(student, "?track=Nothing") == []
    assert shows(student.get("/amls/projects/?track=Nothing").content.decode(), "No topic fits this filter.")


def test_the_last_slot_of_a_topic_says_so(soon: World, student: Client) -> None:
    make_project(soon)
    assert "Last slot" in student.get("/amls/projects/").content.decode()


def test_registering_with_teammates(soon: World, student: Client) -> None:
    answer = student.post(
        "/amls/projects/register/", {"topic": soon.topic.pk, "emails": "a@example.org, b@example.org\n"}
    )
    assert (answer.status_code, answer.headers["Location"]) == (302, "/amls/projects/mine/")
    assert sorted(Invitation.objects.values_list("email", flat=True)) == ["a@example.org", "b@example.org"]
    # Pressed again it is the same.
    again = student.post("/amls/projects/register/", {"topic": soon.topic.pk, "emails": "A@example.org"})
    assert (again.status_code, Project.objects.count(), Invitation.objects.count()) == (302, 1, 2)


def test_a_refused_registration_keeps_what_was_typed(soon: World, student: Client) -> None:
    answer = student.post("/amls/projects/register/", {"topic": soon.topic.pk, "emails": "one@example.org nonsense"})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "&#x27;nonsense&#x27; is not an e-mail address." in page
    assert "one@example.org nonsense" in page
    assert Project.objects.count() == 0


@pytest.mark.parametrize("value", ["", "x", "0", "999999", "9" * 40])
def test_a_topic_that_is_none_is_a_404(student: Client, value: str) -> None:
    assert student.post("/amls/projects/register/", {"topic": value}).status_code == 404


def test_somebody_elses_idea_is_not_to_be_seen(soon: World, student: Client, other: Client) -> None:
    other.post("/amls/projects/propose/", {"title": "Secret", "description": "x", "team_max": "1"})
    idea = Topic.objects.get(title="Secret")
    assert other.get(f"/amls/projects/topics/{idea.pk}/").status_code == 200
    assert student.get(f"/amls/projects/topics/{idea.pk}/").status_code == 404
    assert student.post("/amls/projects/register/", {"topic": idea.pk}).status_code == 404
    assert student.post(f"/amls/projects/propose/{idea.pk}/take-back/").status_code == 404
    assert "Secret" not in student.get("/amls/projects/").content.decode()
    assert other.post(f"/amls/projects/propose/{idea.pk}/take-back/").status_code == 302


def test_the_page_of_an_idea_says_what_became_of_it(soon: World, student: Client) -> None:
    def proposed(title: str) -> Topic:
        now = timezone.now()
        return propose_idea(
            enrolment=soon.student, assignment=soon.assignment, title=title, description="Fast", team_max=2, now=now
        )

    def said(idea: Topic) -> str:
        return " ".join(student.get(f"/amls/projects/topics/{idea.pk}/").content.decode().split())

    declined = proposed("Fused joins")
    waits = said(declined)
    assert "The staff decide on it" in waits
    assert "Leave a note" in waits
    decide_idea(topic=declined, is_accepted=False, reason="Too **large** for a term", now=timezone.now())
    withdrawn = proposed("Smaller joins")
    take_idea_back(topic=withdrawn, now=timezone.now())
    dropped = [said(declined), said(withdrawn)]
    assert "Too <strong>large</strong> for a term" in dropped[0]
    assert "This idea was taken back." in dropped[1]
    for page in dropped:
        assert ">Propose another idea</a>" in page
        for wrong in ("Register this project", "Every slot is taken", "slots left", "Leave a note"):
            assert wrong not in page
    # Nothing is proposed any more: no way leads there.
    soon.assignment.takes_own_ideas = False
    soon.assignment.save()
    assert "Propose another idea" not in said(declined)


def test_the_form_for_an_idea_says_what_it_becomes_once_accepted(soon: World, student: Client) -> None:
    address = "/amls/projects/propose/"

    def said() -> str:
        return " ".join(html.unescape(student.get(address).content.decode()).split())

    assert "Accepted, it becomes your project at once." in said()
    assert 'name="team_max" value="1"' in said()
    project = make_project(soon)
    Membership.objects.create(
        project=project, assignment=soon.assignment, enrolment=soon.other, joined_at=timezone.now()
    )
    assert f"which keeps “{project.title}” until one of you switches it to the idea." in said()
    assert "becomes your project at once" not in said()
    assert 'name="team_max" value="2"' in said()
    Assignment.objects.filter(pk=soon.assignment.pk).update(topics_given="by-wish")
    Project.objects.filter(pk=project.pk).update(topic=None)
    assert "Accepted, it is one more topic that you can rank among your team's wishes." in said()


def test_an_accepted_idea_is_linked_and_offers_no_switch_that_is_refused(soon: World, student: Client) -> None:
    project = make_project(soon)
    Membership.objects.create(
        project=project, assignment=soon.assignment, enrolment=soon.other, joined_at=timezone.now()
    )
    now = timezone.now()
    for size, is_offered in ((1, False), (2, True)):
        idea = propose_idea(
            enrolment=soon.student,
            assignment=soon.assignment,
            title=f"For {size}",
            description="x",
            team_max=size,
            now=now,
        )
        decide_idea(topic=idea, is_accepted=True, reason="", now=now)
        address = f"/amls/projects/topics/{idea.pk}/"
        assert f'<a href="{address}">For {size}</a>' in student.get("/amls/projects/propose/").content.decode()
        page = student.get(address).content.decode()
        assert ("Switch my team to this topic" in page) is is_offered
        assert ("Your team is too large for this topic, which takes at most 1." in page) is not is_offered


def test_an_idea_is_refused_before_it_is_written(soon: World, student: Client) -> None:
    def form() -> tuple[bool, str]:
        page = html.unescape(student.get("/amls/projects/propose/").content.decode())
        return '<textarea name="description"' in page, page

    assert form()[0]
    idea = propose_idea(
        enrolment=soon.student, assignment=soon.assignment, title="First", description="x", now=timezone.now()
    )
    is_shown, page = form()
    assert not is_shown
    assert "Take it back before you propose another one." in page
    # Who began before loses nothing that they wrote.
    sent = {"title": "Second", "description": "All my words", "team_max": "1"}
    assert "All my words" in student.post("/amls/projects/propose/", sent).content.decode()
    take_idea_back(topic=idea, now=timezone.now())
    assert form()[0]
    soon.assignment.takes_own_ideas = False
    soon.assignment.save()
    is_shown, page = form()
    assert not is_shown
    assert "No own ideas are taken here." in page


def test_any_project_takes_own_ideas_where_it_is_said_to(soon: World, student: Client) -> None:
    second = Assignment.objects.create(
        course=soon.course, kind="project", title="Second project", position=2, topics_given="first-come",
        due_at=timezone.now() + timedelta(days=9), takes_own_ideas=True,
    )  # fmt: skip
    address = f"/amls/assignments/{second.pk}/propose/"
    for page in (f"/amls/projects/?assignment={second.pk}", f"/amls/assignments/{second.pk}/"):
        assert f'href="{address}"' in student.get(page).content.decode()
    sent = {"title": "Fused joins", "description": "Fast", "team_max": "1"}
    assert student.post(address, sent).headers["Location"] == address
    idea = Topic.objects.get(title="Fused joins")
    assert idea.assignment == second
    assert f'<a href="{address}">Fused joins</a>' in student.get(f"/amls/assignments/{second.pk}/").content.decode()
    # It waits there alone: the course's own project takes another one.
    assert "Fused joins" not in student.get("/amls/projects/mine/").content.decode()
    assert '<textarea name="description"' in student.get("/amls/projects/propose/").content.decode()
    assert student.post(f"/amls/projects/propose/{idea.pk}/take-back/").headers["Location"] == address


def test_the_pages_of_a_second_project_say_which_one_they_are(soon: World, student: Client) -> None:
    second = Assignment.objects.create(
        course=soon.course, kind="project", title="Seminar talk", position=2, topics_given="first-come",
        hand_in="presented", due_at=datetime(timezone.now().year + 1, 3, 4, 12, tzinfo=UTC),
    )  # fmt: skip
    TopicFactory.create(course=soon.course, assignment=second, title="Vector databases")
    enter_earlier_pass(enrolment=soon.student, term="SS2023", by=soon.staff)

    def said(address: str) -> str:
        page = BeautifulSoup(student.get(address).content, "html.parser")
        assert page.title is not None
        assert "Seminar talk" in page.title.get_text(), address
        return " ".join(page.get_text(" ").split())

    mine, topics = said(f"/amls/assignments/{second.pk}/"), said(f"/amls/projects/?assignment={second.pk}")
    for page in (mine, topics):
        assert "Presented on" in page
        assert "Hand in by" not in page
    assert "You have no topic here yet." in mine
    # What was passed in an earlier term is the course's own project.
    assert "SS2023" not in mine
    own = " ".join(BeautifulSoup(student.get("/amls/projects/").content, "html.parser").get_text(" ").split())
    assert "Hand in by" in own


def test_the_track_of_own_ideas_is_said_in_the_language_of_the_reader(soon: World, student: Client) -> None:
    idea = propose_idea(
        enrolment=soon.student, assignment=soon.assignment, title="Fused joins", description="x", now=timezone.now()
    )
    student.post("/language/", {"language": "de"}, headers={"sec-fetch-site": "same-origin"})
    pages = [f"/amls/projects/topics/{idea.pk}/", "/amls/projects/"]
    said = [student.get(page).content.decode() for page in pages]
    assert ["Eigene Idee" in page for page in said] == [True, True]
    assert ">Eigene Idee</h2>" in said[1]
    # The stored one is what is filtered by.
    assert 'name="track" value="Own idea"' in said[1]
    assert "Own idea" not in said[0]


def test_a_note_on_the_topics_of_a_second_project_is_for_that_one(soon: World, student: Client) -> None:
    second = Assignment.objects.create(
        course=soon.course, kind="project", title="Seminar talk", position=2, topics_given="first-come",
        due_at=timezone.now() + timedelta(days=9),
    )  # fmt: skip
    page = f"/amls/projects/?assignment={second.pk}"

    def send(path: str, **typed: str) -> str:
        """Send the page's form to look for teammates as it stands, with what is typed; return where it leads."""
        forms = BeautifulSoup(student.get(path).content, "html.parser").select('form[action="/amls/projects/seek/"]')
        hidden = {field["name"]: field["value"] for field in forms[-1].select("input[name=assignment]")}
        return student.post("/amls/projects/seek/", hidden | typed).headers["Location"]

    assert send(page, text="Who knows CUDA?") == page
    assert SeekingNote.objects.get().assignment == second
    assert "Who knows CUDA?" not in student.get("/amls/projects/").content.decode()
    assert send(f"/amls/assignments/{second.pk}/", remove="") == page
    assert not SeekingNote.objects.exists()


def test_topics_that_are_given_by_wish_have_the_way_to_propose_one(soon: World, student: Client) -> None:
    soon.give_by_wish(closes_at=timezone.now() + timedelta(days=2), fewest=1)
    assert 'href="/amls/projects/propose/"' in student.get("/amls/projects/").content.decode()


def test_an_own_idea_that_waits_is_said_where_ones_project_stands(soon: World, student: Client, other: Client) -> None:
    idea = propose_idea(
        enrolment=soon.student, assignment=soon.assignment, title="Fused joins", description="Fast", now=timezone.now()
    )
    pages = ["/amls/projects/mine/", "/amls/me/", "/amls/"]
    link = f'<a href="/amls/projects/propose/">{idea.title}</a>'
    assert [link in student.get(page).content.decode() for page in pages] == [True] * 3
    assert [idea.title in other.get(page).content.decode() for page in pages] == [False] * 3
    take_idea_back(topic=idea, now=timezone.now())
    assert [link in student.get(page).content.decode() for page in pages] == [False] * 3


def test_handing_in_and_the_receipt(soon: World, student: Client) -> None:
    make_project(soon)
    page = student.get("/amls/projects/mine/submit/").content.decode()
    assert "This will be attempt 1, on time, " in page
    answer = student.post(
        "/amls/projects/mine/submit/", {"request_key": uuid.uuid4(), "files": [notebook(), notebook("b.ipynb")]}
    )
    submission = Submission.objects.get()
    path = f"/receipts/{receipt_code(submission.pk)}/"
    assert (answer.status_code, answer.headers["Location"]) == (302, path)
    mine = student.get(path).content.decode()
    assert "Received in time." in mine
    assert "work.ipynb" in mine
    assert soon.student.user.display_name in mine
    public = Client().get(path).content.decode()
    for file in submission.files.all():
        assert file.sha256 in public
    for hidden in ("work.ipynb", soon.student.user.display_name, "Sparse kernels"):
        assert hidden not in public
    assert Client().get(path[:-3] + "/").status_code == 404


def test_in_the_last_minute_a_registration_and_a_hand_in_ask_little_of_the_database(
    soon: World, student: Client
) -> None:
    with CaptureQueriesContext(connection) as registering:
        assert student.post("/amls/projects/register/", {"topic": soon.topic.pk, "emails": ""}).status_code == 302
    with CaptureQueriesContext(connection) as handing_in:
        sent = {"request_key": uuid.uuid4(), "files": [notebook()]}
        assert student.post("/amls/projects/mine/submit/", sent).status_code == 302
    assert (len(registering), len(handing_in)) == (25, 34)
    # One transaction each, for all steps: here, within that of the test.
    for queries in (registering, handing_in):
        assert sum("RELEASE SAVEPOINT" in query["sql"] for query in queries) == 1


def test_what_is_wrong_with_a_hand_in_is_said_and_nothing_is_kept(soon: World, student: Client) -> None:
    make_project(soon)
    bad = SimpleUploadedFile("work.ipynb", b"{")
    answer = student.post("/amls/projects/mine/submit/", {"request_key": uuid.uuid4(), "files": [bad], "comment": "Hi"})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "is not a Jupyter notebook" in page
    assert ">\nHi</textarea>" in page
    assert Submission.objects.count() == 0
    assert student.post("/amls/projects/mine/submit/", {"request_key": "x"}).status_code == 422


def test_who_sent_no_file_is_not_asked_to_choose_one_again(soon: World, student: Client) -> None:
    make_project(soon)
    typed = {"request_key": uuid.uuid4(), "repository_url": "https://git.example.org/a", "commit": "no"}
    asked = "Browsers forget chosen files"
    for sent, is_asked in (({}, False), ({"files": [SimpleUploadedFile("empty.ipynb", b"")]}, True)):
        answer = student.post("/amls/projects/mine/submit/", {**typed, **sent})
        assert answer.status_code == 422
        said = answer.content.decode()
        assert "Nothing was handed in." in said
        assert (asked in said) == is_asked


def test_other_teams_files_attempts_and_requests_are_404(soon: World, student: Client, other: Client) -> None:
    project = make_project(soon)
    submission = hand(soon, project)
    file = submission.files.get()
    path = f"/amls/projects/files/{file.pk}/work.ipynb"
    assert student.get(path).status_code == 200
    assert student.get(path).headers["Content-Disposition"].startswith("attachment")
    assert other.get(path).status_code == 404
    # The same file by another course's address.
    assert student.get(path.replace("/amls/", "/databases/")).status_code == 404
    student.post("/amls/projects/mine/extension/", {"reason": "Flu"})
    wish = ExtensionRequest.objects.get()
    register_project(enrolment=soon.other, topic=soon.single, now=timezone.now())
    assert other.post(f"/amls/projects/mine/extension/{wish.pk}/take-back/").status_code == 404
    assert other.post("/amls/projects/mine/pick/", {"attempt": "1"}).status_code == 404
    invitation = invite_member(project=project, email="x@example.org", by=soon.student, now=timezone.now())
    assert other.post(f"/amls/projects/mine/invitations/{invitation.pk}/revoke/").status_code == 404
    for client, status in ((other, 404), (student, 302)):
        assert client.post(f"/amls/projects/mine/invitations/{invitation.pk}/revoke/").status_code == status


def test_an_invitation_is_for_its_address_alone(soon: World, student: Client, other: Client) -> None:
    project = make_project(soon)
    invitation = invite_member(project=project, email="Other@example.org", by=soon.student, now=timezone.now())
    path = f"/amls/projects/invitations/{invitation.pk}/"
    for answer in (student.get(path), student.post(path, {"accept": ""})):
        page = " ".join(answer.content.decode().split())
        assert answer.status_code == 404
        # Said so that its owner knows it again, and nobody else.
        assert "It went to o•••@e•••.org, and you are signed in as student@example.org." in page
        assert "other@" not in page.lower()
        assert f'value="/accounts/login/?next={quote(path, safe="")}"' in page
        assert "Ask the team" in page or "ask the team to invite student@example.org" in page
    page = other.get(path).content.decode()
    assert "invites you to a team" in page
    assert other.post(path, {"accept": ""}).status_code == 302
    assert Membership.objects.active().filter(project=project).count() == 2
    EmailAddress.objects.filter(user=soon.other.user).update(verified=False)
    assert other.get(path).status_code == 404


def test_who_follows_a_link_in_another_account_gets_in_with_the_right_one(soon: World) -> None:
    soon.other.user.set_password("right-horse-battery")
    soon.other.user.save()
    project = make_project(soon)
    invitation = invite_member(project=project, email="other@example.org", by=soon.student, now=timezone.now())
    path = f"/amls/projects/invitations/{invitation.pk}/"
    client = sign_in(soon.student.user)
    out = client.post("/accounts/logout/", {"next": f"/accounts/login/?{urlencode({'next': path})}"})
    answer = client.post(out.headers["Location"], {"login": "other@example.org", "password": "right-horse-battery"})
    assert answer.headers["Location"] == path
    assert client.get(path).status_code == 200
    # One that can't be answered any more is nobody's business, and neither is a page of somebody else's.
    revoke_invitation(invitation=invitation, now=timezone.now())
    for gone in (path, "/amls/projects/mine/", "/exports/999/"):
        page = sign_in(soon.cast.stranger).get(gone)
        assert page.status_code == 404
        assert "You are signed in as stranger@example.org" in page.content.decode()
        assert "@e•••" not in page.content.decode()


def test_an_invitation_stands_first_wherever_the_invited_look(soon: World, student: Client, other: Client) -> None:
    project = make_project(soon)
    invitation = invite_member(project=project, email="other@example.org", by=soon.student, now=timezone.now())
    link = f'href="/amls/projects/invitations/{invitation.pk}/"'
    pages = {
        "/?all": 'class="heroes"', "/amls/": 'class="now"', "/amls/me/": 'class="grid"', "/amls/projects/": 'class="tiles', "/amls/projects/mine/": 'class="lead"',
    }  # fmt: skip
    for address, after in pages.items():
        page = other.get(address).content.decode()
        assert 0 < page.find(link) < (page.find(after) if after in page else len(page)), address
        assert link not in student.get(address).content.decode()
        assert link not in Client().get(address, follow=True).content.decode()
    # Who is in another team is told too: accepting may be a switch.
    register_project(enrolment=soon.other, topic=soon.single, now=timezone.now())
    assert link in other.get("/amls/projects/mine/").content.decode()
    other.post(f"/amls/projects/invitations/{invitation.pk}/", {"decline": ""})
    assert all(link not in other.get(address).content.decode() for address in pages)


def test_the_page_of_all_courses_says_of_which_an_invitation_is_and_takes_the_answer(
    soon: World, other: Client
) -> None:
    project = make_project(soon)
    invite_member(project=project, email="other@example.org", by=soon.student, now=timezone.now())
    page = BeautifulSoup(other.get("/?all").content, "html.parser")
    (tile,) = page.select("section.invitation")
    assert str(soon.course.title) in tile.get_text(" ", strip=True)
    (form,) = tile.select("form")
    token = form.select_one("input[name=csrfmiddlewaretoken]")
    assert token is not None
    assert token["value"]
    assert [button["name"] for button in form.select("button")] == ["accept", "decline"]
    other.post(str(form["action"]), {"accept": ""})
    assert soon.other.pk in project.memberships.values_list("enrolment", flat=True)
    assert not BeautifulSoup(other.get("/?all").content, "html.parser").select("section.invitation")


def test_a_team_reads_why_it_can_invite_nobody(soon: World, student: Client) -> None:
    project, field = make_project(soon), 'name="email"'
    page = student.get("/amls/projects/mine/").content.decode()
    assert field in page
    assert "To invite somebody else" not in page
    for number in range(soon.topic.team_max - 1):
        invite_member(project=project, email=f"lukasz{number}@example.org", by=soon.student, now=timezone.now())
    page = student.get("/amls/projects/mine/").content.decode()
    assert field not in page
    assert shows(page, "A team has 3 places here, and yours are taken or kept for whom you invited.")
    assert shows(page, "To invite somebody else, take an open invitation back first.")
    Invitation.objects.all().delete()
    for _each in range(soon.topic.team_max - 1):
        add_member(project, soon.another(), now=timezone.now())
    page = student.get("/amls/projects/mine/").content.decode()
    assert field not in page
    assert shows(page, "Your team is complete: all its 3 places are taken.")


def test_pages_without_anything_on_them_say_what_to_do(soon: World, student: Client) -> None:
    Topic.objects.all().delete()
    staff = soon.cast.client("assistant")
    assert shows(student.get("/amls/projects/").content.decode(), "Nothing is to be done until then.")
    page = staff.get("/amls/projects/").content.decode()
    assert f'href="/admin/projects/topic/add/?of={soon.course.pk}"' in page
    Assignment.objects.all().delete()
    said = "What is to be handed in will stand here, with its deadline, as soon as the staff add it."
    assert shows(student.get("/amls/assignments/").content.decode(), said)
    page = staff.get("/amls/assignments/").content.decode()
    assert f'href="/admin/projects/assignment/add/?of={soon.course.pk}"' in page


def test_an_invitation_says_where_nobody_can_accept_it_any_more(soon: World, student: Client, other: Client) -> None:
    project = make_project(soon)
    invitation = invite_member(project=project, email="other@example.org", by=soon.student, now=timezone.now())
    path, over = f"/amls/projects/invitations/{invitation.pk}/", "nobody can accept this invitation any more. Ask"
    notice = Notice.objects.get(kind="projects.invited")
    assert letter_kinds["projects.invited"].writer(notice, timezone.now()) is not None
    assert not shows(other.get(path).content.decode(), over)
    # The deadline, and with it the registration, is moved to what is over.
    row = Assignment.objects.get(pk=soon.assignment.pk)
    row.due_at = timezone.now() - timedelta(hours=2)
    keep_assignment(row, now=timezone.now())
    for address in (path, "/amls/", "/amls/projects/mine/"):
        page = BeautifulSoup(other.get(address).content, "html.parser")
        assert shows(str(page), over), address
        assert not page.select("button[name=accept]"), address
        assert len(page.select("button[name=decline]")) == 1, address
    mine = student.get("/amls/projects/mine/").content.decode()
    assert shows(mine, over)
    assert f"/amls/projects/mine/invitations/{invitation.pk}/revoke/" in mine
    # One that waited in the outbox until then is not sent.
    assert letter_kinds["projects.invited"].writer(notice, timezone.now()) is None
    assert other.post(path, {"decline": ""}).status_code == 302
    assert Invitation.objects.get().state == "declined"


def test_an_invitation_to_a_team_whose_result_is_published_can_not_be_accepted(soon: World, other: Client) -> None:
    project = make_project(soon)
    invitation = invite_member(project=project, email="other@example.org", by=soon.student, now=timezone.now())
    Assessment.objects.create(
        project=project, outcome="passed", assessed_at=timezone.now(), published_at=timezone.now()
    )
    page = other.get(f"/amls/projects/invitations/{invitation.pk}/").content.decode()
    assert shows(page, "The result of this team is published: nobody can join it any more. Ask")
    assert 'name="accept"' not in page


def test_who_is_not_enrolled_is_led_to_enrol_and_back(soon: World) -> None:
    stranger = soon.cast.stranger
    EmailAddress.objects.create(user=stranger, email=stranger.email, verified=True, primary=True)
    Course.objects.filter(pk=soon.course.pk).update(enrolment_policy="open")
    project = make_project(soon)
    invitation = invite_member(project=project, email=stranger.email, by=soon.student, now=timezone.now())
    path, client = f"/amls/projects/invitations/{invitation.pk}/", sign_in(stranger)
    assert f"/amls/enrol/?next={path}" in client.get(path).content.decode()
    answer = client.post("/amls/enrol/", {"next": path})
    assert answer.headers["Location"] == path
    assert client.post(path, {"accept": ""}).headers["Location"] == "/amls/projects/mine/"
    evil = client.get("/amls/enrol/?next=https://evil.example.org/")
    assert evil.headers["Location"] == "/amls/me/"


def test_notes_and_inviting_who_wrote_one(soon: World, student: Client, other: Client) -> None:
    other.post("/amls/projects/seek/", {"topic": soon.topic.pk, "text": "I know Spark"})
    assert "I know Spark" in student.get(f"/amls/projects/topics/{soon.topic.pk}/").content.decode()
    assert "I know Spark" not in Client().get(f"/amls/projects/topics/{soon.topic.pk}/").content.decode()
    note = SeekingNote.objects.get()
    assert student.post("/amls/projects/seek/", {"invite": note.pk}).status_code == 404  # no team yet
    make_project(soon)
    page = student.get(f"/amls/projects/topics/{soon.topic.pk}/").content.decode()
    assert "other@example.org" not in page
    student.post("/amls/projects/seek/", {"topic": soon.topic.pk, "invite": note.pk})
    assert Invitation.objects.get().email == "other@example.org"
    other.post("/amls/projects/seek/", {"remove": ""})
    assert SeekingNote.objects.count() == 0


def test_notes_stand_on_the_page_of_all_topics_for_enrolled_people(soon: World, student: Client, other: Client) -> None:
    answer = other.post("/amls/projects/seek/", {"text": "Any topic with CUDA"})
    assert answer.headers["Location"] == "/amls/projects/"
    assert "Any topic with CUDA" in student.get("/amls/projects/").content.decode()
    for part in ("anonymous", "stranger", "foreign lecturer"):
        assert "Any topic" not in soon.cast.client(part).get("/amls/projects/").content.decode()
    make_project(soon)
    page = student.get("/amls/projects/").content.decode()
    assert f"Invite {soon.other.user}" in page
    student.post("/amls/projects/seek/", {"invite": SeekingNote.objects.get().pk})
    assert Invitation.objects.get().email == "other@example.org"


def test_the_tile_of_an_invitation_leads_who_is_in_a_team_to_the_page_that_has_the_way(
    soon: World, student: Client, other: Client
) -> None:
    invitation = invite_member(
        project=make_project(soon), email="other@example.org", by=soon.student, now=timezone.now()
    )
    path = f"/amls/projects/invitations/{invitation.pk}/"

    def ways() -> tuple[int, int]:
        tile = BeautifulSoup(other.get("/amls/me/").content, "html.parser").select_one(".invitation")
        assert tile is not None
        return len(tile.select("button[name=accept]")), len(tile.select(f'a.btn[href="{path}"]'))

    assert ways() == (1, 0)
    register_project(enrolment=soon.other, topic=soon.single, now=timezone.now())
    assert ways() == (0, 1)
    refused = other.post(path, {"accept": ""})
    assert refused.status_code == 422
    assert shows(refused.content.decode(), "You have a project already. Leave it or switch its topic first.")


def test_an_invitation_is_open_as_long_as_it_says_everywhere(soon: World, student: Client, other: Client) -> None:
    closes = (timezone.now() + timedelta(days=2)).replace(second=0, microsecond=0)
    Assignment.objects.filter(pk=soon.assignment.pk).update(due_at=closes)
    project = make_project(soon)
    invitation = invite_member(project=project, email="other@example.org", by=soon.student, now=timezone.now())
    assert (invitation.open_until, invitation.expires_at) == (closes, closes + timedelta(minutes=1))
    said = f"{closes.astimezone(soon.course.zone):%H:%M}"
    for client, page in (
        (other, f"/amls/projects/invitations/{invitation.pk}/"), (other, "/amls/me/"), (student, "/amls/projects/mine/")
    ):  # fmt: skip
        text = BeautifulSoup(client.get(page).content, "html.parser").get_text(" ")
        after = text.lower().split("open until" if "invited, open until" not in text else "invited, open until")[1]
        assert said in after[:60], (page, after[:60])
    notice = Notice.objects.get(kind="projects.invited")
    letter = letter_kinds[notice.kind].writer(notice, timezone.now())
    assert letter is not None
    assert said in letter.text.split("open until")[1]


def test_who_has_no_project_is_not_asked_to_take_one_once_it_is_over(soon: World, student: Client) -> None:
    Assignment.objects.filter(pk=soon.assignment.pk).update(registration_closes_at=timezone.now() - timedelta(days=1))
    words = ("Choose a topic", "Take a topic alone")
    for state, button in (("running", "See the topics"), ("archived", "")):
        Course.objects.filter(pk=soon.course.pk).update(state=state)
        tile = BeautifulSoup(student.get("/amls/me/").content, "html.parser").select_one(
            '[aria-labelledby="project-tile"]'
        )
        assert tile is not None
        assert [word in tile.text for word in words] == [False, False]
        assert [link.text for link in tile.select("a.btn")] == ([button] if button else [])
        assert "Choose a topic" not in student.get("/amls/projects/mine/").content.decode()


def test_an_invitation_is_accepted_out_of_another_team(soon: World, student: Client, other: Client) -> None:
    register_project(enrolment=soon.other, topic=soon.single, now=timezone.now())
    invitation = invite_member(
        project=make_project(soon), email="other@example.org", by=soon.student, now=timezone.now()
    )
    path = f"/amls/projects/invitations/{invitation.pk}/"
    page = other.get(path).content.decode()
    assert "what you handed in there no longer counts" in page
    assert 'name="accept"' not in page
    # As sent by a page that was shown while others were in the team, who would have kept it.
    old = other.post(path, {"switch": ""})
    assert (old.status_code, "nobody else is left in it" in old.content.decode()) == (422, True)
    button = BeautifulSoup(old.content, "html.parser").select_one("button[name=switch]")
    assert button is not None
    assert other.post(path, {"switch": button["value"]}).headers["Location"] == "/amls/projects/mine/"
    assert Membership.objects.active().get(enrolment=soon.other).project == invitation.project
    assert "be answered any more (Accepted)" in other.get(path).content.decode()


def test_what_the_team_picked_is_said_before_the_next_attempt(soon: World, student: Client) -> None:
    project = make_project(soon)
    hand(soon, project)
    hand(soon, project)
    assert "The newest attempt counts unless" in student.get("/amls/projects/mine/submit/").content.decode()
    student.post("/amls/projects/mine/pick/", {"attempt": "1"})
    assert (
        "Your team picked attempt 1: it goes on counting" in student.get("/amls/projects/mine/submit/").content.decode()
    )
    assert "Let attempt 2 count" in student.get("/amls/projects/mine/").content.decode()
    # After the deadline the choice is over, and no button promises it.
    soon.assignment.due_at = timezone.now() - timedelta(hours=1)
    soon.assignment.save()
    Submission.objects.update(began_at=timezone.now() - timedelta(hours=2))
    page = student.get("/amls/projects/mine/").content.decode()
    assert "Attempt 1 counts, as your team picked it." in page
    assert "Let attempt 2 count" not in page


def test_who_passed_earlier_is_not_sent_for_a_topic(soon: World, student: Client, other: Client) -> None:
    enter_earlier_pass(enrolment=soon.student, term="SS2023", by=soon.staff)
    for path in ("/amls/me/", "/amls/projects/mine/"):
        assert "Project passed in SS2023" in student.get(path).content.decode(), path
        assert "Project passed in" not in other.get(path).content.decode(), path


def test_what_came_late_is_told_on_ones_course_page(soon: World, student: Client) -> None:
    hand(soon, make_project(soon))
    soon.assignment.due_at = timezone.now() - timedelta(hours=1)
    soon.assignment.save()
    assert "Your late hand-in is kept." in student.get("/amls/me/").content.decode()
    soon.assignment.due_at = timezone.now() - timedelta(days=9)
    soon.assignment.save()
    page = student.get("/amls/me/").content.decode()
    assert "Your late hand-in is kept." in page
    assert "/projects/mine/submit/" not in page
    Submission.objects.update(withdrawn_at=timezone.now())
    assert "Nothing was handed in." in student.get("/amls/me/").content.decode()


def test_inviting_from_the_projects_page_says_what_is_wrong(soon: World, student: Client) -> None:
    make_project(soon)
    answer = student.post("/amls/projects/mine/invite/", {"email": "nonsense"})
    assert answer.status_code == 422
    assert "is not an e-mail address" in answer.content.decode()
    assert student.post("/amls/projects/mine/invite/", {"email": "a@example.org"}).status_code == 302


def test_a_person_without_a_team_reads_their_invitations(soon: World, other: Client) -> None:
    project = make_project(soon)
    invite_member(project=project, email="other@example.org", by=soon.student, now=timezone.now())
    write_seeking_note(
        enrolment=soon.other, assignment=soon.assignment, topic=None, text="Any topic", now=timezone.now()
    )
    page = other.get("/amls/projects/mine/").content.decode()
    assert "Any topic" in page
    assert f"{soon.student.user} invites you to “Sparse kernels”." in page


def test_switch_leave_and_give_up(soon: World, student: Client) -> None:
    project = make_project(soon)
    student.post("/amls/projects/mine/switch/", {"topic": soon.single.pk})
    project.refresh_from_db()
    assert project.topic == soon.single
    for bad in ("x", "", "999999"):
        assert student.post("/amls/projects/mine/switch/", {"topic": bad}).status_code == 404
    student.post("/amls/projects/mine/dissolve/")
    project.refresh_from_db()
    assert not project.is_active
    assert student.post("/amls/projects/mine/leave/").status_code == 404


def test_who_meant_to_leave_a_team_to_others_who_left_it_first_gives_nothing_up(
    soon: World, student: Client, other: Client
) -> None:
    project, now = make_project(soon), timezone.now()
    invitation = invite_member(project=project, email="other@example.org", by=soon.student, now=now)
    accept_invitation(invitation=invitation, enrolment=soon.other, now=now)
    hand(soon, project)
    assert "The others keep everything that was handed in" in student.get("/amls/projects/mine/").content.decode()
    other.post("/amls/projects/mine/leave/")
    page = student.post("/amls/projects/mine/leave/", follow=True).content.decode()
    assert ("nobody else is left in it" in page, "You left the team." in page) == (True, False)
    project.refresh_from_db()
    assert (project.is_active, members_of(project)) == (True, [soon.student])
    assert '/mine/leave/"' not in page
    assert '/mine/dissolve/"' in page


def test_an_extension_is_shown_wherever_the_deadline_is(soon: World, student: Client) -> None:
    make_project(soon)
    now = timezone.now()
    extend(
        assignment=soon.assignment, by=soon.staff, reason="x", enrolment=soon.student, delta=timedelta(days=2), now=now
    )
    deadline = soon.assignment.due_at
    assert deadline is not None
    later = (deadline + timedelta(days=2)).astimezone(soon.course.zone)
    from amls.agenda.services import reconcile

    reconcile(soon.course, now=now)
    for path in ("/amls/", "/amls/me/", "/amls/projects/mine/", "/amls/projects/mine/submit/", "/amls/schedule/"):
        assert later.isoformat(timespec="minutes") in student.get(path).content.decode(), path


def test_an_extension_for_all_has_a_banner(soon: World, student: Client) -> None:
    extend(assignment=soon.assignment, by=soon.staff, reason="Outage", delta=timedelta(days=1), now=timezone.now())
    for client in (student, Client()):
        assert "The submission deadline was extended for everyone" in client.get("/amls/").content.decode()
    assert "Outage" not in student.get("/amls/").content.decode()


def test_a_ticket_names_files_by_their_hashes(soon: World, student: Client) -> None:
    make_project(soon)

    def ask(body: Any) -> Any:
        return student.post("/amls/projects/mine/submit/ticket/", json.dumps(body), content_type="application/json")

    assert "ticket" in ask({"files": [[3, "a" * 64]]}).json()
    hashed = "a" * 64
    wrong: list[Any] = [{}, [], {"files": [[3]]}, {"files": [[3, "xyz"]]}, {"files": [[-1, hashed]]}]
    for bad in [*wrong, {"files": [[1, hashed]] * 101}]:
        assert ask(bad).status_code == 400


def test_names_with_markup_are_shown_as_text(soon: World, student: Client, other: Client) -> None:
    User.objects.filter(pk=soon.other.user_id).update(display_name="<script>alert(1)</script>")
    other.post("/amls/projects/seek/", {"topic": soon.topic.pk, "text": "<img src=x onerror=alert(1)>"})
    page = student.get(f"/amls/projects/topics/{soon.topic.pk}/").content.decode()
    assert "<script>alert" not in page
    assert "<img src=x" not in page


def test_an_archive_with_its_own_name_comes_back_under_it(soon: World, student: Client) -> None:
    make_project(soon)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr("a.txt", "x")
    upload = SimpleUploadedFile("Übung \u202efdp.zip", buffer.getvalue())
    student.post("/amls/projects/mine/submit/", {"request_key": uuid.uuid4(), "files": [upload]})
    file = Submission.objects.get().files.get()
    assert file.filename == "Übung fdp.zip"
    got = student.get(f"/amls/projects/files/{file.pk}/x")
    assert b"".join(got.streaming_content) == buffer.getvalue()  # type: ignore[attr-defined]


def test_staff_see_topics_and_no_project_of_their_own(soon: World) -> None:
    client = sign_in(soon.staff)
    assert client.get("/amls/projects/").status_code == 200
    assert client.get("/amls/projects/mine/submit/").status_code == 404
    assert client.post("/amls/projects/register/", {"topic": soon.topic.pk}).status_code == 422


@pytest.mark.parametrize(
    "body", ['{"files": [[1e400, "a"]]}', '{"files": ' + "[" * 100_000, '{"files": [[-1, "a"]]}', "[1]"]
)
def test_a_ticket_for_nonsense_is_refused(soon: World, student: Client, body: str) -> None:
    make_project(soon)
    answer = student.post("/amls/projects/mine/submit/ticket/", body, content_type="application/json")
    assert answer.status_code == 400


@pytest.mark.parametrize("typed", ["0001-01-01T00:00", "9999-12-31T23:59", "soon", "1" * 10_000])
def test_more_time_until_an_impossible_date_is_refused_at_its_field(soon: World, student: Client, typed: str) -> None:
    make_project(soon)
    answer = student.post("/amls/projects/mine/extension/", {"reason": "Ill.", "wanted_until": typed})
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["wanted_until"]


def test_more_time_is_read_by_the_clock_on_the_wall(soon: World, student: Client) -> None:
    make_project(soon)
    address = "/amls/projects/mine/extension/"
    skipped = student.post(address, {"reason": "Ill.", "wanted_until": "2034-03-26T02:30"})
    assert "the clocks go forward over it" in skipped.context["form"].errors["wanted_until"][0]
    assert student.post(address, {"reason": "Ill.", "wanted_until": "2034-10-29T02:30"}).status_code == 302
    # The first of the two.
    assert ExtensionRequest.objects.get().wanted_until == datetime(2034, 10, 29, 0, 30, tzinfo=UTC)


def test_who_has_left_every_team_finds_their_earlier_receipts(soon: World, student: Client, other: Client) -> None:
    project, now = make_project(soon), timezone.now()
    invitation = invite_member(project=project, email="other@example.org", by=soon.student, now=now)
    accept_invitation(invitation=invitation, enrolment=soon.other, now=now)
    row = hand_in(
        project=project, by=soon.student, repository_url="https://git.example.org/x", commit="abcdef1",
        request_key=uuid.uuid4(), began_at=timezone.now(), now=timezone.now(),
    )  # fmt: skip
    assert not shows(other.get("/amls/projects/mine/").content.decode(), "What you handed in before")
    leave_team(project=project, enrolment=soon.other, now=timezone.now())
    page = other.get("/amls/projects/mine/").content.decode()
    assert shows(page, "What you handed in before")
    assert receipt_code(row.pk) in page
    # Nobody else has it, and neither has who came to no team.
    newcomer = Client()
    newcomer.force_login(soon.another().user, backend="amls.courses.accounts.AccountBackend")
    assert receipt_code(row.pk) not in newcomer.get("/amls/projects/mine/").content.decode()
