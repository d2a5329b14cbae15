"""What staff do to an exam from its page: an address and a form for each act."""

from datetime import timedelta
from decimal import Decimal

import pytest
from bs4 import BeautifulSoup, Tag
from django.contrib.messages import get_messages
from django.urls import reverse
from django.utils import timezone

from amls.core.markdown import plain_text
from amls.courses.models import Enrolment, User
from amls.grading.tasks import TaskWish
from amls.held.models import HeldAct
from amls.held.services import HOLD, apply_next
from amls.mail.letters import Letter, letter_kinds
from amls.mail.models import Notice
from exams.grading import usual_table
from exams.models import AdmissionDecision, Exam, ExamTaskPoints, HelperLink, Registration, Result, ResultChange
from exams.services.door import correct_attendance
from exams.services.gradetable import set_grade_table
from exams.services.points import enter_points
from exams.services.registration import staff_register, staff_withdraw
from exams.services.removal import remove_result
from exams.services.results import publish_results
from exams.services.tasks import enter_task_points, set_exam_tasks
from tests.agreement import agree_to
from tests.cast import Cast
from tests.exams.people import make_students
from tests.factories import OpenExamFactory

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture
def exam(cast: Cast) -> Exam:
    return OpenExamFactory.create(course=cast.course, capacity=5, starts_at=NOW + timedelta(days=9))


def said(cast: Cast, exam: Exam, name: str, **values: object) -> list[str]:
    """Press a button of the exam's page and return what it said, with the level."""
    client = cast.client("assistant")
    answer = client.post(f"/amls/exams/{exam.pk}/staff/{name}/", values)
    assert (answer.status_code, answer["Location"]) == (302, f"/amls/exams/{exam.pk}/staff/")
    return [f"{get_message.level_tag}: {get_message.message}" for get_message in get_messages(answer.wsgi_request)]


def asked(cast: Cast, exam: Exam, name: str, **values: object) -> HeldAct:
    """Press a button, agree to what is shown, and return what is held back by it."""
    address = f"/amls/exams/{exam.pk}/staff/{name}/"
    answer = agree_to(cast.client("assistant"), address, values)
    assert (answer.status_code, answer["Location"]) == (302, f"/amls/exams/{exam.pk}/staff/")
    return HeldAct.objects.latest("pk")


def done(act: HeldAct) -> str:
    """Return what came of a held act when its time has come."""
    assert apply_next(act.apply_at) == 1
    act.refresh_from_db()
    return act.outcome


def test_a_person_is_registered_decided_on_and_withdrawn(cast: Cast, exam: Exam) -> None:
    person = cast.student.user
    assert said(cast, exam, "register", enrolment=cast.student.pk, reason="Came late") == [
        f"success: {person} is registered."
    ]
    held = Registration.objects.get()
    assert held.reason == "Came late"
    # Its mail waits, so that it can say what is so then.
    assert Notice.objects.get(kind="exams.registered").not_before >= held.created_at + HOLD
    act = asked(cast, exam, "admit", registration=held.pk, reason="Certificate of Łódź")
    assert done(act) == f"The decision on {person} is kept, and they were told."
    decision = AdmissionDecision.objects.get()
    assert (decision.verdict, decision.reason, decision.by) == ("admitted", "Certificate of Łódź", cast.assistant.user)
    assert said(cast, exam, "withdraw", registration=held.pk, reason=" ")[0].startswith("error: ")
    act = asked(cast, exam, "withdraw", registration=held.pk, reason="Asked for it")
    held.refresh_from_db()
    assert (held.state, Notice.objects.filter(kind="exams.withdrawn").count()) == ("registered", 0)
    assert done(act) == f"{person} is withdrawn and was told."
    held.refresh_from_db()
    assert (held.state, Notice.objects.filter(kind="exams.withdrawn").count()) == ("withdrawn", 1)


