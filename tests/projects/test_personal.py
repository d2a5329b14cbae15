"""My data of projects, complete; an account that goes leaves teammates their work."""

import json
import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps
from django.core.files.storage import FileSystemStorage, default_storage
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from amls.agenda.models import AgendaItem
from amls.agenda.services import reconcile
from amls.core.violations import RuleViolation
from amls.courses.models import Course, Enrolment, User
from amls.mail.audiences import people_in
from amls.mail.letters import letter_kinds
from amls.mail.models import Notice
from amls.privacy.registry import StoredFile, delete_account
from projects.forms.decisions import ExcuseForm
from projects.forms.staff import staff_of
from projects.hooks.privacy import forget_people, tell
from projects.models import (
    Assessment,
    EarlierPass,
    Extension,
    ExtensionRequest,
    Invitation,
    MemberAssessment,
    Membership,
    Project,
    SeekingNote,
    Submission,
    Topic,
)
from projects.receipts import receipt_code
from projects.services.assessing import assign_assessor
from projects.services.extensions import request_extension
from projects.services.handin import hand_in
from projects.services.ideas import decide_idea, propose_idea, take_idea_back
from projects.services.locks import follow_in_feeds
from projects.services.registration import add_member, leave_team
from projects.services.teams import accept_invitation, invite_member, invite_seeker, write_seeking_note
from tests.agreement import agree_to, do_held
from tests.factories import TopicFactory
from tests.projects.conftest import NOW, World
from tests.projects.test_handin import archive, attempt

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(days=1)


def told(user: User) -> dict[str, Any]:
    """Return what is told, as it is written into the archive."""
    contents = dict(tell(user))
    files = {path: content for path, content in contents.items() if isinstance(content, StoredFile)}
    texts = {path: content for path, content in contents.items() if path not in files}
    return json.loads(json.dumps(texts, cls=DjangoJSONEncoder)) | files


def join(world: World, project: Project, enrolment: Enrolment) -> None:
    invitation = invite_member(project=project, email=enrolment.user.email, by=world.student, now=NOW)
    accept_invitation(invitation=invitation, enrolment=enrolment, now=NOW)


@pytest.fixture
def team(world: World) -> Project:
    """Student and other student, who have handed nothing in."""
    project = world.project()
    join(world, project, world.other)
    return project


def confirmed(user: User) -> None:
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)


def test_my_data_hold_my_team_its_hand_ins_and_their_receipts(world: World, team: Project) -> None:
    world.other.user.display_name = "Grace Hopper"
    world.other.user.save()
    first = attempt(world, team, uploads=[archive(), archive("report.zip", b"x")])
    contents = told(world.student.user)
    [membership] = contents["memberships.json"]
    assert (membership["topic"], membership["teammates"], membership["left"]) == (
        "Sparse kernels",
        ["Grace Hopper"],
        None,
    )
    [hand_in] = contents["hand-ins.json"]
    assert (hand_in["attempt"], hand_in["receipt"], hand_in["handed_in_by_me"]) == (1, receipt_code(first.pk), True)
    paths = [file["file"] for file in hand_in["files"]]
    assert paths == [f"hand-ins/amls/{team.pk}/1/project.zip", f"hand-ins/amls/{team.pk}/1/report.zip"]
    assert [file["sha256"] for file in hand_in["files"]] == list(first.files.values_list("sha256", flat=True))
    assert all(default_storage.exists(contents[path].name) for path in paths)
    # A teammate's copy is the same, but says who it was as the page does.
    [theirs] = told(world.other.user)["hand-ins.json"]
    assert (theirs["handed_in_by_me"], theirs["handed_in_by"]) == (False, str(world.student.user))
    assert told(world.cast.stranger)["hand-ins.json"] == []


def test_two_files_of_one_name_are_both_there(world: World, team: Project) -> None:
    attempt(world, team, uploads=[archive(content=b"1"), archive(content=b"2")])
    contents = told(world.student.user)
    paths = [file["file"] for file in contents["hand-ins.json"][0]["files"]]
    assert len({contents[path].name for path in paths}) == len(set(paths)) == 2


