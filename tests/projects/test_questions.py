"""Questions about points: asked once, in time, answered with a mail; and who is excused, the pass mark, snippets."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from amls.agenda.feeds import coming_items, personal_feed_url
from amls.agenda.models import AgendaItem
from amls.core.preview import SEAL, without_trace
from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment
from amls.grading.facts import facts_of
from amls.grading.tasks import TaskWish
from amls.grading.tree import AllBlock, PointsBlock
from amls.grading.words import findings_of
from amls.held.models import HeldAct
from amls.held.services import HOLD
from amls.mail.letters import letter_kinds
from amls.mail.models import Notice
from amls.mail.still_due import still_due
from amls.privacy.registry import delete_account, everything_about, forget_people_of
from projects.addresses import KEYS, QUESTIONS, address_of, key_of
from projects.hooks.agenda import personal_items
from projects.models import (
    Assessment,
    Assignment,
    CommentSnippet,
    Excuse,
    Membership,
    PointsQuestion,
    Project,
    TaskPoints,
)
from projects.services.assessing import publish_assessments
from projects.services.assignments import keep_assignment
from projects.services.excuses import HELD_BACK, end_excuse, excuse
from projects.services.points import give_points, set_tasks, team_for_points
from projects.services.questions import (
    answer_question,
    ask_about_points,
    asks_until,
    follow_questions,
    take_answer_back,
    version_of_question,
)
from projects.services.registration import leave_team, register_project
from projects.services.snippets import keep_snippets
from projects.services.teamsheets import Given
from tests.projects.conftest import NOW, World

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_factor")]
D = Decimal
WHY = "Größe von Graphen: Warum fehlen 2 Punkte, Teil b stand auf der Rückseite?"


@pytest.fixture
def sheet(world: World) -> Assignment:
    sheet = Assignment.objects.create(
        course=world.course, kind="sheet", title="Blatt 5", position=5, topics_given="", grading="points", max_points=D(20),
        teaming="kept", team_max=2, hand_in="paper", due_at=NOW - timedelta(days=1),
    )  # fmt: skip
    wishes = [TaskWish("Induktion", D(8)), TaskWish("Größe von Graphen", D(12))]
    set_tasks(assignment=sheet, tasks=wishes, by=world.staff, now=NOW)
    sheet.refresh_from_db()
    return sheet


def published(world: World, sheet: Assignment, *points: str, now: Any = NOW) -> Project:
    team = team_for_points(enrolment=world.student, assignment=sheet, now=now)
    if not Membership.objects.filter(project=team, enrolment=world.other).exists():
        Membership.objects.create(project=team, assignment=sheet, enrolment=world.other, joined_at=now)
    given = {task.pk: Given(D(text), "knapp") for task, text in zip(sheet.tasks.all(), points, strict=True)}
    give_points(project=team, given=given, by=world.staff, now=now)
    publish_assessments(projects=[team], now=now)
    return team


def task_of(sheet: Assignment, place: int = 1) -> int:
    return list(sheet.tasks.values_list("pk", flat=True))[place]


def ask(world: World, sheet: Assignment, team: Project, **values: Any) -> PointsQuestion:
    kept = {"project": team, "task": task_of(sheet), "by": world.student, "text": WHY, "now": NOW + timedelta(days=1)}
    return ask_about_points(**{**kept, **values})


def letters(kind: str) -> list[tuple[int | None, str]]:
    said = []
    for notice in Notice.objects.filter(kind=kind).order_by("pk"):
        letter = letter_kinds[kind].writer(notice, NOW + timedelta(days=1))
        said.append((notice.recipient_id, letter.text if letter is not None else ""))
    return said


def test_each_task_is_asked_about_once(world: World, sheet: Assignment) -> None:
    team = published(world, sheet, "8", "9.5")
    question = ask(world, sheet, team)
    assert ask(world, sheet, team) == question
    with pytest.raises(RuleViolation) as refused:
        ask(world, sheet, team, text="Und überhaupt?")
    assert refused.value.code == "asked-already"
    ask(world, sheet, team, by=world.other)
    ask(world, sheet, team, task=task_of(sheet, 0))
    assert PointsQuestion.objects.count() == 3


def test_questions_end_with_a_day_by_the_clock_of_the_course(world: World, sheet: Assignment) -> None:
    team = published(world, sheet, "8", "9.5")
    until = asks_until(sheet, NOW)
    assert until is not None
    # May 6 and seven days, until the last minute of the day in Berlin.
    assert until.isoformat() == "2024-05-13T22:00:00+00:00"
    ask(world, sheet, team, now=until - timedelta(seconds=1))
    with pytest.raises(RuleViolation) as refused:
        ask(world, sheet, team, now=until, by=world.other)
    assert refused.value.code == "too-late"
    assert ask(world, sheet, team, now=until).text == WHY


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"task": None}, "no-task"),
        ({"text": "  "}, "invalid"),
        ({"by": "another"}, "not-a-member"),
    ],
)
def test_what_is_no_question_is_refused(world: World, sheet: Assignment, change: dict[str, Any], code: str) -> None:
    team = published(world, sheet, "8", "9.5")
    if change.get("by"):
        change = {"by": world.another()}
    with pytest.raises(RuleViolation) as refused:
        ask(world, sheet, team, **change)
    assert refused.value.code == code


def test_who_is_excused_asks_about_no_points(world: World, sheet: Assignment) -> None:
    team = published(world, sheet, "8", "9.5", now=timezone.now())
    client = world.cast.client("student")
    assert "Ask about this" in client.get(address_of(sheet, "my_points")).content.decode()
    excuse(enrolment=world.student, assignment=sheet, by=world.staff, now=timezone.now())
    page = client.get(address_of(sheet, "my_points")).content.decode()
    assert "Ask about this" not in page
    assert "You may ask once" not in page
    with pytest.raises(RuleViolation) as refused:
        ask(world, sheet, team, now=timezone.now())
    assert refused.value.code == "excused"


def test_the_page_says_until_when_could_be_asked(world: World, sheet: Assignment) -> None:
    published(world, sheet, "8", "9.5", now=timezone.now() - timedelta(days=30))
    page = " ".join(world.cast.client("student").get(address_of(sheet, "my_points")).content.decode().split())
    assert "Questions about these points could be asked until" in page
    assert "Ask amls@example.org." in page
    Assignment.objects.filter(pk=sheet.pk).update(question_days=0)
    assert "could be asked" not in world.cast.client("student").get(address_of(sheet, "my_points")).content.decode()


def test_without_days_or_publication_nobody_asks(world: World, sheet: Assignment) -> None:
    team = team_for_points(enrolment=world.student, assignment=sheet, now=NOW)
    give_points(project=team, given={task_of(sheet): Given(D(1))}, by=world.staff, now=NOW)
    with pytest.raises(RuleViolation) as refused:
        ask(world, sheet, team)
    assert refused.value.code == "no-questions"
    team = published(world, sheet, "8", "9.5")
    Assignment.objects.filter(pk=sheet.pk).update(question_days=0)
    with pytest.raises(RuleViolation) as refused:
        ask(world, sheet, team)
    assert refused.value.code == "no-questions"


def test_an_answer_corrects_the_points_and_the_mails_say_why(world: World, sheet: Assignment) -> None:
    team = published(world, sheet, "8", "9.5")
    question, later = ask(world, sheet, team), NOW + timedelta(days=2)
    answer = "Stimmt, die Rückseite war übersehen."
    answer_question(question=question, answer=answer, points=D("11.5"), by=world.staff, now=later)
    points = TaskPoints.objects.get(task=task_of(sheet))
    assert (points.points, points.comment, Assessment.objects.get().correction) == (D("11.5"), "knapp", answer)
    [(who, said)] = letters("projects.question-answered")
    assert who == world.student.user_id
    assert answer.rstrip(".") in said.replace("\\", "")
    subjects = Notice.objects.filter(kind="projects.result-changed")
    said_in = {letter_kinds[notice.kind].writer(notice, later) for notice in subjects}
    assert {letter.subject for letter in said_in if letter is not None} == {f"Your result was changed: {sheet.title}"}
    changed = letters("projects.result-changed")
    assert {who for who, _said in changed} == {world.student.user_id, world.other.user_id}
    assert all("Rückseite war übersehen" in said for _who, said in changed)
    answer_question(question=question, answer=answer, points=D("11.5"), by=world.staff, now=later + timedelta(hours=1))
    assert len(letters("projects.question-answered")) == 1


def test_the_own_points_of_a_member_are_what_is_corrected(world: World, sheet: Assignment) -> None:
    team = published(world, sheet, "8", "9.5")
    own = {world.student.pk: {task_of(sheet): Given(D(3)), task_of(sheet, 0): Given(D(1))}}
    give_points(project=team, given={}, members=own, reason="Vortrag", by=world.staff, now=NOW)
    question = ask(world, sheet, team)
    answer_question(question=question, answer="Ja.", points=D(5), by=world.staff, now=NOW + timedelta(days=2))
    rows = TaskPoints.objects.order_by("enrolment", "task").values_list("enrolment", "task", "points")
    assert sorted(rows, key=str) == sorted(
        [
            (world.student.pk, task_of(sheet, 0), D(1)), (world.student.pk, task_of(sheet), D(5)),
            (None, task_of(sheet, 0), D(8)), (None, task_of(sheet), D("9.5")),
        ],
        key=str,
    )  # fmt: skip


def test_an_answer_with_points_that_there_are_not_changes_nothing(world: World, sheet: Assignment) -> None:
    team = published(world, sheet, "8", "9.5")
    question = ask(world, sheet, team)
    with pytest.raises(RuleViolation):
        answer_question(question=question, answer="Ja.", points=D(13), by=world.staff, now=NOW)
    question.refresh_from_db()
    assert (question.answered_at, letters("projects.question-answered")) == (None, [])


def test_the_page_takes_a_question_and_the_desk_answers_it(world: World, sheet: Assignment) -> None:
    published(world, sheet, "8", "9.5", now=timezone.now())
    mine = f"/{world.course.slug}/assignments/{sheet.pk}/points/"
    student, staff = world.cast.client("student"), world.cast.client("assistant")
    assert student.post(mine, {f"{task_of(sheet)}-text": WHY}).status_code == 302
    assert "Größe von Graphen: Warum" in student.get(mine).content.decode()
    first_page = staff.get("/admin/").content.decode()
    address = reverse("projects:questions", args=[world.course.slug, sheet.pk])
    assert f'href="{address}"' in first_page
    question = PointsQuestion.objects.get()
    wrong = staff.post(address, typed(question, answer="Ja.", points="99"))
    assert wrong.status_code == 422
    assert staff.post(address, typed(question, answer="Ja.", points="12")).status_code == 302
    assert f'href="{address}"' not in staff.get("/admin/").content.decode()
    assert "20 / 20" not in student.get(mine).content.decode()
    assert "12 / 12" in student.get(mine).content.decode()


def test_all_questions_that_were_written_are_sent_and_one_that_is_refused_stays_as_typed(
    world: World, sheet: Assignment
) -> None:
    team = published(world, sheet, "8", "9.5", now=timezone.now())
    address, student = address_of(sheet, "my_points"), world.cast.client("student")
    first, second = task_of(sheet, 0), task_of(sheet)
    page = student.get(address)
    (form,) = BeautifulSoup(page.content, "html.parser").select("main form[method=post]")
    assert {area["name"] for area in form.select("textarea")} == {f"{first}-text", f"{second}-text"}
    # From another device they asked about the first one since.
    ask(world, sheet, team, task=first, now=timezone.now())
    answer = student.post(address, {f"{first}-text": "Und sonst?", f"{second}-text": WHY})
    assert answer.status_code == 422
    assert set(PointsQuestion.objects.values_list("task", "text")) == {(first, WHY), (second, WHY)}
    assert "You have asked about this task already." in answer.text
    typed_again = BeautifulSoup(answer.content, "html.parser").select_one(f'textarea[name="{first}-text"]')
    assert typed_again is not None
    assert typed_again.text.strip() == "Und sonst?"
    assert "Your question is with the staff." in answer.text
    assert "you wrote no question" in student.post(address, {}, follow=True).text


def test_an_answer_is_taken_back_with_its_points_before_it_is_told(world: World, sheet: Assignment) -> None:
    team = published(world, sheet, "8", "9.5", now=timezone.now())
    mine = f"/{world.course.slug}/assignments/{sheet.pk}/points/"
    world.cast.client("student").post(mine, {f"{task_of(sheet)}-text": WHY})
    staff, address = world.cast.client("assistant"), reverse("projects:questions", args=[world.course.slug, sheet.pk])
    question = PointsQuestion.objects.get()
    sent = typed(question, answer="Doch.", points="12")
    page = staff.post(address, sent, follow=True).content.decode()
    undo = reverse("held:undo", args=[world.course.slug, HeldAct.objects.get().pk])
    assert f'action="{undo}"' in page
    (told,) = Notice.objects.filter(kind="projects.question-answered")
    assert told.not_before - told.created_at == HOLD
    assert Notice.objects.filter(kind="projects.result-changed").exists()
    staff.post(undo)
    question.refresh_from_db()
    assert (question.answer, question.answered_at) == ("", None)
    given = TaskPoints.objects.get(assessment__project=team, task=task_of(sheet))
    assert (given.points, given.comment) == (D("9.5"), "knapp")
    assert Assessment.objects.get(project=team).correction == ""
    assert not Notice.objects.filter(kind__in=["projects.question-answered", "projects.result-changed"]).exists()
    answer_question(question=question, answer="Nein.", by=world.staff, now=NOW)
    with pytest.raises(RuleViolation, match="It is too late: it was told at"):
        take_answer_back(question=question, now=NOW + HOLD)


def typed(question: PointsQuestion, **values: str) -> dict[str, str]:
    """Return what a page sends of a question's form, by the names of its fields."""
    return {f"{question.pk}-{name}": value for name, value in values.items()}