def test_what_tells_somebody_is_shown_with_who_gets_what_and_taken_back_in_time(cast: Cast, exam: Exam) -> None:
    Exam.objects.filter(pk=exam.pk).update(capacity=1, withdraw_until=NOW + timedelta(days=5))
    first, second = make_students(cast.course, 2)
    held, waits = (
        staff_register(enrolment=student, exam_pk=exam.pk, reason="x", now=NOW) for student in (first, second)
    )
    client, address = cast.client("assistant"), f"/amls/exams/{exam.pk}/staff/withdraw/"
    asks = client.post(address, {"registration": held.pk, "reason": "Şahin asked"})
    rows = asks.context["people"]
    # Also who moves up by it.
    assert rows == [(str(first.user), "Withdrawn from an exam"), (str(second.user), "Seat from the waiting list")]
    act = asked(cast, exam, "withdraw", registration=held.pk, reason="Şahin asked")
    client.post(f"/amls/staff/held/{act.pk}/undo/")
    assert apply_next(act.apply_at) == 0
    waits.refresh_from_db()
    assert (waits.state, Notice.objects.filter(kind__in=["exams.withdrawn", "exams.promoted"]).count()) == (
        "waitlisted",
        0,
    )


def test_staff_read_who_waits_and_that_nobody_moves_up_any_more(cast: Cast, exam: Exam) -> None:
    Exam.objects.filter(pk=exam.pk).update(capacity=1, withdraw_until=NOW + timedelta(days=5))
    holds, waits, stays = (
        staff_register(enrolment=student, exam_pk=exam.pk, reason="x", now=NOW).enrolment
        for student in make_students(cast.course, 3)
    )

    def page() -> BeautifulSoup:
        return BeautifulSoup(cast.client("assistant").get(f"/amls/exams/{exam.pk}/staff/").content, "html.parser")

    def offered() -> list[str]:
        return [" ".join(option.get_text().split()) for option in page().select("#who option")]

    moves_up, over = "Who waits moves up, in order", "The last moment to withdraw is over: nobody moves up any more."
    assert not any(str(person.user) in " ".join(offered()) for person in (holds, waits, stays))
    assert (moves_up in page().get_text(), over in page().get_text()) == (True, False)
    Exam.objects.filter(pk=exam.pk).update(withdraw_until=NOW - timedelta(days=1))
    assert [row for row in offered() if str(waits.user) in row] == [f"{waits.user} · {waits.number} · waiting list"]
    assert (moves_up in page().get_text(), over in page().get_text()) == (False, True)
    full = "Every seat is taken. Raise the capacity of the exam first, if the room has space."
    values = {"enrolment": waits.pk, "reason": "Größe"}
    refused = cast.client("assistant").post(f"/amls/exams/{exam.pk}/staff/register/", values)
    typed = BeautifulSoup(refused.content, "html.parser")
    assert (refused.status_code, full in typed.get_text()) == (422, True)
    # What was typed stays.
    kept = typed.select("#who option[selected], #register-reason")
    assert [field["value"] for field in kept] == [str(waits.pk), "Größe"]
    said(cast, exam, "capacity", capacity="4")
    assert said(cast, exam, "register", enrolment=waits.pk, reason="x") == [
        f"success: {waits.user} is registered. 1 person waits: nobody moves up any more."
    ]
    assert said(cast, exam, "register", enrolment=stays.pk, reason="x") == [f"success: {stays.user} is registered."]


def test_two_withdrawals_that_wait_promote_two_and_one_on_somebody_gone_is_refused(cast: Cast, exam: Exam) -> None:
    Exam.objects.filter(pk=exam.pk).update(capacity=2, withdraw_until=NOW + timedelta(days=5))
    rows = [
        staff_register(enrolment=student, exam_pk=exam.pk, reason="x", now=NOW)
        for student in make_students(cast.course, 4)
    ]
    first, second, gone = (
        asked(cast, exam, name, registration=row.pk, reason="x")
        for name, row in (("withdraw", rows[0]), ("withdraw", rows[1]), ("excuse", rows[0]))
    )
    assert (done(first).endswith("was told."), done(second).endswith("was told.")) == (True, True)
    assert [*Registration.objects.order_by("pk").values_list("state", flat=True)] == [
        "withdrawn", "withdrawn", "registered", "registered",
    ]  # fmt: skip
    assert "ended already" in done(gone)
    assert gone.state == "refused"


