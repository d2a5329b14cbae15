"""One project at the desk: decided, compared, extended, moved, withdrawn and brought back."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.contrib import admin
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, RequestFactory
from django.urls import reverse

from amls.core import clock
from amls.courses.models import Enrolment, Role
from amls.held.models import HeldAct
from amls.held.services import HOLD, apply_next
from amls.mail.models import Notice
from projects.models import (
    Assessment,
    AssessmentDraft,
    Assignment,
    EarlierPass,
    Extension,
    ExtensionRequest,
    Invitation,
    Membership,
    Project,
    StaffNote,
    Submission,
    SubmissionFile,
    Topic,
)
from projects.services.assessing import Override, assess, assign_assessor
from projects.services.extensions import extend, request_extension
from projects.services.ideas import decide_idea, propose_idea
from projects.services.points import give_points, team_for_points
from projects.services.teams import move_member
from projects.services.teamsheets import Given
from tests.agreement import agree_to, do_held
from tests.cast import Cast
from tests.projects.conftest import DEADLINE, NOW, World
from tests.projects.teams import assess_url, handed_in, list_url, make_teams, packed

PNG = b"\x89PNG\r\n\x1a\n and what follows"
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_factor")]


@pytest.fixture
def desk(world: World) -> Client:
    return world.cast.client("assistant")


def decision(**values: str) -> dict[str, str]:
    return {"outcome": "passed", "extra_points": "3.5", "feedback": "Good.", "seen": "", "save": "1", **values}


def test_extra_points_are_offered_as_the_language_writes_them(world: World, desk: Client) -> None:
    (team,) = make_teams(world, 1)
    for language, offered in (("de", ">2,5</option>"), ("en", ">2.5</option>")):
        page = desk.get(assess_url(team), headers={"accept-language": language}).content.decode()
        assert f'<option value="2.5"{offered}' in page


def test_a_decision_is_a_draft_until_it_is_published(world: World, desk: Client) -> None:
    (team,) = make_teams(world, 1)
    assert desk.post(assess_url(team), decision()).status_code == 302
    row = Assessment.objects.get()
    assert (row.outcome, row.extra_points, row.feedback, row.assessed_by, row.published_at) == (
        "passed", Decimal("3.5"), "Good.", world.staff, None,
    )  # fmt: skip
    assert not Notice.objects.filter(kind="projects.result").exists()
    shown = desk.post(assess_url(team), decision(show_letter="1"))
    member = team.memberships.get().enrolment.user
    assert shown.context["letters"]["people"] == [str(member)]
    assert shown.context["letters"]["letter"].subject in shown.content.decode()
    assert not Notice.objects.filter(kind="projects.result").exists()
    desk.post(assess_url(team), {"publish": "1"})
    assert not Notice.objects.filter(kind="projects.result").exists(), "It is held back."
    assert apply_next(clock.now() + HOLD) == 1
    assert Notice.objects.get(kind="projects.result").recipient == member


def test_save_and_publish_again_replaces_what_waits_or_leaves_it_where_nothing_changed(
    world: World, desk: Client
) -> None:
    (team,) = make_teams(world, 1)

    def save_and_publish(feedback: str) -> str:
        seen = desk.get(assess_url(team)).context["form"]["seen"].value()
        data = decision(save_publish="1", feedback=feedback, seen=seen)
        del data["save"]
        return desk.post(assess_url(team), data, follow=True).content.decode()

    assert "Until then nobody sees anything of it" in save_and_publish("Goood.")
    first = HeldAct.objects.get().apply_at
    assert "asked for it already" in save_and_publish("Goood.")
    assert HeldAct.objects.get().apply_at == first
    said = save_and_publish("Good.")
    assert "as you see it now and not as it was asked for before" in said
    assert "does not, since this changed" not in said
    act = HeldAct.objects.get()
    assert act.apply_at > first
    assert apply_next(act.apply_at) == 1
    row = Assessment.objects.get()
    assert (HeldAct.objects.get().state, row.feedback, row.published_at is not None) == ("done", "Good.", True)
    assert not Notice.objects.filter(kind="held.refused").exists()


def test_nobody_overwrites_what_somebody_decided_meanwhile(world: World, desk: Client) -> None:
    (team,) = make_teams(world, 1)
    seen = desk.get(assess_url(team)).context["form"]["seen"].value()
    assess(project=team, outcome="failed", extra_points=Decimal(0), feedback="", by=world.cast.lecturer.user, now=NOW)
    answer = desk.post(assess_url(team), decision(seen=seen))
    assert answer.status_code == 422
    assert f"{world.cast.lecturer.user} changed this decision meanwhile" in answer.content.decode()
    assert Assessment.objects.get().outcome == "failed"


@pytest.mark.parametrize("points", ["5.5", "0.3", "-1", "x"])
def test_points_that_are_not_given_are_a_field_error(world: World, desk: Client, points: str) -> None:
    (team,) = make_teams(world, 1)
    answer = desk.post(assess_url(team), decision(extra_points=points))
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["extra_points"]
    assert not Assessment.objects.exists()


def test_members_may_differ_with_a_reason(world: World, desk: Client) -> None:
    (team,) = make_teams(world, 1)
    member = team.memberships.get().enrolment
    own = {f"outcome_of_{member.pk}": "failed", f"points_of_{member.pk}": "", f"reason_of_{member.pk}": ""}
    assert desk.post(assess_url(team), decision(**own)).status_code == 422
    assert not Assessment.objects.exists()
    desk.post(assess_url(team), decision(**{**own, f"reason_of_{member.pk}": "Did nothing."}))
    override = Assessment.objects.get().overrides.get()
    assert (override.enrolment, override.outcome, override.reason) == (member, "failed", "Did nothing.")


def history(desk: Client, project: Project) -> list[dict[str, Any]]:
    page = desk.get(reverse("admin:projects_project_history", args=[project.pk]))
    assert page.status_code == 200
    events: list[dict[str, Any]] = page.context["events"]
    # The page of the decision says the newest of it; within one transaction all are of one moment.
    assert all(event in events for event in desk.get(assess_url(project)).context["events"])
    return events


def test_the_history_of_a_project_says_whose_result_became_what(world: World, desk: Client) -> None:
    (team,) = make_teams(world, 1)
    member = team.memberships.get().enrolment
    kept = {"project": team, "outcome": "passed", "extra_points": Decimal(2), "feedback": "", "by": world.staff}
    assess(**kept, now=NOW, overrides={member.pk: Override(outcome="failed", reason="Did nothing.")})
    assess(**kept, now=NOW, overrides={member.pk: Override(outcome="passed", reason="Did all of it.")})
    told = [(event["what"], dict(event["diff"])) for event in history(desk, team) if str(member.user) in event["model"]]
    decided = [(what, diff["Outcome"]) for what, diff in told if "Outcome" in diff]
    assert sorted(decided) == [("added", [None, "Failed"]), ("changed", ["Failed", "Passed"])]


def test_the_history_of_a_sheet_says_points_by_task_and_member(world: World, desk: Client) -> None:
    sheet = Assignment.objects.create(
        course=world.course, kind="sheet", title="Sheet 1", position=5, topics_given="", grading="points",
        max_points=Decimal(20), teaming="kept", team_max=2, hand_in="paper", due_at=NOW,
    )  # fmt: skip
    person, other = world.another(), world.another()
    team = team_for_points(enrolment=person, assignment=sheet, now=NOW)
    Membership.objects.create(project=team, assignment=sheet, enrolment=other, joined_at=NOW)
    for own in (4, 7):
        give_points(
            project=team, given={None: Given(Decimal("8.5"))}, members={other.pk: {None: Given(Decimal(own))}},
            by=world.staff, now=NOW,
        )  # fmt: skip
    told = [(event["model"], dict(event["diff"]).get("Points")) for event in history(desk, team)]
    points = [(str(other.user) in model, values) for model, values in told if values]
    became = {
        (is_own, *(str(Decimal(value).normalize()) if value else "" for value in values)) for is_own, values in points
    }
    assert became == {(True, "4", "7"), (True, "", "4"), (False, "", "8.5")}


def test_the_preview_renders_safely_and_saves_nothing(world: World, desk: Client) -> None:
    (team,) = make_teams(world, 1)
    data = decision(feedback="**Bold** <script>alert(1)</script>")
    del data["save"]
    text = desk.post(assess_url(team), {**data, "preview": "1"}).content.decode()
    assert "<strong>Bold</strong>" in text
    assert "<script>alert(1)" not in text
    assert not Assessment.objects.exists()


def test_save_and_next_walks_the_filtered_list(world: World, desk: Client) -> None:
    first, second, third = make_teams(world, 3)
    filters = "_changelist_filters=needs%3Dungraded"
    page = desk.get(f"{assess_url(second)}?{filters}")
    assert page.context["before"].startswith(assess_url(first))
    assert page.context["after"].startswith(assess_url(third))
    answer = desk.post(f"{assess_url(first)}?{filters}", {**decision(), "save_next": "1"})
    assert answer["Location"] == f"{assess_url(second)}?{filters}&from={first.pk}"
    # A decided one has left the list, and still knows what stands beside it.
    assert (
        desk.get(f"{assess_url(first)}?{filters}").context["after"] == f"{assess_url(second)}?{filters}&from={first.pk}"
    )
    # The way back to it is there, and keeps what was typed on the way.
    back = desk.post(answer["Location"], {**decision(feedback="Half a thought."), "go": "back"})
    assert back["Location"] == f"{assess_url(first)}?{filters}&from={second.pk}"
    assert AssessmentDraft.objects.get().typed["feedback"] == "Half a thought."
    desk.post(f"{assess_url(second)}?{filters}", {**decision(), "save_next": "1"})
    last = desk.post(f"{assess_url(third)}?{filters}", {**decision(), "save_next": "1"})
    assert last["Location"] == list_url("needs=ungraded")


def guards_of(answer: Any) -> list[str]:
    names = ("Content-Security-Policy", "X-Frame-Options", "X-Content-Type-Options", "Cross-Origin-Resource-Policy")
    return [answer[name] for name in names]


@pytest.mark.parametrize(
    ("content", "policy"), [(PNG, "sandbox;"), (b"%PDF-1.7 and what follows", "default-src 'none'; object-src")]
)
def test_what_lies_in_an_archive_keeps_its_guards_when_it_is_asked_for_again(
    world: World, desk: Client, content: bytes, policy: str
) -> None:
    project = world.project()
    handed_in(project, world.student, uploads=[packed(content=content)])
    where = f"{desk.get(assess_url(project)).context['reading'].address}member/?path=main.py"
    shown = desk.get(where)
    assert shown["Content-Security-Policy"].startswith(policy)
    known = desk.get(where, headers={"if-none-match": shown["ETag"]})
    assert (known.status_code, guards_of(known)) == (304, guards_of(shown))


def test_what_was_handed_in_is_read_beside_the_decision(world: World, desk: Client) -> None:
    project = world.project()
    old = handed_in(project, world.student, uploads=[packed(content=b"a = 1\nb = '<i>'\n"), packed("same.zip", b"1")])
    new = handed_in(project, world.student, uploads=[packed(content=b"a = 2\nb = '<i>'\n"), packed("same.zip", b"1")])
    page = desk.get(assess_url(project))
    reading = page.context["reading"]
    assert (reading.row, [link.name for link in reading.files]) == (new, ["project.zip", "same.zip"])
    shown = desk.get(reading.address)
    assert [(entry.path, entry.size) for entry in shown.context["inside"].entries] == [("main.py", 16)]
    text = shown.content.decode()
    assert "&lt;i&gt;" in text
    assert "<i>" not in text
    # Nothing of it runs, and a browser that has it asks in vain.
    assert shown["Content-Security-Policy"].startswith("sandbox allow-same-origin; default-src 'none'")
    assert "script" not in shown["Content-Security-Policy"]
    # The words of the frame have the font of the page.
    assert "font-src 'self'" in shown["Content-Security-Policy"]
    assert shown["X-Frame-Options"] == "SAMEORIGIN"
    known = desk.get(reading.address, headers={"if-none-match": shown["ETag"]})
    assert (known.status_code, guards_of(known)) == (304, guards_of(shown))
    (comparison,) = reading.comparisons
    assert comparison.name == str(old.attempt)
    (difference,) = desk.get(comparison.address).context["differences"]
    assert (difference.path, difference.kind, difference.more, difference.less) == ("main.py", "changed", 1, 1)
    assert desk.get(f"{reading.address}?path=gone.py").status_code == 422
    for address in (f"{reading.address}member/?path=main.py", f"{comparison.address.split('?')[0]}?old=1&new=9"):
        assert desk.get(address).status_code == 404


def test_a_file_with_nothing_to_read_says_so(world: World, desk: Client) -> None:
    project = world.project()
    notebook = SimpleUploadedFile("Größe.ipynb", b'{"nbformat": 4, "cells": []}')
    handed_in(project, world.student, uploads=[notebook, packed(content=b"")])
    files = desk.get(assess_url(project)).context["reading"].files
    assert len(files) == 2
    for link in files:
        assert "Nothing is in it that people put there." in desk.get(link.address).content.decode(), link.name


def test_files_of_others_courses_are_not_shown(world: World) -> None:
    project = world.project()
    handed_in(project, world.student)
    reading = world.cast.client("assistant").get(assess_url(project)).context["reading"]
    compare = f"/admin/projects/project/{project.pk}/compare/?old=1&new=1"
    for part in ("foreign lecturer", "student", "stranger"):
        client = world.cast.client(part)
        statuses = [client.get(address, follow=True).status_code for address in (reading.address, compare)]
        assert statuses == [404, 404], part


def pressed(desk: Client, project: Project, **button: object) -> None:
    """Press a button of the page that tells somebody, agree to what it shows, and let its time come."""
    agree_to(desk, assess_url(project), button)
    act = do_held()
    assert act.state == "done", act.outcome


def test_a_late_attempt_is_accepted_withdrawn_and_restored(world: World, desk: Client) -> None:
    project = world.project()
    late = handed_in(project, world.student, DEADLINE + timedelta(hours=1))
    asks = desk.post(assess_url(project), {"accept": late.pk})
    assert f"{world.student.user}: Late hand-in accepted" in asks.content.decode()
    assert not Submission.objects.filter(accepted_at__isnull=False).exists()
    pressed(desk, project, accept=late.pk)
    late.refresh_from_db()
    assert late.accepted_by == world.staff
    pressed(desk, project, withdraw_attempt=late.pk)
    late.refresh_from_db()
    assert late.withdrawn_at is not None
    assert 'name="restore_attempt"' in desk.get(assess_url(project)).content.decode()
    pressed(desk, project, restore_attempt=late.pk)
    assert not Submission.objects.filter(withdrawn_at__isnull=False).exists()
    other = make_teams(world, 1)[0].submissions.first()
    assert other is not None
    assert desk.post(assess_url(project), {"withdraw_attempt": other.pk}).status_code == 404


def test_a_withdrawal_is_taken_back_in_time_or_the_project_is_restored(world: World, desk: Client) -> None:
    (team,) = make_teams(world, 1)
    agree_to(desk, assess_url(team), {"withdraw": "1"})
    act = HeldAct.objects.latest("pk")
    undo = reverse("held:undo", args=[world.course.slug, act.pk])
    assert f'action="{undo}"' in desk.get(assess_url(team)).content.decode()
    desk.post(undo)
    assert apply_next(act.apply_at) == 0
    pressed(desk, team, withdraw="1")
    assert not Project.objects.active().exists()
    pressed(desk, team, restore="1")
    assert Project.objects.active().get() == team
    assert team.memberships.active().count() == 1


def test_a_withdrawal_is_refused_where_the_team_is_another_by_then(world: World, desk: Client) -> None:
    first, second = make_teams(world, 2)
    agree_to(desk, assess_url(second), {"withdraw": "1"})
    move_member(enrolment=first.memberships.get().enrolment, to=second, by=world.staff, now=NOW)
    act = do_held()
    assert (act.state, second.memberships.active().count()) == ("refused", 2)
    assert Notice.objects.filter(kind="held.refused", recipient=world.staff).count() == 1


def test_time_notes_assessor_moves_and_merges(world: World, desk: Client) -> None:
    first, second = make_teams(world, 2)
    member = first.memberships.get().enrolment
    address = assess_url(first)
    wrong = desk.post(address, {"extend": "1", "until": "2024-07-01T12:00", "reason": "Ill"})
    assert wrong.status_code == 422
    assert "until" in wrong.context["time_form"].errors or wrong.context["time_form"].non_field_errors()
    desk.post(address, {"extend": "1", "days": "2", "reason": "Ill"})
    assert Extension.objects.get().delta == timedelta(days=2)
    # Nobody was told of it yet: it is taken back at once, and silently.
    desk.post(address, {"revoke": Extension.objects.get().pk})
    assert Extension.objects.get().revoked_at is not None
    assert not Notice.objects.filter(kind="projects.extension-revoked").exists()
    desk.post(address, {"note": "1", "text": "Ask about the tests."})
    assert StaffNote.objects.get().author == world.staff
    desk.post(address, {"assign": "1", "assessor": world.cast.lecturer.user_id})
    assert Project.objects.get(pk=first.pk).assessor == world.cast.lecturer.user
    pressed(desk, first, move="1", member=member.pk, to=f"project-{second.pk}")
    assert second.memberships.active().count() == 2
    assert not Project.objects.get(pk=first.pk).is_active
    third = world.project()
    pressed(desk, third, merge="1", target=second.pk)
    assert second.memberships.active().count() == 3


def test_who_assesses_and_can_no_more_stays_chosen_until_somebody_else_is(world: World, desk: Client) -> None:
    (project,) = make_teams(world, 1)
    assessor = world.cast.lecturer.user
    assign_assessor(projects=[project], assessor=assessor)
    Enrolment.objects.filter(pk=world.cast.lecturer.pk).update(role=Role.STUDENT)
    page = BeautifulSoup(desk.get(assess_url(project)).content, "html.parser")
    (chosen,) = page.select("select[name=assessor] option[selected]")
    assert (chosen["value"], chosen.get_text()) == (str(assessor.pk), str(assessor))
    for sent, expected in ((chosen["value"], assessor), ("", None), (str(assessor.pk), None)):
        desk.post(assess_url(project), {"assign": "1", "assessor": sent})
        project.refresh_from_db()
        assert project.assessor == expected


def test_teams_to_move_into_are_called_by_their_members(world: World, desk: Client) -> None:
    first, second = make_teams(world, 2)
    declined = propose_idea(
        enrolment=world.student,
        assignment=world.assignment,
        title="Declined idea",
        description="x",
        team_max=1,
        now=NOW,
    )
    decide_idea(topic=declined, is_accepted=False, reason="Too large", now=NOW)
    # The lists are long: a page has them where somebody asks for them.
    page = desk.get(desk.post(assess_url(first), {"keep": "people"}).headers["Location"]).content.decode()
    name = second.memberships.get().enrolment.user
    assert page.count(f"#{second.pk} {second.topic}: {name}</option>") == 2
    assert "Declined idea" not in page
    page = desk.get(reverse("admin:projects_extension_add")).content.decode()
    assert f"#{second.pk} {second.topic}: {name}</option>" in page


@pytest.mark.parametrize("model", [Project, Extension, ExtensionRequest, Invitation])
def test_nothing_is_deleted_at_the_desk(world: World, model: type) -> None:
    registered = admin.site._registry[model]
    for user in (world.staff, world.cast.admin):
        request = RequestFactory().get("/admin/")
        request.user = user
        assert registered.has_delete_permission(request) is False
        assert "delete_selected" not in registered.get_actions(request)
        assert list(registered.get_inline_instances(request)) == []
    assert {Submission, SubmissionFile, Assessment}.isdisjoint(admin.site._registry)


@pytest.mark.parametrize("part", ["assistant", "lecturer", "admin"])
def test_no_way_of_deleting_loses_a_submission(world: World, part: str) -> None:
    """By address, in bulk, and by deleting what a project hangs on."""
    (team,) = make_teams(world, 1)
    member = team.memberships.get().enrolment
    client = world.cast.client(part)
    before = Submission.objects.count(), SubmissionFile.objects.count(), Project.objects.count()
    doomed = {
        "projects_project": team.pk, "projects_topic": team.topic_id, "courses_enrolment": member.pk,
        "courses_course": world.course.pk, "courses_user": member.user_id, "projects_assignment": world.assignment.pk,
    }  # fmt: skip
    for name, pk in doomed.items():
        client.post(reverse(f"admin:{name}_delete", args=[pk]), {"post": "yes"})
        client.post(
            reverse(f"admin:{name}_changelist"),
            {"action": "delete_selected", "_selected_action": [pk], "post": "yes"},
        )
    assert (Submission.objects.count(), SubmissionFile.objects.count(), Project.objects.count()) == before
    team.refresh_from_db()
    assert team.is_active


def test_a_request_is_granted_or_declined_with_an_answer(world: World, desk: Client) -> None:
    project = world.project()
    asked = request_extension(project=project, by=world.student, reason="Ill", wanted_until=None, now=NOW)
    address = reverse("admin:projects_extensionrequest_change", args=[asked.pk])
    assert "Ill" in desk.get(address).content.decode()
    assert desk.post(address, {"decline": "1", "answer": ""}).status_code == 422
    desk.post(address, {"grant": "1", "until": "2024-07-10T23:59", "answer": "Get well."})
    asked.refresh_from_db()
    assert (asked.state, asked.answer, asked.decided_by) == ("granted", "Get well.", world.staff)
    assert Extension.objects.get().due_at == DEADLINE + timedelta(days=2)


def test_extensions_are_given_to_all_a_team_or_a_person_and_revoked(world: World, desk: Client) -> None:
    project = world.project()
    address = reverse("admin:projects_extension_add")
    data = {"course": world.course.pk, "days": "1", "reason": "Outage"}
    assert desk.get(address).status_code == 200
    desk.post(address, data)
    desk.post(address, {**data, "project": project.pk, "days": "2"})
    desk.post(address, {**data, "enrolment": world.other.pk, "days": "2"})
    assert desk.post(address, {**data, "enrolment": world.other.pk, "project": project.pk}).status_code == 422
    rows = Extension.objects.order_by("pk")
    assert [(row.project, row.enrolment) for row in rows] == [(None, None), (project, None), (None, world.other)]
    desk.post(reverse("admin:projects_extension_change", args=[rows[0].pk]))
    assert rows.get(pk=rows[0].pk).revoked_at is not None


def test_moving_the_deadline_shows_what_becomes_of_extensions(world: World, desk: Client) -> None:
    project = world.project()
    extend(
        assignment=world.assignment, projects=[project], by=world.staff, reason="Ill", now=NOW, delta=timedelta(days=1)
    )
    extend(
        assignment=world.assignment,
        enrolment=world.other,
        by=world.staff,
        reason="Ill",
        now=NOW,
        due_at=DEADLINE + timedelta(days=1),
    )
    address = reverse("admin:projects_assignment_change", args=[world.assignment.pk])
    form = desk.get(address).context["adminform"].form
    data = {name: "" if form[name].value() is None else form[name].value() for name in form.fields}
    for name in ("due_at", "opens_at", "registration_closes_at", "visible_from", "assessed_by"):
        data.pop(name)
        data |= {f"{name}_0": "", f"{name}_1": ""}
    data |= {"due_at_0": "2024-07-15", "due_at_1": "23:59", "kinds_of_files": "zip,pdf"}
    answer = desk.post(address, {key: value for key, value in data.items() if value is not False})
    text = answer.content.decode()
    assert answer.status_code == 200, answer
    assert f"{project}: moves along by 1 day to Tue 16 Jul 2024, 23:59" in text
    assert f"{world.other.user}: until Tue 9 Jul 2024, 23:59 (Europe/Berlin), which no longer gives more time." in text
    world.assignment.refresh_from_db()
    assert world.assignment.due_at == DEADLINE


def test_an_idea_is_accepted_or_declined_with_a_reason(world: World, desk: Client) -> None:
    topic = propose_idea(
        enrolment=world.student, assignment=world.assignment, title="Mine", description="**Try**", now=NOW
    )
    other = propose_idea(enrolment=world.other, assignment=world.assignment, title="Theirs", description="x", now=NOW)
    address = reverse("admin:projects_topic_change", args=[topic.pk])
    assert "<strong>Try</strong>" in desk.get(address).content.decode()
    # Somebody without a team is told of the decision and of their project, and is one person.
    shown = desk.post(reverse("admin:projects_topic_decide", args=[topic.pk]), {"accept": "1", "answer": ""})
    assert shown.context["people"] == [f"{world.student.user}: Project registered, Own idea decided"]
    assert "1 person gets a mail" in shown.content.decode()
    agree_to(desk, address, {"accept": "1", "answer": ""})
    assert do_held().outcome == "The idea is accepted, and the student is told."
    declined = reverse("admin:projects_topic_decide", args=[other.pk])
    assert desk.post(declined, {"decline": "1", "answer": ""}).status_code == 422
    agree_to(desk, declined, {"decline": "1", "answer": "Too large."})
    assert Topic.objects.get(pk=other.pk).proposal == "open"
    assert do_held().outcome == "The idea is declined, and the student is told why."
    states = dict(Topic.objects.exclude(proposal="").values_list("title", "proposal"))
    assert states == {"Mine": "accepted", "Theirs": "declined"}
    assert Project.objects.get().topic == topic


def test_the_dashboard_says_what_waits(world: World, desk: Client) -> None:
    project = world.project()
    handed_in(project, world.student, DEADLINE + timedelta(hours=1))
    request_extension(project=project, by=world.student, reason="Ill", wanted_until=None, now=NOW)
    propose_idea(enrolment=world.other, assignment=world.assignment, title="Mine", description="x", now=NOW)
    text = desk.get("/admin/").content.decode()
    for words in (
        "1 own idea to decide on", "1 request for more time", "1 team with a late hand-in that waits",
        "1 project without a decision", "1 team below its topic&#x27;s minimum",
    ):  # fmt: skip
        assert words in text, words


def test_earlier_passes_are_entered_by_hand(cast: Cast, world: World, desk: Client) -> None:
    data = {"enrolment": world.student.pk, "term": "SS2023", "extra_points": "2.5", "note": ""}
    assert desk.post(reverse("admin:projects_earlierpass_add"), data).status_code == 302
    row = EarlierPass.objects.get()
    assert (row.enrolment, row.extra_points, row.entered_by) == (world.student, Decimal("2.5"), world.staff)