def test_what_a_team_did_before_and_after_me_is_not_mine(world: World) -> None:
    project = world.project()
    attempt(world, project, NOW)
    invitation = invite_member(project=project, email="other@example.org", by=world.student, now=NOW)
    accept_invitation(invitation=invitation, enrolment=world.other, now=LATER)
    mine = attempt(world, project, LATER + timedelta(hours=1))
    leave_team(project=project, enrolment=world.other, now=LATER + timedelta(hours=2))
    attempt(world, project, LATER + timedelta(hours=3))
    contents = told(world.other.user)
    assert [hand_in["receipt"] for hand_in in contents["hand-ins.json"]] == [receipt_code(mine.pk)]
    assert "handed_in_by" not in contents["hand-ins.json"][0]
    assert "teammates" not in contents["memberships.json"][0]
    assert str(world.student.user) not in json.dumps([contents["memberships.json"], contents["hand-ins.json"]])
    assert len(told(world.student.user)["hand-ins.json"]) == 3


def test_invitations_are_told_to_who_sent_and_who_confirmed_the_address(world: World) -> None:
    project = world.project()
    invite_member(project=project, email="OTHER@example.org", by=world.student, now=NOW)
    assert [sent["direction"] for sent in told(world.student.user)["invitations.json"]] == ["sent"]
    assert told(world.other.user)["invitations.json"] == []
    # Somebody who only claims the address reads nothing.
    EmailAddress.objects.create(user=world.cast.stranger, email="other@example.org", verified=False)
    assert told(world.cast.stranger)["invitations.json"] == []
    confirmed(world.other.user)
    [received] = told(world.other.user)["invitations.json"]
    assert (received["direction"], received["topic"]) == ("received", "Sparse kernels")


def test_notes_ideas_and_earlier_passes_are_told(world: World) -> None:
    write_seeking_note(
        enrolment=world.student, assignment=world.assignment, topic=world.topic, text="I know CUDA", now=NOW
    )
    propose_idea(enrolment=world.student, assignment=world.assignment, title="Fused joins", description="Fast", now=NOW)
    EarlierPass.objects.create(enrolment=world.student, term="SS2023", extra_points=Decimal("2.5"))
    contents = told(world.student.user)
    assert [note["text"] for note in contents["seeking-note.json"]] == ["I know CUDA"]
    assert [(idea["title"], idea["proposal"]) for idea in contents["ideas.json"]] == [("Fused joins", "open")]
    assert [(earlier["term"], earlier["extra_points"]) for earlier in contents["earlier-passes.json"]] == [
        ("SS2023", "2.5")
    ]
    assert [
        len(told(world.other.user)[name]) for name in ("seeking-note.json", "ideas.json", "earlier-passes.json")
    ] == [0, 0, 0]


def test_only_my_own_reasons_for_more_time_are_told(world: World, team: Project) -> None:
    request_extension(project=team, by=world.student, reason="I was in hospital", wanted_until=None, now=NOW)
    Extension.objects.create(
        course=world.course,
        assignment=world.assignment,
        enrolment=world.student,
        delta=timedelta(days=2),
        reason="Certificate",
        granted_at=NOW,
    )
    Extension.objects.create(
        course=world.course,
        assignment=world.assignment,
        project=team,
        delta=timedelta(days=1),
        reason="S",
        granted_at=NOW,
    )
    Extension.objects.create(
        course=world.course, assignment=world.assignment, delta=timedelta(hours=3), reason="Outage", granted_at=NOW
    )
    mine, theirs = told(world.student.user), told(world.other.user)
    assert [request["reason"] for request in mine["extension-requests.json"]] == ["I was in hospital"]
    assert [extension["for"] for extension in mine["extensions.json"]] == ["me", "my team", "everyone"]
    assert theirs["extension-requests.json"] == []
    assert [extension["for"] for extension in theirs["extensions.json"]] == ["my team", "everyone"]
    assert "ospital" not in json.dumps(theirs["extensions.json"])


