"""Every address of projects with what is somebody else's, read and written by everyone whose it is not."""

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib import admin
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import Model
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from amls.courses.models import Enrolment, StaffMember
from projects.models import (
    Allocation,
    Assessment,
    Assignment,
    EarlierPass,
    Extension,
    ExtensionRequest,
    Handout,
    Invitation,
    Membership,
    MentorLimit,
    Project,
    SeekingNote,
    StaffNote,
    Submission,
    SubmissionFile,
    Topic,
    TopicPlacement,
)
from projects.receipts import receipt_code
from projects.services.assessing import assess, enter_earlier_pass, note_for_staff
from projects.services.extensions import extend, request_extension
from projects.services.handin import hand_in
from projects.services.handouts import add_handout
from projects.services.ideas import propose_idea
from projects.services.registration import register_project
from projects.services.teams import invite_member, write_seeking_note
from projects.urls import urlpatterns
from tests.projects.conftest import World

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_factor")]

ADMINS = {
    model: registered for model, registered in admin.site._registry.items() if model._meta.app_label == "projects"
}
KEPT: list[type[Model]] = [
    Assessment, EarlierPass, Extension, ExtensionRequest, Invitation, Membership, Project, Assignment, SeekingNote, StaffNote,
    Submission, SubmissionFile, Topic, Allocation, MentorLimit, TopicPlacement, Handout,
]  # fmt: skip
OUTSIDERS = ("anonymous", "stranger", "classmate", "rival", "foreign lecturer")
SECRETS = ("Secret idea", "secret.ipynb", "invited@example.org", "student@example.org", "Only for staff")


@pytest.fixture
def taken(world: World) -> dict[type[Model], Model]:
    """Make a team with one of everything, a rival's team, and return the first one's rows by their model."""
    now, mine = timezone.now(), world.student
    world.assignment.due_at = now + timedelta(days=9)
    world.assignment.save()
    idea = propose_idea(
        enrolment=mine, assignment=world.assignment, title="Secret idea", description="x", team_max=2, now=now
    )
    project = register_project(enrolment=mine, topic=world.topic, now=now)
    invitation = invite_member(project=project, email="invited@example.org", by=mine, now=now)
    upload = SimpleUploadedFile("secret.ipynb", b'{"nbformat": 4}')
    submission = hand_in(project=project, by=mine, uploads=[upload], request_key=uuid.uuid4(), began_at=now, now=now)
    wish = request_extension(project=project, by=mine, reason="Only for staff", wanted_until=None, now=now)
    given = extend(
        assignment=world.assignment,
        by=world.staff,
        projects=[project],
        reason="Only for staff",
        delta=timedelta(days=1),
        now=now,
    )
    assess(project=project, outcome="passed", extra_points=0, feedback="Only for staff", by=world.staff, now=now)
    note_for_staff(project=project, text="Only for staff", by=world.staff, now=now)
    passed = enter_earlier_pass(enrolment=mine, term="SS2023", note="Only for staff", by=world.staff)
    seeker = write_seeking_note(enrolment=world.other, assignment=world.assignment, topic=None, text="Looking", now=now)
    register_project(enrolment=world.another(), topic=world.single, now=now)
    mentor = StaffMember.objects.create(course=world.course, role="assistant", name="Mentor")
    settled: list[Model] = [
        Allocation.objects.create(assignment=world.assignment, number=1, seed="s", inputs={}, asked_at=now),
        MentorLimit.objects.create(assignment=world.assignment, mentor=mentor, most=2),
        TopicPlacement.objects.create(project=project, topic=world.single, kind="excluded", decided_at=now),
    ]
    # Nobody but the staff sees it yet.
    sheet = add_handout(
        assignment=world.assignment,
        upload=SimpleUploadedFile("secret.txt", b"Only for staff"),
        visible_from=now + timedelta(days=1),
        by=world.staff,
        now=now,
    )
    rows: list[Model] = [
        sheet, idea, project, invitation, submission, submission.files.get(), wish, given[0], passed, seeker, world.assignment, *settled,
    ]  # fmt: skip
    return {type(row): row for row in rows}


def outsider(world: World, part: str) -> Client:
    """Return the browser of somebody whose all this is not."""
    if part not in ("classmate", "rival"):
        return world.cast.client(part)
    enrolment = world.other if part == "classmate" else Enrolment.objects.get(memberships__project__topic=world.single)
    EmailAddress.objects.get_or_create(user=enrolment.user, email=enrolment.user.email, verified=True)
    client = Client()
    client.force_login(enrolment.user, backend="amls.courses.accounts.AccountBackend")
    return client


# What an address's number means, by the address's name; a new address with a number must be named here.
OBJECTS: dict[str, type[Model]] = {
    "topic": Topic,
    "take_back": Topic,
    "invitation": Invitation,
    "revoke": Invitation,
    "extension_take_back": ExtensionRequest,
    "assignment_revoke": Invitation,
    "tasks": Assignment,
    "excuses": Assignment,
    "questions": Assignment,
    "points": Assignment,
    "points_import": Assignment,
    "handouts": Assignment,
    "handout": Handout,
    "assignment_extension_take_back": ExtensionRequest,
    "file": SubmissionFile,
    "wishes_for": Assignment,
    "wishes_team": Assignment,
    "wishes_match": Assignment,
    "allocation_file": Assignment,
}


