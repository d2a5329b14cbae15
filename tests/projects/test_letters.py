"""Every letter about projects, in both languages, and none about what is no longer so."""

from datetime import timedelta
from decimal import Decimal
from html import unescape

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import resolve
from django.utils import translation

from amls.core.markdown import plain_text, render_markdown
from amls.courses.models import Enrolment
from amls.held.services import HOLD
from amls.mail.letters import Letter, letter_kinds
from amls.mail.models import Notice
from amls.privacy.registry import delete_account
from projects.hooks import letters
from projects.models import Assignment, Invitation, Submission, SubmissionFile, Topic
from projects.services.assessing import assess, assign_assessor, publish_assessments
from projects.services.checking import check_next
from projects.services.extensions import (
    decline_request,
    extend,
    grant_request,
    request_extension,
    revoke_extension,
)
from projects.services.handin import accept_late, pick_submission, restore_submission, withdraw_submission
from projects.services.ideas import decide_idea, propose_idea
from projects.services.registration import (
    leave_team,
    register_project,
    restore_project,
    withdraw_project,
)
from projects.services.switching import switch_topic, take_switch_back
from projects.services.teams import (
    accept_invitation,
    decline_invitation,
    invite_member,
    move_member,
    revoke_invitation,
)
from projects.services.wishes import form_team
from tests.factories import TopicFactory
from tests.projects.conftest import DEADLINE, NOW, World
from tests.projects.test_handin import attempt

pytestmark = pytest.mark.django_db


def write(notice: Notice, language: str = "en") -> Letter | None:
    with translation.override(language):
        return letter_kinds[notice.kind].writer(notice, NOW)


def written(kind: str, language: str = "en") -> list[Letter]:
    composed = [write(notice, language) for notice in Notice.objects.filter(kind=kind).order_by("pk")]
    return [letter for letter in composed if letter is not None]


def everything_happens(world: World) -> None:
    """One term, so that every kind of letter is due; what is true at its end is said."""
    idea = propose_idea(
        enrolment=world.another(), assignment=world.assignment, title="Ours", description="x", team_max=1, now=NOW
    )
    decide_idea(topic=idea, is_accepted=False, reason="Too large", now=NOW)
    propose_idea(
        enrolment=world.another(), assignment=world.assignment, title="Theirs", description="x", team_max=1, now=NOW
    )
    project = world.project()
    invitation = invite_member(project=project, email="other@example.org", by=world.student, now=NOW)
    accept_invitation(invitation=invitation, enrolment=world.other, now=NOW)
    declined = invite_member(project=project, email="third@example.org", by=world.student, now=NOW)
    decline_invitation(invitation=declined, now=NOW)
    revoked = invite_member(project=project, email="fifth@example.org", by=world.student, now=NOW - timedelta(days=1))
    Notice.objects.filter(references__invitation=revoked.pk).update(state="sent", sent_at=NOW)
    revoke_invitation(invitation=revoked, now=NOW)
    invite_member(project=project, email="fourth@example.org", by=world.student, now=NOW)
    switch_topic(project=project, topic=TopicFactory.create(course=world.course, team_max=3), by=world.student, now=NOW)
    first, second = world.another(), world.another()
    pair = register_project(enrolment=first, topic=TopicFactory.create(course=world.course, team_max=2), now=NOW)
    asked = invite_member(project=pair, email=second.user.email, by=first, now=NOW)
    accept_invitation(invitation=asked, enrolment=second, now=NOW)
    switch_topic(project=pair, topic=TopicFactory.create(course=world.course, team_max=2), by=first, now=NOW)
    take_switch_back(project=pair, by=second, now=NOW)
    third = world.another()
    move_member(enrolment=third, to=project, by=world.staff, now=NOW)
    leave_team(project=project, enrolment=third, now=NOW)
    wish = request_extension(project=project, by=world.student, reason="Flu", wanted_until=None, now=NOW)
    decline_request(request=wish, by=world.staff, answer="See you in autumn", now=NOW)
    request_extension(project=project, by=world.student, reason="Flu again", wanted_until=None, now=NOW)
    given = extend(
        assignment=world.assignment, by=world.staff, reason="x", projects=[project], delta=timedelta(days=1), now=NOW
    )
    # Once its mail is out: until then it is taken back silently.
    Notice.objects.filter(references__extension=given[0].pk).update(state="sent", sent_at=NOW)
    revoke_extension(extension=given[0], now=NOW + HOLD)
    extend(
        assignment=world.assignment, by=world.staff, reason="x", projects=[project], delta=timedelta(days=2), now=NOW
    )
    for submission in (attempt(world, project), attempt(world, project)):
        withdraw_submission(submission=submission, now=NOW)
    restore_submission(submission=submission, now=NOW)
    late = attempt(world, project, began=DEADLINE + timedelta(days=3))
    accept_late(submission=late, by=world.staff, now=NOW)
    refused = attempt(world, project)
    name = default_storage.save("submissions/aa/bad.zip", ContentFile(b"no archive"))
    SubmissionFile.objects.create(
        submission=refused, file=name, filename="bad.zip", content_type="application/zip", size=10, sha256="0" * 64
    )
    Submission.objects.filter(pk=refused.pk).update(check_due_at=NOW)
    check_next(now=NOW)
    for points in ("1", "2"):
        assess(
            project=project, outcome="passed", extra_points=Decimal(points), feedback="", by=world.staff, now=NOW,
            reason="Recounted",
        )  # fmt: skip
        publish_assessments(projects=[project], now=NOW)
    again = world.project(world.another(), topic=world.single)
    withdraw_project(project=again, now=NOW)
    restore_project(project=again, now=NOW)
    withdraw_project(project=again, now=NOW + timedelta(minutes=1))
    long_ago = NOW - timedelta(days=15)
    alone = register_project(enrolment=world.another(), topic=world.topic, now=long_ago)
    invite_member(project=alone, email="silent@example.org", by=alone.memberships.get().enrolment, now=long_ago)
    # The others were invited to a team whose result is published by now.
    invite_member(project=alone, email="sixth@example.org", by=alone.memberships.get().enrolment, now=NOW)
    assign_assessor(projects=[alone], assessor=world.staff)
    delete_account(user=world.staff, now=NOW)