def test_a_draft_is_the_staffs_and_what_is_published_is_mine(world: World, team: Project) -> None:
    draft = Assessment.objects.create(
        project=team, outcome="passed", extra_points=Decimal("1.5"), feedback="Well done", assessed_at=NOW
    )
    MemberAssessment.objects.create(
        assessment=draft, enrolment=world.student, extra_points=Decimal(3), reason="Wrote the kernels"
    )
    assert told(world.student.user)["assessments.json"] == []
    Assessment.objects.update(published_at=NOW)
    [mine] = told(world.student.user)["assessments.json"]
    [theirs] = told(world.other.user)["assessments.json"]
    assert (mine["outcome"], mine["extra_points"], mine["decided_for_me"]) == ("passed", "3.0", "Wrote the kernels")
    assert (theirs["extra_points"], theirs["decided_for_me"], theirs["feedback"]) == ("1.5", "", "Well done")


def test_my_data_cost_the_same_for_18_attempts_as_for_3(world: World, team: Project) -> None:
    counts = []
    for batch in (3, 15):
        for _each in range(batch):
            attempt(world, team)
        with CaptureQueriesContext(connection) as queries:
            list(tell(world.student.user))
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_who_goes_leaves_a_team_that_handed_nothing_in(world: World, team: Project) -> None:
    request_extension(project=team, by=world.student, reason="I was in hospital", wanted_until=None, now=NOW)
    reconcile(world.course, now=NOW)
    delete_account(user=world.student.user, now=LATER)
    team.refresh_from_db()
    assert team.is_active
    assert Membership.objects.get(enrolment=world.student).left_at == LATER
    assert [membership.enrolment_id for membership in Membership.objects.active().filter(project=team)] == [
        world.other.pk
    ]
    request = ExtensionRequest.objects.get()
    assert (request.state, request.reason) == ("withdrawn", "")
    assert "ospital" not in str(list(apps.get_model("projects", "ExtensionRequestEvent").objects.values()))
    notice = Notice.objects.get(kind="projects.member-left")
    assert notice.recipient == world.other.user
    assert not Notice.objects.filter(recipient=world.student.user).exists()
    letter = letter_kinds["projects.member-left"].writer(notice, LATER)
    assert letter is not None
    assert "Somebody whose account was deleted" in letter.text
    assert "deleted" not in letter.subject
    assert letter.subject == f"A teammate left your project: {team.title}"


def test_a_team_without_a_topic_is_named_by_its_assignment_and_course(world: World) -> None:
    wished = world.give_by_wish(closes_at=LATER, fewest=1)
    team = Project.objects.create(assignment=wished, registered_at=NOW)
    for person in (world.student, world.other):
        add_member(team, person, now=NOW)
    delete_account(user=world.student.user, now=LATER)
    letter = letter_kinds["projects.member-left"].writer(Notice.objects.get(kind="projects.member-left"), LATER)
    assert letter is not None
    assert letter.subject == f"A teammate left your team: {wished.title} ({world.course})"
    assert "no longer in the team for" in letter.text
    assert str(world.course) in letter.text


def test_a_project_of_the_person_alone_is_withdrawn_and_its_slot_is_free(world: World) -> None:
    project = world.project(topic=world.single)
    # Registration has closed long since: nobody is kept by it.
    delete_account(user=world.student.user, now=NOW + timedelta(days=300))
    project.refresh_from_db()
    world.single.refresh_from_db()
    assert not project.is_active
    assert world.single.taken == 0
    assert not Notice.objects.filter(recipient=world.student.user).exists()