def test_nobody_closes_an_exam_by_one_click_and_what_tells_nobody_is_done_at_once(cast: Cast, exam: Exam) -> None:
    Exam.objects.filter(pk=exam.pk).update(starts_at=NOW - timedelta(days=1))
    act = asked(cast, exam, "close")
    exam.refresh_from_db()
    assert exam.closed_at is None
    done(act)
    exam.refresh_from_db()
    assert (exam.closed_at is not None, act.state) == (True, "done")
    assert said(cast, exam, "capacity", capacity="7") == ["success: The capacity is changed."]


@pytest.mark.parametrize("capacity", ["many", "-1", "1.5", "1000000", "9" * 5000])
def test_what_is_no_capacity_is_refused_in_words(cast: Cast, exam: Exam, capacity: str) -> None:
    answer = cast.client("lecturer").post(
        reverse("exams:staff_capacity", args=["amls", exam.pk]), {"capacity": capacity}
    )
    page = BeautifulSoup(answer.content, "html.parser")
    problem, typed = page.find(id="capacity-problem"), page.find(id="capacity")
    assert isinstance(problem, Tag)
    assert isinstance(typed, Tag)
    assert (answer.status_code, problem.get_text()) == (422, "Give the capacity as a number, or nothing for no limit.")
    assert typed["value"] == capacity
    exam.refresh_from_db()
    assert exam.capacity == 5


def test_an_empty_capacity_is_no_limit(cast: Cast, exam: Exam) -> None:
    assert said(cast, exam, "capacity", capacity=" ") == ["success: The capacity is changed."]
    exam.refresh_from_db()
    assert exam.capacity is None


def test_who_is_not_on_the_list_is_not_found(cast: Cast, exam: Exam) -> None:
    other = OpenExamFactory.create(course=cast.other_course, starts_at=NOW + timedelta(days=9))
    held = Registration.objects.create(
        course=cast.course, exam=OpenExamFactory.create(course=cast.course, starts_at=NOW + timedelta(days=19)),
        enrolment=cast.student, created_at=NOW, changed_at=NOW,
    )  # fmt: skip
    link = HelperLink.objects.create(exam=other, name="Şahin", created_at=NOW)
    client = cast.client("assistant")
    for name, values in {
        "withdraw": {"registration": held.pk, "reason": "x"},
        "excuse": {"reason": "x"},
        "register": {"enrolment": cast.assistant.pk, "reason": "x"},
        "revoke": {"link": link.pk},
    }.items():
        assert client.post(f"/amls/exams/{exam.pk}/staff/{name}/", values).status_code == 404, name
    link.refresh_from_db()
    assert link.revoked_at is None


def test_every_button_of_the_page_leads_to_its_own_address(cast: Cast, exam: Exam) -> None:
    held = staff_register(enrolment=cast.student, exam_pk=exam.pk, reason="By hand", now=NOW)
    client, address = cast.client("assistant"), f"/amls/exams/{exam.pk}/staff/"
    page = client.get(address).content.decode()
    for name in ("register", "capacity", "admit-all", "helper", "absent", "close", "freeze"):
        assert f'action="{address}{name}/"' in page, name
    own = f"{address}people/{held.pk}/"
    assert f'href="{own}"' in page
    # The form is the same on its own page, without scripts, and within the list.
    whole, part = client.get(own).content.decode(), client.get(own, headers={"HX-Request": "true"}).content.decode()
    assert ("<html" in whole, "<html" in part) == (True, False)
    for name in ("withdraw", "excuse", "admit"):
        assert f'formaction="{address}{name}/"' in whole, name
        assert f'formaction="{address}{name}/"' in part, name


def test_who_is_gone_and_whose_results_are_frozen_are_not_to_be_changed(cast: Cast, exam: Exam) -> None:
    held = staff_register(enrolment=cast.student, exam_pk=exam.pk, reason="By hand", now=NOW)
    client, own = cast.client("assistant"), f"/amls/exams/{exam.pk}/staff/people/{held.pk}/"
    staff_withdraw(registration_pk=held.pk, reason="Asked for it", now=NOW)
    page = client.get(own).content.decode()
    assert "is no longer in this exam." in page
    assert "formaction" not in page
    Exam.objects.filter(pk=exam.pk).update(results_published_at=NOW, frozen_at=NOW)
    page = client.get(own).content.decode()
    assert "The results are frozen" in page
    assert "formaction" not in page
    other = OpenExamFactory.create(course=cast.course, starts_at=NOW + timedelta(days=19))
    assert client.get(f"/amls/exams/{other.pk}/staff/people/{held.pk}/").status_code == 404