def open_page(client: Client, address: str) -> dict[str, str]:
    """Return what the page sends as it stands now, before somebody types."""
    sent: dict[str, str] = {}
    answer = client.get(address)
    for entry in [*answer.context["open_ones"], *answer.context["answered"]]:
        said = entry["question"].answer
        sent |= {f"initial-{entry['form'].add_prefix('answer')}": said}
        sent |= typed(entry["question"], seen=entry["seen"], answer=said, points="")
    return sent


def test_an_answer_from_a_page_still_open_leaves_the_points_that_a_colleague_corrected(
    world: World, sheet: Assignment
) -> None:
    """Two of one team ask about one task; what nobody touched is not sent, and what is otherwise now is said."""
    team = published(world, sheet, "8", "3.5", now=timezone.now())
    asked = [ask(world, sheet, team, by=person, now=timezone.now()) for person in (world.student, world.other)]
    staff, colleague = world.cast.client("lecturer"), world.cast.client("assistant")
    address = reverse("projects:questions", args=[world.course.slug, sheet.pk])
    first, second = open_page(staff, address), open_page(colleague, address)
    assert staff.post(address, first | typed(asked[0], answer="Stimmt, 4,5", points="4,5")).status_code == 302
    refused = colleague.post(address, second | typed(asked[1], answer="Nein, so bleibt es"))
    assert refused.status_code == 422
    said = refused.content.decode()
    assert "changed the points or the answer meanwhile" in said
    assert "Nein, so bleibt es" in said
    assert "4.5 / 12" in said
    given = TaskPoints.objects.get(assessment__project=team, task=task_of(sheet))
    assert (given.points, Assessment.objects.get(project=team).correction) == (D("4.5"), "Stimmt, 4,5")
    assert [who for who, _said in letters("projects.question-answered")] == [world.student.user_id]
    again = open_page(colleague, address) | typed(asked[1], answer="Ja, siehe Sam")
    assert colleague.post(address, again).status_code == 302
    given.refresh_from_db()
    assert (given.points, Assessment.objects.get(project=team).correction) == (D("4.5"), "Stimmt, 4,5")


