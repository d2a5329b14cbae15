"""More time: one deadline for pages, uploads, feeds and reminders."""

import uuid
from datetime import timedelta
from email.utils import parseaddr
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from amls.agenda.models import AgendaItem
from amls.agenda.services import reconcile
from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment
from amls.courses.services import quietly
from amls.held.models import HeldAct
from amls.held.services import HOLD
from amls.mail.changes import tell_changes
from amls.mail.letters import letter_kinds
from amls.mail.models import Notice
from amls.mail.send import deliver_due
from projects import moretime
from projects.deadlines import deadline_of, effective_deadline, is_counting
from projects.models import Assignment, Extension, ExtensionRequest, Project, Submission
from projects.services.assessing import enter_earlier_pass
from projects.services.extensions import (
    decline_request,
    extend,
    grant_request,
    reopen_request,
    request_extension,
    revoke_extension,
    take_request_back,
)
from projects.services.handin import hand_in
from projects.services.registration import register_project
from projects.services.teams import accept_invitation, invite_member
from projects.teamrows import members_of
from tests.mail.conftest import Postbox, postbox  # noqa: F401 - a fixture
from tests.projects.conftest import DEADLINE, NOW, World
from tests.projects.test_handin import archive, attempt

pytestmark = pytest.mark.django_db
TWO_DAYS = timedelta(days=2)


def team_of_two(world: World) -> Project:
    project = world.project()
    invitation = invite_member(project=project, email="other@example.org", by=world.student, now=NOW)
    accept_invitation(invitation=invitation, enrolment=world.other, now=NOW)
    return project


def give(world: World, **values: Any) -> list[Extension]:
    return extend(assignment=world.assignment, by=world.staff, reason="Illness", now=NOW, **values)


def feed_ends(world: World) -> list[Any]:
    rows = AgendaItem.objects.filter(key="projects.submission", course=world.course).order_by("enrolment__user__email")
    return [(row.enrolment and row.enrolment.user.email, row.ends_at) for row in rows if not row.is_removed]


def test_a_teams_extension_is_there_everywhere_at_once(world: World) -> None:
    reconcile(world.course, now=NOW)
    project = team_of_two(world)
    give(world, projects=[project], delta=TWO_DAYS)
    assert effective_deadline(project) == deadline_of(world.other, world.assignment) == DEADLINE + TWO_DAYS
    assert feed_ends(world) == [
        ("other@example.org", DEADLINE + TWO_DAYS),
        ("student@example.org", DEADLINE + TWO_DAYS),
        (None, DEADLINE),
    ]
    assert Notice.objects.filter(kind="projects.extended").count() == 2


def test_one_members_extension_is_the_whole_teams(world: World) -> None:
    reconcile(world.course, now=NOW)
    project = team_of_two(world)
    give(world, enrolment=world.other, due_at=DEADLINE + TWO_DAYS)
    assert effective_deadline(project) == DEADLINE + TWO_DAYS
    kept = attempt(world, project, began=DEADLINE + timedelta(days=1))
    assert kept.attempt == 1
    assert [end for _who, end in feed_ends(world)] == [DEADLINE + TWO_DAYS, DEADLINE + TWO_DAYS, DEADLINE]


def test_an_extension_for_all_moves_the_courses_own_date(world: World) -> None:
    reconcile(world.course, now=NOW)
    project = team_of_two(world)
    give(world, delta=timedelta(days=1))
    assert effective_deadline(project) == DEADLINE + timedelta(days=1)
    assert feed_ends(world) == [(None, DEADLINE + timedelta(days=1))]
    assert Notice.objects.filter(kind="projects.extended").count() == 2


def test_an_extension_for_all_is_told_to_who_has_no_project_too(world: World) -> None:
    reconcile(world.course, now=NOW)
    world.project()
    passed = world.another()
    enter_earlier_pass(enrolment=passed, term="SS2023", by=world.staff)
    given = give(world, delta=timedelta(days=1))
    told = Notice.objects.filter(kind="projects.extended").order_by("recipient__email")
    assert [notice.recipient and notice.recipient.email for notice in told] == [
        "other@example.org",
        "student@example.org",
    ]
    texts = [letter_kinds[notice.kind].writer(notice, NOW) for notice in told]
    assert [text and text.text.split(" until ")[0] for text in texts] == [
        "Projects may be handed in",
        "Your team may hand in",
    ]
    revoke_extension(extension=given[0], now=NOW + HOLD)
    assert Notice.objects.filter(kind="projects.extension-revoked").count() == 2