@pytest.mark.parametrize("is_alone", [True, False])
def test_what_was_handed_in_stays_with_the_team(world: World, is_alone: bool) -> None:
    project = world.project()
    if not is_alone:
        join(world, project, world.other)
    kept = attempt(world, project)
    delete_account(user=world.student.user, now=LATER)
    project.refresh_from_db()
    assert project.is_active
    membership = Membership.objects.get(enrolment=world.student)
    assert membership.left_at is None
    assert "student@example.org" not in str(membership)
    assert Submission.objects.get() == kept
    assert all(default_storage.exists(str(file.file.name)) for file in kept.files.all())
    if not is_alone:
        page = world.cast.client("anonymous")
        page.force_login(world.other.user, backend="amls.courses.accounts.AccountBackend")
        answer = page.get("/amls/projects/mine/")
        assert answer.status_code == 200
        assert b"student@example.org" not in answer.content


@pytest.mark.usefixtures("one_factor")
def test_whose_account_was_deleted_shows_no_address_and_takes_no_place(world: World, team: Project) -> None:
    attempt(world, team)
    assert team.team_max == 3
    delete_account(user=world.student.user, now=LATER)
    nameless = User.objects.get(pk=world.student.user_id).email
    client = Client()
    client.force_login(world.other.user, backend="amls.courses.accounts.AccountBackend")
    staff = world.cast.client("lecturer")
    pages = [
        (client, "/amls/projects/mine/"),
        (staff, reverse("admin:projects_project_assess", args=[team.pk])),
        (staff, reverse("portal:gradebook_person", args=["amls", world.student.pk])),
        (staff, reverse("desk_person", args=[world.student.pk])),
    ]
    for reader, address in pages:
        said = reader.get(address).content.decode()
        assert "Deleted account" in said, address
        assert nameless not in said, address
    Topic.objects.filter(projects=team).update(team_min=2)
    assert "1 of at least 2" in staff.get(reverse("admin:projects_project_changelist")).content.decode()
    joiner = world.another()
    confirmed(joiner.user)
    first = invite_member(project=team, email=joiner.user.email, by=world.other, now=LATER)
    accept_invitation(invitation=first, enrolment=joiner, now=LATER)
    invite_member(project=team, email="second@example.org", by=world.other, now=LATER)
    with pytest.raises(RuleViolation) as refused:
        invite_member(project=team, email="third@example.org", by=world.other, now=LATER)
    assert refused.value.code == "team-full"


def test_an_assessed_project_without_hand_ins_is_kept(world: World) -> None:
    project = world.project(topic=world.single)
    Assessment.objects.create(project=project, outcome="failed", assessed_at=NOW)
    delete_account(user=world.student.user, now=LATER)
    project.refresh_from_db()
    assert project.is_active


def test_an_archived_course_stays_as_it_is(world: World, team: Project) -> None:
    Course.objects.update(state="archived")
    before = Notice.objects.exclude(recipient=world.student.user).count()
    delete_account(user=world.student.user, now=LATER)
    assert Membership.objects.active().filter(project=team).count() == 2
    assert Notice.objects.count() == before


def test_open_invitations_notes_and_ideas_end_with_the_account(world: World, team: Project) -> None:
    confirmed(world.student.user)
    theirs = world.project(world.another(), TopicFactory.create(course=world.course, team_max=3))
    leaver = Membership.objects.get(project=theirs).enrolment
    received = invite_member(project=theirs, email="Student@example.org", by=leaver, now=NOW)
    sent = invite_member(project=team, email="new@example.org", by=world.student, now=NOW)
    idea = propose_idea(
        enrolment=world.student, assignment=world.assignment, title="Fused joins", description="Fast", now=NOW
    )
    SeekingNote.objects.create(enrolment=world.student, assignment=world.assignment, text="I know CUDA", written_at=NOW)
    delete_account(user=world.student.user, now=LATER)
    received.refresh_from_db()
    sent.refresh_from_db()
    assert (received.state, sent.state, Topic.objects.filter(pk=idea.pk).exists()) == ("declined", "revoked", False)
    assert (sent.closed_at, sent.email) == (LATER, "new@example.org")
    assert not SeekingNote.objects.exists()
    # Nothing of projects knows the address any more, the history included.
    for model in apps.get_app_config("projects").get_models():
        for row in model._default_manager.values():
            assert "student@example.org" not in str(row).lower(), model