def test_all_answers_that_were_written_are_sent_and_what_is_refused_stays_as_it_was_typed(
    world: World, sheet: Assignment
) -> None:
    team = published(world, sheet, "8", "3.5", now=timezone.now())
    now = timezone.now()
    kept, wrong = (ask(world, sheet, team, by=person, now=now) for person in (world.student, world.other))
    corrected, silent = (
        ask(world, sheet, team, task=task_of(sheet, 0), by=person, now=now) for person in (world.student, world.other)
    )
    staff = world.cast.client("assistant")
    address = reverse("projects:questions", args=[world.course.slug, sheet.pk])
    sent = open_page(staff, address) | typed(kept, answer="So ist es.") | typed(corrected, answer="Ja.", points="7")
    answer = staff.post(address, sent | typed(wrong, answer="Schon richtig gezählt", points="99"))
    assert answer.status_code == 422
    assert ">\nSchon richtig gezählt</textarea>" in answer.content.decode()
    assert "99" in answer.content.decode()
    said = {row.pk: row.answer for row in PointsQuestion.objects.all()}
    assert said == {kept.pk: "So ist es.", corrected.pk: "Ja.", wrong.pk: "", silent.pk: ""}
    assert [str(row.points.normalize()) for row in TaskPoints.objects.order_by("task")] == ["7", "3.5"]
    # Both of a team are answered at once, the one's answer says what becomes of the points, the other's leaves them.
    sent = open_page(staff, address) | typed(wrong, answer="Doch.", points="5") | typed(silent, answer="Siehe oben.")
    assert staff.post(address, sent).status_code == 302
    assert not PointsQuestion.objects.filter(answered_at=None).exists()
    # Nobody typed, nothing is answered anew.
    before = list(PointsQuestion.objects.order_by("pk").values())
    assert staff.post(address, open_page(staff, address)).status_code == 302
    assert list(PointsQuestion.objects.order_by("pk").values()) == before