KINDS = sorted(
    f"projects.{name.replace('_', '-')}"
    for module in (letters.extensions, letters.handins, letters.results, letters.teams)
    for name, function in vars(module).items()
    if not name.startswith("_") and getattr(function, "__module__", "") == module.__name__ and callable(function)
)


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_letter_can_be_read_and_leads_somewhere(world: World, language: str) -> None:
    everything_happens(world)
    assert sorted(set(Notice.objects.values_list("kind", flat=True))) == KINDS
    for kind in KINDS:
        composed = written(kind, language)
        assert composed, kind
        for letter in composed:
            assert "\n" not in letter.subject
            assert "%" not in letter.subject + letter.text + letter.reason, kind
            assert letter.action is not None
            resolve(letter.action[1].partition("?")[0])


def test_what_is_no_longer_so_is_not_said(world: World) -> None:
    project = world.project()
    invitation = invite_member(project=project, email="a@example.org", by=world.student, now=NOW)
    assert len(written("projects.invited")) == 1
    revoke_invitation(invitation=invitation, now=NOW)
    assert written("projects.invited") == []
    withdraw_project(project=project, now=NOW)
    assert (written("projects.registered"), len(written("projects.withdrawn"))) == ([], 1)
    restore_project(project=project, now=NOW)
    assert written("projects.withdrawn") == []


def test_whoever_never_read_of_an_invitation_is_not_told_that_it_was_taken_back(world: World) -> None:
    project = world.project()
    first = invite_member(project=project, email="a@example.org", by=world.student, now=NOW)
    second = invite_member(project=project, email="b@example.org", by=world.student, now=NOW)
    Notice.objects.filter(kind="projects.invited", address="a@example.org").update(state="sent", sent_at=NOW)
    revoke_invitation(invitation=first, now=NOW)
    withdraw_project(project=project, now=NOW)
    told = Notice.objects.filter(kind="projects.invitation-revoked").order_by("pk")
    assert [(notice.address, write(notice) is not None) for notice in told] == [
        ("a@example.org", True),
        ("b@example.org", False),
    ]
    second.refresh_from_db()
    assert second.state == "revoked"


def test_who_invited_reads_that_nobody_answered(world: World) -> None:
    project = world.project()
    invitation = invite_member(project=project, email="a@example.org", by=world.student, now=NOW)
    notice = Notice.objects.get(kind="projects.invitation-expired")
    assert (notice.recipient, notice.not_before) == (world.student.user, invitation.expires_at)
    with translation.override("en"):
        letter = letter_kinds[notice.kind].writer(notice, invitation.expires_at)
        assert letter is not None
        assert letter.subject == "No answer to your invitation: a@example.org"
        decline_invitation(invitation=invitation, now=NOW)
        assert letter_kinds[notice.kind].writer(notice, invitation.expires_at) is None


def test_the_team_reads_what_counts_after_the_staff_withdrew_an_attempt(world: World) -> None:
    project = world.project()
    first, second = attempt(world, project), attempt(world, project)
    for _pressed_twice in range(2):
        withdraw_submission(submission=second, now=NOW)
    (letter,) = written("projects.attempt-withdrawn")
    assert "Attempt 1 counts now." in letter.text
    withdraw_submission(submission=first, now=NOW)
    assert all("No attempt counts now. Hand in by" in letter.text for letter in written("projects.attempt-withdrawn"))
    restore_submission(submission=second, now=NOW)
    (back,) = written("projects.attempt-restored")
    assert "Attempt 2 counts now." in back.text
    assert len(written("projects.attempt-withdrawn")) == 1


def test_the_receipt_says_that_a_picked_attempt_goes_on_counting(world: World) -> None:
    project = world.project()
    first = attempt(world, project)
    pick_submission(project=project, submission=first, now=NOW)
    attempt(world, project)
    before, after = written("projects.receipt")
    assert "goes on counting" not in before.text
    assert "**Attempt 1 goes on counting**" in after.text