def own_addresses(world: World, taken: dict[type[Model], Any]) -> Iterator[tuple[str, str]]:
    """Yield each address of the students' pages, with somebody else's rows in it."""
    for pattern in urlpatterns:
        names = set(pattern.pattern.converters)
        values: dict[str, Any] = {"slug": world.course.slug}
        if "pk" in names:
            values["pk"] = taken[OBJECTS[str(pattern.name)]].pk
        values |= {"filename": "x.ipynb", "code": receipt_code(taken[Submission].pk)}
        values["assignment"] = taken[Assignment].pk
        yield (
            str(pattern.name),
            reverse(
                f"projects:{pattern.name}", kwargs={name: value for name, value in values.items() if name in names}
            ),
        )


def desk_addresses(taken: dict[type[Model], Any]) -> Iterator[str]:
    """Yield each address of the desk that is about one row."""
    for model, registered in ADMINS.items():
        for pattern in registered.get_urls():
            if "object_id" in pattern.pattern.converters and pattern.name:
                file = {"file": taken[SubmissionFile].pk} if "file" in pattern.pattern.converters else {}
                yield reverse(f"admin:{pattern.name}", kwargs={"object_id": taken[model].pk, **file})


def tempting(taken: dict[type[Model], Any]) -> dict[str, Any]:
    """Return whatever a form of any of these pages may send, all of it at once."""
    idea, project = taken[Topic].pk, taken[Project].pk
    return {
        "topic": idea, "attempt": "1", "invite": taken[SeekingNote].pk, "email": "evil@example.org", "emails": "evil@example.org",
        "accept": "", "decline": "", "grant": "1", "answer": "No", "days": "3", "reason": "Evil", "title": "Evil", "team_max": "1",
        "description": "Evil", "request_key": str(uuid.uuid4()), "repository_url": "https://evil.example.org/", "commit": "4f2a91c",
        "save": "1", "outcome": "failed", "extra_points": "0.0", "text": "Evil", "_confirmed": "1", "post": "yes", "withdraw": "1",
        "pks": project, "_selected_action": project, "slots": "9", "track": "Evil", "term": "Evil",
    }  # fmt: skip


def state(taken: dict[type[Model], Any]) -> dict[str, Any]:
    """Return every row that is not the outsiders' own."""
    project, owner = taken[Project], taken[EarlierPass].enrolment
    scopes: dict[type[Model], Any] = {
        Assessment: {"project": project}, EarlierPass: {"enrolment": owner}, Extension: {}, ExtensionRequest: {"project": project},
        Invitation: {"project": project}, Membership: {"project": project}, Project: {"pk": project.pk}, Assignment: {},
        SeekingNote: {"enrolment": owner}, StaffNote: {}, Submission: {"project": project},
        SubmissionFile: {"submission__project": project}, Topic: {"proposed_by": owner},
        Allocation: {}, MentorLimit: {}, Handout: {}, TopicPlacement: {"project": project},
    }  # fmt: skip
    return {
        model.__name__: list(model._default_manager.filter(**scopes[model]).order_by("pk").values()) for model in KEPT
    }


def text_of(answer: HttpResponse) -> str:
    return "" if answer.streaming else answer.content.decode(errors="replace")


def test_every_model_of_the_desk_is_walked(taken: dict[type[Model], Any]) -> None:
    assert set(ADMINS) <= set(taken)
    assert len(list(desk_addresses(taken))) >= 3 * len(ADMINS)
    assert {str(pattern.name) for pattern in urlpatterns if "pk" in pattern.pattern.converters} == set(OBJECTS)


@pytest.mark.parametrize("part", OUTSIDERS)
def test_what_is_somebody_elses_is_a_404(world: World, taken: dict[type[Model], Any], part: str) -> None:
    client, before = outsider(world, part), state(taken)
    expected = {404} if part != "anonymous" else {302, 404}
    for name, address in own_addresses(world, taken):
        answers = [client.get(address), client.post(address, tempting(taken))]
        for answer in answers:
            for secret in SECRETS:
                assert secret not in text_of(answer), (address, secret)
        if name == "receipt":
            # Whoever has the code reads what it proves, and no names.
            assert [answer.status_code for answer in answers] == [200, 405]
        elif name in OBJECTS:
            # What is read only takes no POST, whosever it is.
            read, written = (answer.status_code for answer in answers)
            assert written in {*expected, 405}, address
            assert read in expected or (read == 405 and written in expected), address
    assert state(taken) == before


@pytest.mark.parametrize("part", OUTSIDERS)
def test_the_desk_shows_and_does_nothing_to_who_does_not_teach_there(
    world: World, taken: dict[type[Model], Any], part: str
) -> None:
    client, before = outsider(world, part), state(taken)
    for address in desk_addresses(taken):
        for answer in (client.get(address), client.post(address, tempting(taken))):
            if answer.status_code == 403:
                # Nobody deletes there, nor writes: the staff neither.
                assert world.cast.client("assistant").post(address, {"post": "yes"}).status_code == 403, address
            else:
                assert answer.status_code in (302, 404), address
            if part == "foreign lecturer" and answer.status_code == 302:
                # Django's way for a row that is not there: back to the desk, without a word of it.
                assert answer.headers["Location"].startswith("/admin/"), address
            for secret in SECRETS:
                assert secret not in text_of(answer), (address, secret)
    for registered in ADMINS.values():
        listing = reverse(f"admin:projects_{registered.opts.model_name}_changelist")
        actions: Any = registered.actions
        for name in (*actions, "delete_selected"):
            client.post(listing, {**tempting(taken), "action": name, "select_across": "1"})
    assert state(taken) == before