def test_what_a_colleague_answered_since_was_not_typed_here(world: World, sheet: Assignment) -> None:
    team = published(world, sheet, "8", "3.5", now=timezone.now())
    asked = [ask(world, sheet, team, by=person, now=timezone.now()) for person in (world.student, world.other)]
    answer_question(question=asked[0], answer="Nein.", by=world.staff, now=timezone.now())
    staff = world.cast.client("assistant")
    address = reverse("projects:questions", args=[world.course.slug, sheet.pk])
    still_open = open_page(staff, address)
    answer_question(question=asked[0], answer="Doch.", by=world.staff, now=timezone.now())
    assert staff.post(address, still_open | typed(asked[1], answer="Ja.")).status_code == 302
    assert list(PointsQuestion.objects.order_by("pk").values_list("answer", flat=True)) == ["Doch.", "Ja."]


def test_an_answer_is_not_overwritten_unseen(world: World, sheet: Assignment) -> None:
    team = published(world, sheet, "8", "9.5")
    question, seen = ask(world, sheet, team), version_of_question(PointsQuestion(), D("9.50"))
    answer_question(question=question, answer="Ja.", points=D(10), seen=seen, by=world.staff, now=NOW)
    with pytest.raises(RuleViolation, match="changed the points or the answer meanwhile") as refused:
        answer_question(question=question, answer="Nein.", seen=seen, by=world.cast.lecturer.user, now=NOW)
    assert (refused.value.code, str(world.staff) in str(refused.value.message)) == ("changed-meanwhile", True)
    question.refresh_from_db()
    assert question.answer == "Ja."
    # Who gives the very points that stand by now contradicts nobody.
    other = ask(world, sheet, team, by=world.other)
    answer_question(question=other, answer="Ja.", points=D(10), seen=seen, by=world.staff, now=NOW)