def test_everyone_of_a_large_exam_is_found_and_an_act_leads_back_to_where_they_stood(cast: Cast, exam: Exam) -> None:
    users = User.objects.bulk_create(
        User(email=f"p{number}@example.org", display_name=f"Person {number:03}", matriculation_number=f"{400_000 + number}")
        for number in range(205)
    )  # fmt: skip
    users.append(User.objects.create(email="z@example.org", display_name="Łukasz Żółć"))
    enrolled = Enrolment.objects.bulk_create(Enrolment(user=user, course=cast.course) for user in users)
    Registration.objects.bulk_create(
        Registration(
            course=cast.course, exam=exam, enrolment=person, created_at=NOW, changed_at=NOW,
            state="registered" if place < 103 or place == 205 else "waitlisted",
            position=None if place < 103 or place == 205 else place,
        )
        for place, person in enumerate(enrolled)
    )  # fmt: skip
    Exam.objects.filter(pk=exam.pk).update(capacity=104, seats_taken=104, waiting=102)
    client, address = cast.client("assistant"), f"/amls/exams/{exam.pk}/staff/"

    def names(query: str) -> tuple[list[str], list[int | None]]:
        lists = client.get(address + query).context["lists"]
        holding, waiting = ([*shown] for shown in (lists.holding, lists.waiting))
        return [str(row.registration.enrolment.user) for row in holding], [row.place for row in waiting]

    first, waiting = names("")
    assert (len(first), first[0], waiting) == (100, "Person 000", list(range(1, 101)))
    assert names("?holding=2&waiting=2") == (["Person 100", "Person 101", "Person 102", "Łukasz Żółć"], [101, 102])
    assert names("?holding=99")[0] == names("?holding=2")[0]
    assert names("?q=zolc+lukasz") == (["Łukasz Żółć"], [])
    # Place in the line as it is, not among those that are found.
    assert names("?q=400204") == ([], [102])
    assert 'href="?holding=2&amp;waiting=2#line"' in client.get(f"{address}?holding=2").content.decode()
    last = Registration.objects.get(enrolment=enrolled[-1])
    place = "?q=zolc"
    own = client.get(f"{address}people/{last.pk}/{place}").content.decode()
    assert f'formaction="{address}excuse/{place}"' in own
    answer = agree_to(client, f"{address}excuse/{place}", {"registration": last.pk, "reason": "Ill"})
    assert answer["Location"] == f"{address}{place}"


# ── a result that is the wrong person's ──


@pytest.fixture
def swapped(cast: Cast, exam: Exam) -> tuple[Registration, Registration]:
    """Two who attended an exam that is over; the first has the published result of the second."""
    rows = [
        staff_register(enrolment=student, exam_pk=exam.pk, reason="x", now=NOW)
        for student in make_students(cast.course, 2)
    ]
    Exam.objects.filter(pk=exam.pk).update(starts_at=NOW - timedelta(days=1))
    Registration.objects.filter(exam=exam).update(state="attended", arrived_at=NOW)
    set_grade_table(exam_pk=exam.pk, steps=usual_table(exam.max_points).steps, now=NOW)
    return rows[0], rows[1]


def letter_of(kind: str) -> Letter:
    """Return what the newest notice of a kind says once it is sent."""
    notice = Notice.objects.filter(kind=kind).latest("pk")
    letter = letter_kinds[kind].writer(notice, timezone.now())
    assert letter is not None
    return letter