def test_what_the_staff_answer_is_in_the_letter_that_grants(world: World) -> None:
    wish = request_extension(project=world.project(), by=world.student, reason="Flu", wanted_until=None, now=NOW)
    grant_request(request=wish, by=world.staff, delta=timedelta(days=1), answer="Get well soon.", now=NOW)
    (letter,) = written("projects.extended")
    assert plain_text(letter.text).endswith("Get well soon.")


def test_a_result_is_never_in_a_mail(world: World) -> None:
    project = world.project()
    assess(project=project, outcome="failed", extra_points=Decimal(0), feedback="Bad", by=world.staff, now=NOW)
    publish_assessments(projects=[project], now=NOW)
    (letter,) = written("projects.result")
    said = f"{letter.subject} {letter.text}".lower()
    assert "failed" not in said
    assert "bad" not in said


def test_the_receipt_names_files_and_hashes(world: World) -> None:
    submission = attempt(world, world.project())
    (letter,) = written("projects.receipt")
    assert submission.files.get().sha256 in letter.text
    assert "It is in time." in letter.text
    assert "project.zip" in letter.text.replace("\\", "")


def test_an_invitation_names_the_address_to_sign_in_with(world: World) -> None:
    invite_member(project=world.project(), email="a@example.org", by=world.student, now=NOW)
    (letter,) = written("projects.invited")
    assert "Sign in with this address (a@example.org)" in letter.text.replace("\\", "")
    assert letter.action == ("Answer the invitation", f"/amls/projects/invitations/{Invitation.objects.get().pk}/")


def test_names_can_not_write_markdown(world: World) -> None:
    world.student.user.display_name = "**Free** [points](https://evil.example.org)"
    world.student.user.save()
    invite_member(project=world.project(), email="a@example.org", by=world.student, now=NOW)
    (letter,) = written("projects.invited")
    html = render_markdown(letter.text)
    assert "<a" not in html.replace('<a href="mailto:', "")
    assert "**Free** [points](https://evil.example.org)" in unescape(html)


@pytest.mark.parametrize("kind", ["projects.extended", "projects.extension-declined", "projects.idea-decided"])
def test_what_the_staff_answer_stands_in_the_letter_as_they_typed_it(world: World, kind: str) -> None:
    answer = "Siehe [hier](https://example.org), *bis* 12:00.\n\n    1_000 <b>Zeilen</b>"
    if kind == "projects.idea-decided":
        idea = propose_idea(enrolment=world.student, assignment=world.assignment, title="T", description="x", now=NOW)
        decide_idea(topic=idea, is_accepted=False, reason=answer, now=NOW)
    else:
        wish = request_extension(project=world.project(), by=world.student, reason="Flu", wanted_until=None, now=NOW)
        if kind == "projects.extended":
            grant_request(request=wish, by=world.staff, delta=timedelta(days=2), answer=answer, now=NOW)
        else:
            decline_request(request=wish, by=world.staff, answer=answer, now=NOW)
    letter = write(Notice.objects.get(kind=kind, recipient=world.student.user))
    assert letter is not None
    for line in answer.split("\n\n"):
        assert line.strip() in plain_text(letter.text).splitlines()
    assert not any(tag in render_markdown(letter.text) for tag in ("<a ", "<em>", "<b>", "<code>"))


def test_the_letter_about_an_accepted_idea_says_what_it_is_for_its_author(world: World) -> None:
    """Whoever has a team keeps its topic; where topics are given by wish, it is one more to rank."""

    def accepted(author: Enrolment, title: str) -> Letter:
        idea = propose_idea(enrolment=author, assignment=world.assignment, title=title, description="x", now=NOW)
        decide_idea(topic=idea, is_accepted=True, reason="", now=NOW)
        letter = write(Notice.objects.get(kind="projects.idea-decided", recipient=author.user))
        assert letter is not None
        return letter

    alone = accepted(world.another(), "Alone")
    assert "It is your project now." in alone.text
    assert alone.action == ("Open my project", "/amls/projects/mine/")
    project = world.project()
    has_team = accepted(world.student, "Switched to")
    assert f"Your project stays **{project.title}**. While registration is open, your team can switch" in has_team.text
    assert has_team.action == ("See the topic", Topic.objects.get(title="Switched to").get_absolute_url())
    closes_at = NOW + timedelta(days=1)
    Assignment.objects.filter(pk=world.assignment.pk).update(topics_given="by-wish", wishes_close_at=closes_at)
    world.assignment.refresh_from_db()
    wishing = world.another()
    form_team(assignment=world.assignment, enrolment=wishing, emails=[], now=NOW)
    by_wish = accepted(wishing, "Ranked")
    assert "You can rank it among your team's wishes now." in by_wish.text
    assert by_wish.action == ("Your team's wishes", f"/amls/wishes/{world.assignment.pk}/")