def test_no_points_of_ones_own_are_points(world: World, sheet: Assignment) -> None:
    team = published(world, sheet, "8", "9.5", now=timezone.now())
    own = {world.student.pk: {task_of(sheet): Given(D(0))}}
    give_points(project=team, given={}, members=own, reason="fehlte", by=world.staff, now=timezone.now())
    question = ask(world, sheet, team, now=timezone.now())
    address = reverse("projects:questions", args=[world.course.slug, sheet.pk])
    staff = world.cast.client("assistant")
    assert "0 / 12" in staff.get(address).content.decode()
    assert staff.post(address, open_page(staff, address) | typed(question, answer="So ist es.")).status_code == 302
    assert TaskPoints.objects.get(enrolment=world.student, task=task_of(sheet)).points == 0


def test_a_classmate_asks_only_about_their_own(world: World, sheet: Assignment) -> None:
    published(world, sheet, "8", "9.5", now=timezone.now())
    client = Client()
    client.force_login(world.another().user, backend="amls.courses.accounts.AccountBackend")
    address = f"/{world.course.slug}/assignments/{sheet.pk}/points/"
    assert client.get(address).status_code == 404
    assert client.post(address, {f"{task_of(sheet)}-text": "?"}).status_code == 404
    assert PointsQuestion.objects.count() == 0


def test_a_person_gets_their_questions_and_takes_them_along(world: World, sheet: Assignment) -> None:
    team = published(world, sheet, "8", "9.5")
    ask(world, sheet, team)
    ask(world, sheet, team, by=world.other, text="Meine Frage")
    told = dict(everything_about(world.student.user))["projects/questions.json"]
    assert [row["text"] for row in told] == [WHY]
    delete_account(user=world.other.user, now=NOW)
    assert [row.text for row in PointsQuestion.objects.all()] == [WHY]
    forget_people_of([world.course.pk])
    assert not PointsQuestion.objects.exists()
    assert not PointsQuestion.events.rel.related_model.objects.exists()  # type: ignore[attr-defined]