def test_a_claimed_address_closes_nobodys_invitation(world: World) -> None:
    project = world.project()
    invitation = invite_member(project=project, email="other@example.org", by=world.student, now=NOW)
    EmailAddress.objects.create(user=world.cast.stranger, email="other@example.org", verified=False)
    delete_account(user=world.cast.stranger, now=LATER)
    invitation.refresh_from_db()
    assert (invitation.state, invitation.email) == (Invitation.State.OPEN, "other@example.org")


@pytest.mark.usefixtures("one_factor")
@pytest.mark.parametrize("become", ["open", "withdrawn", "declined"])
def test_an_idea_that_was_not_accepted_goes_with_its_author(world: World, become: str) -> None:
    ideas = []
    for author in (world.student, world.other):
        idea = propose_idea(
            enrolment=author, assignment=world.assignment, title=f"Fused joins {author.pk}", description="Fast", now=NOW
        )
        if become == "withdrawn":
            take_idea_back(topic=idea, now=NOW)
        elif become == "declined":
            decide_idea(topic=idea, is_accepted=False, reason="Too much for a term", now=NOW)
        ideas.append(idea)
    delete_account(user=world.student.user, now=LATER)
    rows: Any = apps.get_model("projects", "TopicEvent").objects
    for idea, is_there in zip(ideas, (False, True), strict=True):
        assert Topic.objects.filter(pk=idea.pk).exists() == is_there
        assert rows.filter(pgh_obj_id=idea.pk).exists() == is_there
        desk = world.cast.client("lecturer").get(reverse("admin:projects_topic_changelist")).content.decode()
        assert (idea.title in desk) == is_there


@pytest.mark.usefixtures("one_factor")
def test_decision_on_an_idea_that_went_with_its_author_is_refused_and_says_why(world: World) -> None:
    idea = propose_idea(
        enrolment=world.student, assignment=world.assignment, title="Fused joins", description="Fast", now=NOW
    )
    address = reverse("admin:projects_topic_decide", args=[idea.pk])
    agree_to(world.cast.client("lecturer"), address, {"accept": "1", "answer": ""})
    delete_account(user=world.student.user, now=LATER)
    act = do_held()
    assert (act.state, act.outcome) == ("refused", "This idea is decided already, or was taken back.")


def test_a_decided_idea_that_became_a_project_stays(world: World) -> None:
    idea = propose_idea(
        enrolment=world.student, assignment=world.assignment, title="Fused joins", description="Fast", now=NOW
    )
    project = decide_idea(topic=idea, is_accepted=True, reason="", now=NOW)
    assert project is not None
    attempt(world, project)
    delete_account(user=world.student.user, now=LATER)
    idea.refresh_from_db()
    assert idea.proposal == Topic.Proposal.ACCEPTED


def test_a_teammates_calendar_follows(world: World, team: Project) -> None:
    Extension.objects.create(
        course=world.course,
        assignment=world.assignment,
        enrolment=world.student,
        delta=timedelta(days=2),
        reason="C",
        granted_at=NOW,
    )
    reconcile(world.course, now=NOW)
    follow_in_feeds([world.other], now=NOW)
    mine = AgendaItem.objects.filter(enrolment=world.other, key="projects.submission", is_removed=False)
    assert mine.exists()
    delete_account(user=world.student.user, now=LATER)
    assert not mine.exists()


def test_my_data_say_of_a_seeker_what_the_page_says(world: World) -> None:
    world.other.user.display_name = "Grace Hopper"
    world.other.user.save()
    note = write_seeking_note(
        enrolment=world.other, assignment=world.assignment, topic=None, text="I know Spark", now=NOW
    )
    invite_seeker(project=world.project(), note=note, by=world.student, now=NOW)
    [sent] = told(world.student.user)["invitations.json"]
    assert (sent["direction"], sent["to"]) == ("sent", "Grace Hopper")
    confirmed(world.other.user)
    [received] = told(world.other.user)["invitations.json"]
    assert (received["direction"], received["to"]) == ("received", "other@example.org")