def test_a_person_without_a_team_reads_of_their_extension(world: World) -> None:
    give(world, enrolment=world.student, delta=TWO_DAYS)
    letter = letter_kinds["projects.extended"].writer(Notice.objects.get(kind="projects.extended"), NOW)
    assert letter is not None
    assert letter.subject == "More time for your project: until Wed 10 Jul, 23:59 (Europe/Berlin)"
    assert letter.action == ("See the topics", "/amls/projects/")


def test_a_delta_moves_with_the_deadline_and_a_time_stays(world: World) -> None:
    project = team_of_two(world)
    single = world.project(world.another(), topic=world.single)
    give(world, projects=[project], delta=TWO_DAYS)
    give(world, projects=[single], due_at=DEADLINE + TWO_DAYS)
    Assignment.objects.update(due_at=DEADLINE + timedelta(days=7))
    project, single = Project.objects.get(pk=project.pk), Project.objects.get(pk=single.pk)
    assert effective_deadline(project) == DEADLINE + timedelta(days=9)
    # What was meant as a time never shortens the new deadline.
    assert effective_deadline(single) == DEADLINE + timedelta(days=7)


def test_the_latest_extension_holds_and_a_revoked_one_does_not(world: World) -> None:
    project = team_of_two(world)
    give(world, projects=[project], delta=timedelta(days=1))
    longer = give(world, enrolment=world.student, delta=TWO_DAYS)[0]
    assert effective_deadline(project) == DEADLINE + TWO_DAYS
    revoke_extension(extension=longer, now=NOW + HOLD)
    assert effective_deadline(project) == DEADLINE + timedelta(days=1)
    assert Notice.objects.filter(kind="projects.extension-revoked").count() == 2


def test_an_extension_holds_at_once_and_is_taken_back_silently_before_anybody_is_told(world: World) -> None:
    project = team_of_two(world)
    given = give(world, projects=[project], delta=TWO_DAYS)[0]
    assert effective_deadline(project) == DEADLINE + TWO_DAYS
    assert {notice.not_before for notice in Notice.objects.filter(kind="projects.extended")} == {NOW + HOLD}
    revoke_extension(extension=given, now=NOW + HOLD - timedelta(seconds=1))
    assert effective_deadline(project) == DEADLINE
    assert not Notice.objects.filter(kind="projects.extension-revoked").exists()
    letter = letter_kinds["projects.extended"].writer(Notice.objects.filter(kind="projects.extended")[0], NOW)
    assert letter is None


@pytest.mark.parametrize("waits", [HOLD - timedelta(seconds=1), HOLD])
def test_what_was_handed_in_by_more_time_stays_in_time_when_that_is_taken_back(world: World, waits: timedelta) -> None:
    other, project, over = world.another(), team_of_two(world), DEADLINE + timedelta(hours=5)
    strangers = world.project(other, topic=world.single)
    before = attempt(world, project, began=DEADLINE + timedelta(hours=1))
    given = extend(
        assignment=world.assignment, projects=[project], delta=TWO_DAYS, by=world.staff, reason="Illness", now=over
    )[0]
    meanwhile = attempt(world, project, began=over)
    theirs = hand_in(
        project=strangers, by=other, uploads=[archive()], request_key=uuid.uuid4(), began_at=over, now=over
    )
    assert [is_counting(row) for row in (before, meanwhile, theirs)] == [True, True, False]
    said = moretime.take_back(HeldAct(references={"extensions": [given.pk]}), over + waits)
    assert said.endswith(f"Handed in while there was more time, and stays in time: {_names(project)}.")
    rows = [Submission.objects.get(pk=row.pk) for row in (before, meanwhile, theirs)]
    # What came before there was more time relied on nothing.
    assert [is_counting(row) for row in rows] == [False, True, False]
    again = moretime.take_back(HeldAct(references={"extensions": [given.pk]}), over + waits)
    assert again == "The deadlines are as before, and no mail leaves."


def _names(project: Project) -> str:
    return ", ".join(str(person.user) for person in members_of(project))