def test_a_published_result_of_the_wrong_person_is_taken_away_with_a_reason_and_told(
    cast: Cast, exam: Exam, swapped: tuple[Registration, Registration]
) -> None:
    wrong, _right = swapped
    enter_points(exam_pk=exam.pk, points={wrong.pk: Decimal(87)}, by=None, now=NOW)
    publish_results(exam_pk=exam.pk, by=None, now=NOW)
    person, client = wrong.enrolment.user, cast.client("assistant")
    # Where points are entered the field can't be emptied, and it is said where the result is taken away.
    form = {f"points-{wrong.pk}": "", f"points-{wrong.pk}-seen": "87", "reason": "Of another one"}
    refused = client.post(f"/amls/exams/{exam.pk}/results/enter/", form)
    assert (refused.status_code, "is published: its field can&#x27;t be left empty. If it is the wrong person&#x27;s, take it away on their page" in refused.content.decode()) == (422, True)  # fmt: skip
    page = client.get(f"/amls/exams/{exam.pk}/staff/people/{wrong.pk}/").content.decode()
    assert "Take the result away" in page
    absent = said(cast, exam, "was-absent", registration=wrong.pk, seen="attended", reason="x")
    assert "Take their result away first" in absent[0]
    assert said(cast, exam, "no-result", registration=wrong.pk, reason=" ")[0].startswith("error: Give a reason")
    act = asked(cast, exam, "no-result", registration=wrong.pk, reason="Ergebnis von *Anna* Łęcka")
    assert Result.objects.filter(registration=wrong).exists()
    assert done(act) == f"The result of {person} is taken away."
    assert not Result.objects.filter(registration=wrong).exists()
    change = ResultChange.objects.filter(registration=wrong).latest("pk")
    assert (change.what, change.before, change.after, change.reason, change.by) == (
        "removed", "87", "", "Ergebnis von *Anna* Łęcka", cast.assistant.user,
    )  # fmt: skip
    notice = Notice.objects.get(kind="exams.result-removed")
    assert (notice.recipient, notice.not_before) == (person, act.apply_at)
    letter = letter_of("exams.result-removed")
    assert letter.subject == "Your result of Written exam was taken away"
    assert "Reason: Ergebnis von *Anna* Łęcka" in plain_text(letter.text)
    assert "87" not in letter.text
    # Now they can stand as absent, and the page offers it no more.
    assert said(cast, exam, "was-absent", registration=wrong.pk, seen="attended", reason="x")[0].startswith("success: ")
    page = client.get(f"/amls/exams/{exam.pk}/staff/people/{wrong.pk}/").content.decode()
    assert "Take the result away" not in page
    assert said(cast, exam, "no-result", registration=wrong.pk, reason="x") == [
        f"error: {person} has no points in this exam."
    ]


def test_a_result_by_tasks_is_taken_away_with_them_and_a_draft_at_once(
    cast: Cast, exam: Exam, swapped: tuple[Registration, Registration]
) -> None:
    wrong, drafted = swapped
    tasks = [TaskWish("Joins", Decimal(60)), TaskWish("Größe", Decimal(40))]
    set_exam_tasks(exam_pk=exam.pk, tasks=tasks, by=None, now=NOW)
    points = dict.fromkeys(exam.tasks.values_list("pk", flat=True), Decimal(30))
    enter_task_points(exam_pk=exam.pk, points={wrong.pk: points}, by=None, now=NOW)
    publish_results(exam_pk=exam.pk, by=None, now=NOW)
    enter_task_points(exam_pk=exam.pk, points={drafted.pk: points}, by=None, now=NOW)
    assert said(cast, exam, "no-result", registration=drafted.pk, reason="x") == [
        f"success: The result of {drafted.enrolment.user} is taken away."
    ]
    done(asked(cast, exam, "no-result", registration=wrong.pk, reason="Swapped"))
    assert not Result.objects.exists()
    assert not ExamTaskPoints.objects.exists()
    rows = ResultChange.objects.filter(registration=wrong, after="").order_by("pk")
    assert [(row.what, row.before, row.reason) for row in rows] == [
        ("task", "30", "Joins: Swapped"), ("task", "30", "Größe: Swapped"), ("removed", "60", "Swapped"),
    ]  # fmt: skip
    assert [notice.recipient for notice in Notice.objects.filter(kind="exams.result-removed")] == [wrong.enrolment.user]