def test_a_file_that_can_not_be_deleted_is_named_and_the_others_go(
    world: World,
    team: Project,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    django_capture_on_commit_callbacks: Any,
) -> None:
    handed = attempt(world, team, uploads=[archive(), archive("report.zip", b"x")])
    stuck, gone = [str(file.file.name) for file in handed.files.order_by("pk")]
    delete = FileSystemStorage.delete

    def fail(storage: FileSystemStorage, name: str) -> None:
        if name == stuck:
            raise OSError("The disk is read-only.")
        delete(storage, name)

    monkeypatch.setattr(FileSystemStorage, "delete", fail)
    with django_capture_on_commit_callbacks(execute=True):
        forget_people([world.course.pk])
    assert (default_storage.exists(stuck), default_storage.exists(gone)) == (True, False)
    assert stuck in caplog.text
    assert gone not in caplog.text


def test_who_is_gone_is_told_nothing_more(world: World, team: Project) -> None:
    delete_account(user=world.staff, now=LATER)
    attempt(world, team)
    delete_account(user=world.student.user, now=LATER)
    now = LATER
    hand_in(project=team, by=world.other, began_at=now, now=now, uploads=[archive()], request_key=uuid.uuid4())
    request_extension(project=team, by=world.other, reason="I was ill", wanted_until=None, now=LATER)
    told = Notice.objects.filter(created_at=LATER).order_by("kind").values_list("kind", "recipient__email")
    assert list(told) == [
        ("projects.extension-asked", "lecturer@example.org"), ("projects.receipt", "other@example.org")
    ]  # fmt: skip


def test_what_an_assessor_who_goes_had_to_decide_is_nobodys_and_the_lecturers_know(world: World, team: Project) -> None:
    decided = world.project(enrolment=world.another(), topic=world.single)
    Assessment.objects.create(project=decided, outcome="passed", assessed_at=NOW)
    assign_assessor(projects=[team, decided], assessor=world.staff)
    delete_account(user=world.staff, now=LATER)
    team.refresh_from_db()
    decided.refresh_from_db()
    assert (team.assessor, decided.assessor) == (None, world.staff)
    [notice] = Notice.objects.filter(kind="projects.assessor-gone")
    assert notice.recipient == world.cast.lecturer.user
    letter = letter_kinds["projects.assessor-gone"].writer(notice, LATER)
    assert letter is not None
    assert "**1 project** without a decision is nobody's now" in letter.text
    assert letter.action is not None
    page = world.cast.client("lecturer").get(letter.action[1]).content.decode()
    assert reverse("admin:projects_project_assess", args=[team.pk]) in page
    assert reverse("admin:projects_project_assess", args=[decided.pk]) not in page
    assign_assessor(projects=[team], assessor=world.cast.lecturer.user)
    assert letter_kinds["projects.assessor-gone"].writer(notice, LATER) is None


@pytest.mark.usefixtures("one_factor")
def test_who_is_gone_is_given_nothing(world: World, team: Project) -> None:
    attempt(world, team)
    for user in (world.staff, world.student.user):
        delete_account(user=user, now=LATER)
    staff = world.cast.client("lecturer")
    assert staff_of([world.course]) == {world.cast.lecturer.user_id: world.cast.lecturer.user}
    page = staff.get(reverse("admin:projects_project_changelist")).content.decode()
    assert f'<option value="{world.staff.pk}"' not in page
    excuse = ExcuseForm(data={"enrolment": world.student.pk}, assignment=world.assignment)
    assert "enrolment" in excuse.errors
    assert {person.user for person in people_in("all", world.course)} == {
        world.other.user, world.cast.lecturer.user
    }  # fmt: skip