def test_nobody_hears_that_time_is_gone_of_which_no_mail_had_told_them(
    world: World,
    postbox: Postbox,  # noqa: F811
) -> None:
    project, told = team_of_two(world), ["projects.extended", "projects.extension-revoked"]
    for waits in (timedelta(hours=2), HOLD):
        Notice.objects.all().delete()
        given = give(world, projects=[project], delta=TWO_DAYS)[0]
        if waits == HOLD:
            deliver_due(now=NOW + HOLD)
        revoke_extension(extension=given, now=NOW + waits)
        # The mails of two hours were late: what was to be told first is not so any more.
        deliver_due(now=NOW + waits)
        states = Notice.objects.filter(kind__in=told).order_by("kind").distinct().values_list("kind", "state")
        state = "sent" if waits == HOLD else "dropped"
        assert list(states) == [(kind, state) for kind in told]
    assert [mail["Subject"].strip() for mail in postbox.mails] == [
        *["More time for your project: until Wed 10 Jul, 23:59 (Europe/Berlin)"] * 2,
        *["Your project's deadline is now Mon 8 Jul, 23:59 (Europe/Berlin)"] * 2,
    ]


def test_the_feeds_sequence_rises_when_an_extension_is_revoked(world: World) -> None:
    reconcile(world.course, now=NOW)
    world.project(topic=world.single)
    given = give(world, enrolment=world.student, delta=TWO_DAYS)[0]
    before = AgendaItem.objects.get(enrolment=world.student).sequence
    revoke_extension(extension=given, now=NOW)
    row = AgendaItem.objects.get(enrolment=world.student)
    assert (row.is_removed, row.sequence) == (True, before + 1)


def test_a_late_attempt_is_in_time_after_the_extension(world: World) -> None:
    project = team_of_two(world)
    attempt(world, project, began=DEADLINE + timedelta(hours=5))
    assert not Notice.objects.filter(kind="projects.late-accepted").exists()
    give(world, projects=[project], delta=timedelta(days=1))
    item = AgendaItem.objects.get(enrolment=world.student, key="projects.submission")
    assert item.is_done


def test_asking_and_granting(world: World) -> None:
    project = team_of_two(world)
    wish = request_extension(project=project, by=world.student, reason="Flu", wanted_until=DEADLINE + TWO_DAYS, now=NOW)
    staff = Notice.objects.filter(kind="projects.extension-asked").values_list("recipient__email", flat=True)
    assert sorted(staff) == ["assistant@example.org", "lecturer@example.org"]
    with pytest.raises(RuleViolation, match="asked already"):
        request_extension(project=project, by=world.other, reason="Me too", wanted_until=None, now=NOW)
    grant_request(request=wish, by=world.staff, due_at=DEADLINE + TWO_DAYS, now=NOW)
    wish.refresh_from_db()
    assert (wish.state, effective_deadline(project)) == ("granted", DEADLINE + TWO_DAYS)
    with pytest.raises(RuleViolation, match="decided already"):
        grant_request(request=wish, by=world.staff, delta=TWO_DAYS, now=NOW)


def test_what_is_granted_is_more_than_the_team_has(world: World) -> None:
    project = team_of_two(world)
    wish = request_extension(project=project, by=world.student, reason="Flu", wanted_until=None, now=NOW)
    give(world, delta=TWO_DAYS)
    with pytest.raises(RuleViolation, match="has time until Wed 10 Jul, 23:59") as refusal:
        grant_request(request=wish, by=world.staff, delta=timedelta(days=1), now=NOW)
    wish.refresh_from_db()
    assert (refusal.value.code, wish.state, Extension.objects.count()) == ("not-later", "open", 1)


def test_registration_goes_on_as_long_as_the_deadline_is_extended_for_all(world: World) -> None:
    later = DEADLINE + timedelta(hours=5)
    with pytest.raises(RuleViolation, match="Registration closed Mon 8 Jul, 23:59"):
        register_project(enrolment=world.student, topic=world.topic, now=later)
    give(world, delta=timedelta(days=1))
    assert register_project(enrolment=world.student, topic=world.topic, now=later).is_active
    Assignment.objects.update(registration_closes_at=DEADLINE)
    with pytest.raises(RuleViolation, match="Registration closed"):
        register_project(enrolment=world.other, topic=world.topic, now=later)


def test_declining_needs_an_answer(world: World) -> None:
    project = team_of_two(world)
    wish = request_extension(project=project, by=world.student, reason="Flu", wanted_until=None, now=NOW)
    with pytest.raises(RuleViolation, match="Say why"):
        decline_request(request=wish, by=world.staff, answer=" ", now=NOW)
    decline_request(request=wish, by=world.staff, answer="Too late", now=NOW)
    assert (effective_deadline(project), Notice.objects.filter(kind="projects.extension-declined").count()) == (
        DEADLINE,
        2,
    )