def test_the_database_refuses_what_the_services_do(world: World, sheet: Assignment) -> None:
    question = ask(world, sheet, published(world, sheet, "8", "9.5"))
    kept = {"assessment": question.assessment, "task_id": question.task_id, "enrolment": question.enrolment}
    for wrong in (
        kept | {"text": "x"},
        kept | {"enrolment": world.other, "text": ""},
        kept | {"enrolment": world.other, "text": "x", "answer": "y"},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            PointsQuestion.objects.create(asked_at=NOW, **wrong)
    for name, value in (("pass_percent", 0), ("pass_percent", 101), ("question_days", 366)):
        with pytest.raises(IntegrityError), transaction.atomic():
            Assignment.objects.filter(pk=sheet.pk).update(**{name: value})


# ── excused ──


def test_who_is_excused_is_told_and_it_is_taken_out_of_what_could_be_reached(world: World, sheet: Assignment) -> None:
    published(world, sheet, "8", "2")
    Assignment.objects.create(
        course=world.course, kind="sheet", title="Blatt 6", position=6, topics_given="", grading="points",
        max_points=D(20), teaming="alone", hand_in="paper", due_at=NOW + timedelta(days=9),
    )  # fmt: skip

    def said(person: Enrolment) -> str:
        return findings_of(AllBlock((PointsBlock(),)), facts_of(world.course, [person], now=NOW)[person.pk])[0].text

    before = said(world.student)
    assert "10 of 40 points, 20 are needed" in before
    later = Assignment.objects.get(title="Blatt 6")
    excuse(enrolment=world.student, assignment=later, by=world.staff, now=NOW, reason="Prüfung am selben Tag")
    assert said(world.student).endswith("10 of 20 points")
    assert said(world.other) == before
    [(who, text)] = letters("projects.excused")
    assert who == world.student.user_id
    assert "Prüfung am selben Tag" in text


@pytest.mark.parametrize("is_graded", [True, False])
def test_who_is_excused_reads_so_and_why_where_the_assignment_is(
    world: World, sheet: Assignment, *, is_graded: bool
) -> None:
    if is_graded:
        published(world, sheet, "8", "9.5")
    excuse(enrolment=world.student, assignment=sheet, by=world.staff, now=NOW, reason="Prüfung am selben Tag")
    for page in ("mine", "my_points") if is_graded else ("mine",):
        said = world.cast.client("student").get(address_of(sheet, page)).content.decode()
        assert "this assignment counts neither for nor against you" in said
        assert "Reason: Prüfung am selben Tag" in said
        assert ("excused, does not count" in said) == is_graded
        others = Client()
        others.force_login(world.other.user, backend="amls.courses.accounts.AccountBackend")
        assert "excused" not in others.get(address_of(sheet, page)).content.decode().lower()


@pytest.mark.parametrize("has_team", [True, False])
def test_who_is_excused_from_the_project_reads_so_on_its_tile(world: World, *, has_team: bool) -> None:
    world.assignment.due_at = timezone.now() + timedelta(days=9)
    keep_assignment(world.assignment, now=timezone.now())
    if has_team:
        register_project(enrolment=world.student, topic=world.single, now=timezone.now())
    client = world.cast.client("student")

    def tile(page: str) -> str:
        said = client.get(page).content.decode().split('aria-labelledby="project-tile"')[1]
        return " ".join(said.split("</section>")[0].split())

    asked = 'btn go" href="/amls/projects/mine/submit/"' if has_team else ">Choose a topic</a>"
    pages = ("/amls/", "/amls/me/")
    assert [asked in tile(page) for page in pages] == [True, True]
    excuse(enrolment=world.student, assignment=world.assignment, by=world.staff, now=timezone.now())
    for page in pages:
        assert asked not in tile(page)
        assert "this assignment counts neither for nor against you." in tile(page)
    end_excuse(enrolment=world.student, assignment=world.assignment, now=timezone.now())
    assert [asked in tile(page) for page in pages] == [True, True]


def test_nothing_is_due_any_more_for_who_is_excused_until_that_ends(world: World) -> None:
    due_at = timezone.now() + timedelta(days=3)
    row = Assignment(
        course=world.course, kind="sheet", title="Blatt 7", position=7, topics_given="", grading="passed", teaming="kept",
        team_max=2, hand_in="files", due_at=due_at,
    )  # fmt: skip
    keep_assignment(row, now=timezone.now())
    Assignment.objects.exclude(pk=row.pk).delete()
    client, feed = world.cast.client("student"), Client()

    def read() -> tuple[bool, bool, bool, bool]:
        home = client.get("/amls/").content.decode()
        calendar = feed.get(personal_feed_url(world.student)).content.decode()
        page = client.get(address_of(row)).content.decode()
        return "Next deadline" in home, "✓ Blatt 7 due" in calendar, "Invite somebody" in page, "btn go" in page

    asked = (True, False, True, True)
    assert read() == asked
    excuse(enrolment=world.student, assignment=row, by=world.staff, now=timezone.now())
    assert read() == (False, True, False, False)
    assert AgendaItem.objects.filter(key=key_of(row, "due"), is_done=True).count() == 1
    end_excuse(enrolment=world.student, assignment=row, now=timezone.now())
    assert read() == asked


def test_an_excuse_that_is_taken_back_at_once_is_no_mail(world: World, sheet: Assignment) -> None:
    excuse(enrolment=world.student, assignment=sheet, by=world.staff, now=NOW)
    end_excuse(enrolment=world.student, assignment=sheet, now=NOW + timedelta(minutes=1))
    end_excuse(enrolment=world.student, assignment=sheet, now=NOW + timedelta(minutes=1))
    assert letters("projects.excused") == [(world.student.user_id, "")]
    assert letters("projects.excuse-ended") == []
    excuse(enrolment=world.student, assignment=sheet, by=world.staff, now=NOW)
    end_excuse(enrolment=world.student, assignment=sheet, now=NOW + HELD_BACK)
    assert [who for who, text in letters("projects.excuse-ended") if text] == [world.student.user_id]
    events: Any = Excuse.events.rel.related_model.objects  # type: ignore[attr-defined]
    assert events.filter(pgh_label="delete").count() == 2


@pytest.mark.parametrize("hand_in", ["paper", "files"])
def test_who_is_excused_is_not_reminded(world: World, sheet: Assignment, hand_in: str) -> None:
    Assignment.objects.filter(pk=sheet.pk).update(hand_in=hand_in)
    key = key_of(sheet, "due")
    people = [world.student, world.other]
    excuse(enrolment=world.student, assignment=sheet, by=world.staff, now=NOW)
    assert set(still_due[KEYS](world.course, key, people, NOW)) == {world.other.pk}


def test_the_page_excuses_and_takes_back(world: World, sheet: Assignment) -> None:
    client = world.cast.client("assistant")
    address = reverse("projects:excuses", args=[world.course.slug, sheet.pk])
    sent = {"enrolment": world.student.pk, "reason": "Exkursion"}
    assert client.post(address, sent).status_code == 302
    row = Excuse.objects.get()
    assert (row.reason, row.by) == ("Exkursion", world.staff)
    assert client.post(address, {"enrolment": world.cast.lecturer.pk}).status_code == 422
    assert client.post(address, {"end": row.pk}).status_code == 302
    assert not Excuse.objects.exists()


# ── pass mark ──


def test_another_pass_mark_is_shown_with_what_it_changes_and_published_ones_need_a_reason(
    world: World, sheet: Assignment
) -> None:
    published(world, sheet, "6", "4")
    assert Assessment.objects.get().outcome == "passed"
    wishes = [TaskWish(task.title, task.max_points, task.pk) for task in sheet.tasks.all()]
    change = {"assignment": sheet, "tasks": wishes, "by": world.staff, "now": NOW, "pass_percent": 60}
    shown = without_trace(lambda: set_tasks(**change, reason="–"))
    assert [(row.before.outcome, row.after.outcome) for row in shown] == [("passed", "failed")]
    with pytest.raises(RuleViolation) as refused:
        set_tasks(**change)
    assert refused.value.code == "no-reason"
    client = world.cast.client("assistant")
    address = reverse("projects:tasks", args=[world.course.slug, sheet.pk])
    lines = "\n".join(f"{task.title} | {task.max_points}" for task in sheet.tasks.all())
    sent = {"lines": lines, "pass_percent": "60", "reason": "Beschluss vom 3. Mai"}
    page = client.post(address, sent)
    assert page.status_code == 200
    agreed = {**sent, "_agreed": "1", SEAL: page.context["preview"].seal}
    assert client.post(address, agreed).status_code == 302
    row = Assessment.objects.get()
    assert (row.outcome, row.correction) == ("failed", "Beschluss vom 3. Mai")
    assert client.post(address, {**sent, "pass_percent": "0"}).status_code == 422
    # Exactly the mark passes.
    set_tasks(**{**change, "pass_percent": 50}, reason="zurück")
    assert Assessment.objects.get().outcome == "passed"


# ── snippets ──


def test_snippets_are_kept_in_order_and_stand_where_points_are_given(world: World, sheet: Assignment) -> None:
    client = world.cast.client("assistant")
    address = reverse("projects:snippets", args=[world.course.slug])
    lines = "Induktionsanfang fehlt\r\n\r\nRechenfehler, Folgefehler zählt nicht\r\nInduktionsanfang fehlt"
    assert client.post(address, {"lines": lines}).status_code == 302
    texts = ["Induktionsanfang fehlt", "Rechenfehler, Folgefehler zählt nicht"]
    assert list(CommentSnippet.objects.values_list("text", flat=True)) == texts
    keep_snippets(course=world.course, texts=[texts[1], texts[0]], now=NOW)
    assert list(CommentSnippet.objects.values_list("text", flat=True)) == texts[::-1]
    team = team_for_points(enrolment=world.student, assignment=sheet, now=NOW)
    shown = client.get(reverse("admin:projects_project_assess", args=[team.pk])).content.decode()
    for text in texts:
        assert f"<span data-snippet>{text}</span>" in shown
    assert client.post(address, {"lines": "x" * 1001}).status_code == 422


def own_dates(person: Enrolment, now: Any = NOW) -> list[tuple[str, Any]]:
    items = coming_items(Enrolment.objects.select_related("course").get(pk=person.pk), now=now)
    return [(item.key, item.moment) for item in items if item.key.endswith(f":{QUESTIONS}")]


def test_until_when_one_may_ask_is_a_date_of_ones_own_while_the_result_stands(world: World, sheet: Assignment) -> None:
    published(world, sheet, "8", "9.5")
    key = key_of(sheet, QUESTIONS)
    until = asks_until(sheet, NOW)
    assert until is not None
    last = until - timedelta(minutes=1)
    assert [own_dates(person) for person in (world.student, world.other)] == [[(key, last)]] * 2
    assert own_dates(world.another()) == []
    # It is in nobody's calendar but theirs, and nobody is asked to ask.
    assert not AgendaItem.objects.base().filter(key=key).exists()
    assert still_due[KEYS](world.course, key, [world.student], NOW) == set()
    sheet.question_days = 2
    keep_assignment(sheet, now=NOW)
    assert own_dates(world.student) == [(key, last - timedelta(days=5))]
    excuse(enrolment=world.student, assignment=sheet, by=world.staff, now=NOW)
    assert (own_dates(world.student), len(own_dates(world.other))) == ([], 1)
    end_excuse(enrolment=world.student, assignment=sheet, now=NOW)
    assert len(own_dates(world.student)) == 1


def test_who_has_points_keeps_the_date_to_ask_about_them_and_nobody_else_asks(world: World, sheet: Assignment) -> None:
    team = published(world, sheet, "8", "9.5")
    Assignment.objects.filter(pk=sheet.pk).update(due_at=NOW + timedelta(days=1))
    with pytest.raises(RuleViolation) as stays:
        leave_team(project=team, enrolment=world.other, now=NOW)
    assert stays.value.code == "result-published"
    assert [len(own_dates(person)) for person in (world.student, world.other)] == [1, 1]
    task = sheet.tasks.first()
    assert task is not None
    with pytest.raises(RuleViolation) as refused:
        ask_about_points(project=team, task=task.pk, by=world.another(), text="Warum?", now=NOW)
    assert refused.value.code == "not-a-member"
    assert ask_about_points(project=team, task=task.pk, by=world.student, text="Warum?", now=NOW).answered_at is None


def test_results_from_before_there_were_questions_are_asked_about_until_the_same_day(
    world: World, sheet: Assignment
) -> None:
    team = published(world, sheet, "8", "9.5")
    AgendaItem.objects.filter(key=key_of(sheet, QUESTIONS)).delete()
    assert own_dates(world.student) == []
    # As beat does every hour: what was published by an earlier release gets the date that it would have had.
    assert [follow_questions(course=world.course, now=NOW) for _hour in range(2)] == [2, 0]
    until = asks_until(sheet, NOW)
    assert until is not None
    assert own_dates(world.student) == [(key_of(sheet, QUESTIONS), until - timedelta(minutes=1))]
    Assessment.objects.filter(project=team).update(published_at=NOW - timedelta(days=40))
    task = sheet.tasks.first()
    assert task is not None
    with pytest.raises(RuleViolation) as refused:
        ask_about_points(project=team, task=task.pk, by=world.student, text="Warum?", now=NOW)
    assert refused.value.code == "too-late"


def test_who_joins_after_the_publication_has_a_date_for_questions_once_points_are_theirs(
    world: World, sheet: Assignment
) -> None:
    team, later = published(world, sheet, "6", "9"), NOW + timedelta(hours=1)
    newcomer = world.another()
    Membership.objects.create(project=team, assignment=sheet, enrolment=newcomer, joined_at=later)
    key = key_of(sheet, QUESTIONS)

    def dates(person: Enrolment) -> list[str]:
        return [item.key for item in personal_items(world.course, [person]).get(person.pk, []) if item.key == key]

    assert (dates(world.student), dates(newcomer)) == ([key], [])
    give_points(
        project=team, given={}, members={newcomer.pk: {task_of(sheet): Given(D(3))}}, by=world.staff, reason="theirs",
        now=later,
    )  # fmt: skip
    assert dates(newcomer) == [key]
    assert AgendaItem.objects.filter(key=key, enrolment=newcomer, is_removed=False).count() == 1