def test_the_preview_names_the_mail_of_a_removal_which_takes_the_place_of_one_of_a_correction(
    cast: Cast, exam: Exam, swapped: tuple[Registration, Registration]
) -> None:
    wrong, _right = swapped
    enter_points(exam_pk=exam.pk, points={wrong.pk: Decimal(87)}, by=None, now=NOW)
    publish_results(exam_pk=exam.pk, by=None, now=NOW)
    now = timezone.now()
    enter_points(exam_pk=exam.pk, points={wrong.pk: Decimal(60)}, by=None, reason="Task 3", now=now)
    assert Notice.objects.filter(kind="exams.result-changed").exists()
    address = f"/amls/exams/{exam.pk}/staff/no-result/"
    asks = cast.client("assistant").post(address, {"registration": wrong.pk, "reason": "Şahin's"})
    assert asks.context["people"] == [(str(wrong.enrolment.user), "Exam result taken away")]
    remove_result(registration_pk=wrong.pk, exam_pk=exam.pk, reason="Şahin's", by=None, now=now)
    # Only one of the two leaves, and none of them once there is a result again.
    assert not Notice.objects.filter(kind="exams.result-changed").exists()
    assert "Reason: Şahin's" in plain_text(letter_of("exams.result-removed").text)
    enter_points(exam_pk=exam.pk, points={wrong.pk: Decimal(40)}, by=None, now=now)
    assert "was taken away" in letter_of("exams.result-removed").subject
    publish_results(exam_pk=exam.pk, by=None, now=now)
    notice = Notice.objects.get(kind="exams.result-removed")
    assert letter_kinds["exams.result-removed"].writer(notice, now) is None


def test_who_lost_a_result_reads_that_and_why_until_there_is_another(
    cast: Cast, exam: Exam, swapped: tuple[Registration, Registration]
) -> None:
    Registration.objects.filter(pk=swapped[0].pk).update(enrolment=cast.student)
    wrong, client = Registration.objects.get(pk=swapped[0].pk), cast.client("student")
    waits, gone = "The result will be here once it is published", "Your result was taken away: it does not count."

    def reads() -> tuple[bool, bool, bool]:
        page = BeautifulSoup(client.get("/amls/exams/").content, "html.parser").get_text()
        said = " ".join(page.split())
        return waits in said, gone in said, "Reason: Ergebnis von Łęcka" in said

    # What nobody has read leaves no word.
    enter_points(exam_pk=exam.pk, points={wrong.pk: Decimal(87)}, by=None, now=NOW)
    remove_result(registration_pk=wrong.pk, exam_pk=exam.pk, reason="Typed twice", by=None, now=NOW)
    assert reads() == (True, False, False)
    enter_points(exam_pk=exam.pk, points={wrong.pk: Decimal(87)}, by=None, now=NOW)
    publish_results(exam_pk=exam.pk, by=None, now=NOW)
    assert reads() == (False, False, False)
    remove_result(registration_pk=wrong.pk, exam_pk=exam.pk, reason="Ergebnis von Łęcka", by=None, now=NOW)
    assert reads() == (False, True, True)
    # A draft is the staff's; also who is corrected to absent reads what became of it.
    enter_points(exam_pk=exam.pk, points={wrong.pk: Decimal(40)}, by=None, now=NOW)
    assert reads() == (False, True, True)
    enter_points(exam_pk=exam.pk, points={wrong.pk: None}, by=None, now=NOW)
    correct_attendance(registration_pk=wrong.pk, exam_pk=exam.pk, attended=False, reason="x", by=None, now=NOW)
    assert reads() == (False, True, True)
    correct_attendance(registration_pk=wrong.pk, exam_pk=exam.pk, attended=True, reason="x", by=None, now=NOW)
    enter_points(exam_pk=exam.pk, points={wrong.pk: Decimal(40)}, by=None, now=NOW)
    publish_results(exam_pk=exam.pk, by=None, now=NOW)
    assert reads() == (False, False, False)


def test_no_result_is_taken_away_from_what_is_frozen(
    cast: Cast, exam: Exam, swapped: tuple[Registration, Registration]
) -> None:
    wrong, _right = swapped
    enter_points(exam_pk=exam.pk, points={wrong.pk: Decimal(87)}, by=None, now=NOW)
    publish_results(exam_pk=exam.pk, by=None, now=NOW)
    Exam.objects.filter(pk=exam.pk).update(frozen_at=NOW)
    assert said(cast, exam, "no-result", registration=wrong.pk, reason="x")[0].startswith(
        "error: The results are frozen"
    )
    assert Result.objects.filter(registration=wrong).exists()