@pytest.mark.parametrize("is_granted", [True, False], ids=["granted", "declined"])
def test_a_decision_on_a_request_is_taken_back_before_it_is_told(world: World, is_granted: bool) -> None:
    project = team_of_two(world)
    wish = request_extension(project=project, by=world.student, reason="Flu", wanted_until=None, now=NOW)
    if is_granted:
        grant_request(request=wish, by=world.staff, delta=timedelta(days=2), now=NOW)
    else:
        decline_request(request=wish, by=world.staff, answer="Too late", now=NOW)
    with pytest.raises(RuleViolation, match="It is too late: it was told at"):
        reopen_request(request=wish, now=NOW + HOLD)
    reopen_request(request=wish, now=NOW + HOLD / 2)
    wish.refresh_from_db()
    assert (wish.state, wish.answer, wish.decided_by, effective_deadline(project)) == ("open", "", None, DEADLINE)
    letters = Notice.objects.filter(kind__startswith="projects.exten", recipient=world.student.user)
    assert [letter_kinds[notice.kind].writer(notice, NOW + HOLD) for notice in letters] == [None] * is_granted


def test_a_wish_is_taken_back(world: World) -> None:
    project = team_of_two(world)
    wish = request_extension(project=project, by=world.student, reason="Flu", wanted_until=None, now=NOW)
    take_request_back(request=wish, now=NOW)
    assert ExtensionRequest.objects.get().state == "withdrawn"
    assert request_extension(project=project, by=world.other, reason="Flu", wanted_until=None, now=NOW).state == "open"


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"due_at": DEADLINE}, "not-later"),
        ({}, "invalid"),
        ({"due_at": DEADLINE + TWO_DAYS, "delta": TWO_DAYS}, "invalid"),
        ({"delta": timedelta(0)}, "invalid"),
    ],
)
def test_an_extension_gives_time(world: World, values: dict[str, Any], code: str) -> None:
    with pytest.raises(RuleViolation) as refusal:
        give(world, projects=[world.project()], **values)
    assert (refusal.value.code, Extension.objects.count()) == (code, 0)


def test_an_extension_has_a_reason(world: World) -> None:
    with pytest.raises(RuleViolation, match="Say why"):
        extend(assignment=world.assignment, by=world.staff, reason=" ", delta=TWO_DAYS, now=NOW)


@pytest.mark.parametrize(
    ("constraint", "values"),
    [
        ("extension_for_one", {"project": True, "enrolment": True, "delta": TWO_DAYS}),
        ("extension_until_or_by", {}),
        ("extension_delta_positive", {"delta": timedelta(0)}),
    ],
)
def test_the_database_keeps_the_rules(world: World, constraint: str, values: dict[str, Any]) -> None:
    rows = {"project": world.project(), "enrolment": world.student}
    values = {name: rows[name] if value is True else value for name, value in values.items()}
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Extension.objects.create(
            course=world.course,
            assignment=world.assignment,
            reason="x",
            granted_at=NOW,
            granted_by=world.staff,
            **values,
        )


def test_a_moved_deadline_moves_everyones_variant(world: World) -> None:
    reconcile(world.course, now=NOW)
    delta, fixed, done = world.project(topic=world.single), world.project(world.other), world.project(world.another())
    give(world, projects=[delta], delta=TWO_DAYS)
    give(world, projects=[fixed], due_at=DEADLINE + timedelta(days=3))
    attempt(world, delta)
    ends = dict(feed_ends(world))
    assert ends[None] == DEADLINE
    for moved in (DEADLINE + timedelta(days=7), DEADLINE):
        Assignment.objects.update(due_at=moved)
        reconcile(world.course, now=NOW + timedelta(hours=1))
        ends = dict(feed_ends(world))
        assert ends[None] == moved
        assert ends["student@example.org"] == moved + TWO_DAYS
        assert ends.get("other@example.org") == (None if moved > DEADLINE else DEADLINE + timedelta(days=3))
    assert done.is_active


def test_more_time_that_is_none_is_refused_at_the_desk_too(world: World) -> None:
    project = team_of_two(world)
    give(world, delta=timedelta(days=4))
    for whom in ({"projects": [project]}, {"enrolment": world.student}, {}):
        with pytest.raises(RuleViolation, match="until Fri 12 Jul, 23:59") as refusal:
            give(world, delta=TWO_DAYS, **whom)
        assert refusal.value.code == "not-later"
    assert Extension.objects.count() == 1


def test_of_many_teams_those_that_have_as_much_time_are_left_out(world: World) -> None:
    project, single = team_of_two(world), world.project(world.another(), topic=world.single)
    give(world, projects=[project], delta=timedelta(days=4))
    told = Notice.objects.count()
    assert [extension.project for extension in give(world, projects=[project, single], delta=TWO_DAYS)] == [single]
    assert (Extension.objects.count(), Notice.objects.count()) == (2, told + 1)


def test_a_team_that_asks_and_takes_back_all_day_reaches_the_staff_five_times(world: World) -> None:
    project = team_of_two(world)
    refused = []
    for number in range(25):
        by, now = (world.student, world.other)[number % 2], NOW + timedelta(seconds=number)
        try:
            request = request_extension(project=project, by=by, reason="Ill", wanted_until=None, now=now)
        except RuleViolation as violation:
            refused.append(violation)
        else:
            take_request_back(request=request, now=now)
    assert {refusal.code for refusal in refused} == {"too-often"}
    assert "Ask again in 1\xa0day" in str(refused[-1].message)
    staff = Enrolment.objects.staff().filter(course=world.course).count()
    assert Notice.objects.filter(kind="projects.extension-asked").count() == 5 * staff
    request_extension(project=project, by=world.student, reason="Ill", wanted_until=None, now=NOW + timedelta(days=1))


def test_a_decision_leads_back_to_the_list_as_one_left_it(world: World, settings: Settings) -> None:
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    wish = request_extension(project=team_of_two(world), by=world.student, reason="Flu", wanted_until=None, now=NOW)
    page = reverse("admin:projects_extensionrequest_change", args=[wish.pk])
    left = "state__exact=open&q=Größe"
    answer = world.cast.client("assistant").post(
        f"{page}?{urlencode({'_changelist_filters': left})}", {"decline": "1", "answer": "Too late"}
    )
    path, _mark, query = answer["Location"].partition("?")
    assert path == reverse("admin:projects_extensionrequest_changelist")
    assert parse_qs(query) == {"state__exact": ["open"], "q": ["Größe"]}


def test_time_that_is_over_is_given_and_told_as_what_it_is(world: World, settings: Settings) -> None:
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    desk, address = world.cast.client("assistant"), reverse("admin:projects_extension_add")
    values = {"kind": "sheet", "title": "Blatt 1", "topics_given": "", "teaming": "alone"}
    sheet = Assignment.objects.create(course=world.course, position=2, due_at=DEADLINE, **values)
    data = {"course": world.course.pk, "assignment": sheet.pk, "days": "1", "reason": "Ausfall"}
    page = desk.post(address, data, follow=True).content.decode()
    assert "is over already: what came late by then is in time" in page
    # Whoever sees it held back knows for whom and for what it is.
    assert HeldAct.objects.get().title == "More time for everyone: Blatt 1"
    notice = Notice.objects.filter(kind="projects.extended").first()
    assert notice is not None
    letter = letter_kinds["projects.extended"].writer(notice, timezone.now())
    assert letter is not None
    assert "you could hand in until Tue 9 Jul 2024" in letter.subject
    assert "What was handed in by then is in time." in letter.text
    ahead = {**data, "days": "", "until": f"{timezone.now() + TWO_DAYS:%Y-%m-%dT%H:%M}"}
    assert "is over already" not in desk.post(address, ahead, follow=True).content.decode()


def test_a_moved_deadline_is_told_to_each_with_the_date_that_is_theirs(world: World, postbox: Postbox) -> None:  # noqa: F811
    with quietly():
        reconcile(world.course, now=NOW)
    project, theirs = team_of_two(world), world.another()
    stays = register_project(enrolment=theirs, topic=world.single, now=NOW)
    give(world, projects=[project], delta=TWO_DAYS)
    give(world, projects=[stays], due_at=DEADLINE + timedelta(days=9))
    without = world.another()
    later = NOW + timedelta(hours=1)
    Assignment.objects.filter(pk=world.assignment.pk).update(due_at=DEADLINE - timedelta(days=7))
    reconcile(world.course, now=later)
    tell_changes(now=later + timedelta(hours=1))
    deliver_due(now=later + timedelta(hours=1))
    moved = [mail for mail in postbox.mails if mail["Subject"].startswith("Moved")]
    said = {parseaddr(mail["To"])[1]: " ".join(mail.get_body(("plain",)).get_content().split()) for mail in moved}
    assert "Project submission deadline: Mon 8 Jul 2024, 23:59 → Mon 1 Jul 2024, 23:59" in said[without.user.email]
    own = "Project submission deadline: Wed 3 Jul 2024, 23:59 (yours; that of the others: Mon 1 Jul 2024, 23:59)"
    for person in (world.student, world.other):
        assert own in said[person.user.email]
        assert "Mon 8 Jul" not in said[person.user.email]
    # Theirs, which was given as a date, is where it was.
    assert theirs.user.email not in said
