"""The door: marks that count once, in the order in which they were made; who may stand there."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from uuid import uuid4

import pytest
from django.test import Client
from django.utils.timezone import now as the_time

from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment, User
from amls.courses.participation import verify_number
from amls.mail.models import Notice
from exams.grading import usual_table
from exams.models import CheckInMark, Exam, HelperLink, Registration
from exams.permissions import find_by_slip, find_helper, helper_token, slip_code
from exams.services.admission import decide_admission
from exams.services.closing import close_exam
from exams.services.door import correct_attendance, make_mark, mark_the_rest_absent, mark_the_rest_present
from exams.services.gradetable import set_grade_table
from exams.services.points import enter_points
from exams.services.registration import excuse, register, staff_register, staff_withdraw
from exams.services.results import freeze, publish_results
from tests.cast import Cast
from tests.exams.people import make_students
from tests.factories import OpenExamFactory

pytestmark = pytest.mark.django_db
JUNE = datetime(2024, 6, 20, 10, tzinfo=UTC)
DAY = datetime(2024, 7, 18, 13, 50, tzinfo=UTC)
EVENING = datetime(2024, 7, 18, 18, 0, tzinfo=UTC)


@pytest.fixture
def exam(cast: Cast) -> Exam:
    return OpenExamFactory.create(course=cast.course, capacity=None)


@pytest.fixture
def held(cast: Cast, exam: Exam) -> Registration:
    return register(enrolment=cast.student, exam_pk=exam.pk, now=JUNE)


def mark(registration: Registration, action: str, minute: int = 0, *, late: int = 0, seat: str = "") -> Registration:
    """Make a mark `minute` minutes after 15:50 that arrives `late` minutes after it was made."""
    made_at = DAY + timedelta(minutes=minute)
    return make_mark(
        registration_pk=registration.pk, exam_pk=registration.exam_id, action=action, key=uuid4(), made_at=made_at,
        now=made_at + timedelta(minutes=late), seat=seat,
    )  # fmt: skip


def test_present_left_and_back(held: Registration) -> None:
    assert (mark(held, "present", 0, seat="B 12").state, mark(held, "left", 60).left_at) == (
        "attended", DAY + timedelta(hours=1),
    )  # fmt: skip
    back = mark(held, "undo", 61)
    assert (back.state, back.arrived_at, back.left_at, back.actual_seat) == ("attended", DAY, None, "B 12")
    assert mark(held, "undo", 62).state == "registered"
    assert mark(held, "undo", 63).state == "registered"
    assert mark(held, "absent", 64).state == "absent"
    # Who comes late after all.
    assert mark(held, "present", 65).arrived_at == DAY + timedelta(minutes=65)


def test_marks_count_in_the_order_in_which_they_were_made(held: Registration) -> None:
    mark(held, "absent", 10)
    # Made earlier at the other door, without a network until now.
    assert mark(held, "present", 5, late=30).state == "absent"
    assert mark(held, "present", 12).state == "attended"
    assert held.marks.count() == 3


def test_the_same_mark_counts_once_and_a_clock_that_is_ahead_changes_nothing(held: Registration) -> None:
    key = uuid4()
    for _each in range(3):
        marked = make_mark(
            registration_pk=held.pk, exam_pk=held.exam_id, action="present", key=key, now=DAY,
            made_at=DAY + timedelta(hours=5),
        )  # fmt: skip
    assert (marked.arrived_at, CheckInMark.objects.count()) == (DAY, 1)


def test_marks_of_another_exam_or_of_nobody_are_refused(cast: Cast, exam: Exam, held: Registration) -> None:
    other = OpenExamFactory.create(course=cast.course, starts_at=datetime(2024, 8, 10, 12, tzinfo=UTC))
    for registration_pk, exam_pk in ((held.pk, other.pk), (0, exam.pk)):
        with pytest.raises(RuleViolation) as caught:
            make_mark(registration_pk=registration_pk, exam_pk=exam_pk, action="present", key=uuid4(), now=DAY)
        assert caught.value.code == "not-on-list"


def test_who_waits_is_not_let_in(cast: Cast, exam: Exam, held: Registration) -> None:
    exam.capacity, exam.seats_taken = 1, 1
    exam.save()
    waiting = register(enrolment=cast.other_student, exam_pk=exam.pk, now=JUNE)
    with pytest.raises(RuleViolation, match="holds no seat: On the waiting list"):
        mark(waiting, "present")


def test_the_rest_is_absent_after_the_beginning(cast: Cast, exam: Exam, held: Registration) -> None:
    people = [register(enrolment=student, exam_pk=exam.pk, now=JUNE) for student in make_students(cast.course, 3)]
    mark(people[0], "present")
    with pytest.raises(RuleViolation):
        mark_the_rest_absent(exam_pk=exam.pk, now=DAY)
    assert mark_the_rest_absent(exam_pk=exam.pk, now=DAY + timedelta(hours=1)) == 3
    assert sorted(Registration.objects.values_list("state", flat=True)) == ["absent", "absent", "absent", "attended"]


def test_the_rest_is_present_where_absence_was_noted_on_paper(cast: Cast, exam: Exam, held: Registration) -> None:
    people = [register(enrolment=student, exam_pk=exam.pk, now=JUNE) for student in make_students(cast.course, 3)]
    mark(people[0], "absent")
    with pytest.raises(RuleViolation):
        mark_the_rest_present(exam_pk=exam.pk, by=cast.assistant.user, now=DAY)
    after = DAY + timedelta(hours=1)
    assert mark_the_rest_present(exam_pk=exam.pk, by=cast.assistant.user, now=after) == 3
    assert mark_the_rest_present(exam_pk=exam.pk, by=cast.assistant.user, now=after) == 0
    assert sorted(Registration.objects.values_list("state", flat=True)) == [
        "absent",
        "attended",
        "attended",
        "attended",
    ]
    enter_points(exam_pk=exam.pk, points={people[1].pk: Decimal(50)}, by=None, now=after)
    # A mark as any other: it can be taken back, and says who made it.
    correct_attendance(
        registration_pk=people[2].pk, exam_pk=exam.pk, attended=False, reason="The list", by=None, now=after + timedelta(hours=1)
    )  # fmt: skip
    people[2].refresh_from_db()
    made = people[2].marks.order_by("made_at").first()
    assert (people[2].state, made.by, made.action) == ("absent", cast.assistant.user, "present")


def test_the_rest_is_noted_once_the_exam_is_closed_too_until_it_is_frozen(
    cast: Cast, exam: Exam, held: Registration
) -> None:
    other = register(enrolment=cast.other_student, exam_pk=exam.pk, now=JUNE)
    late = register(enrolment=make_students(cast.course, 1)[0], exam_pk=exam.pk, now=JUNE)
    mark(held, "present")
    close_exam(exam_pk=exam.pk, now=EVENING)
    assert mark_the_rest_absent(exam_pk=exam.pk, now=EVENING) == 2
    assert list(Registration.objects.order_by("pk").values_list("state", flat=True)) == ["attended", "absent", "absent"]
    Registration.objects.filter(pk__in=(other.pk, late.pk)).update(state="registered")
    assert mark_the_rest_present(exam_pk=exam.pk, by=cast.assistant.user, now=EVENING) == 2
    staff, page, note = cast.client("assistant"), f"/amls/exams/{exam.pk}/staff/", "Note the rest as "
    assert staff.get(page).content.decode().count(note) == 2
    Exam.objects.update(results_published_at=EVENING, frozen_at=EVENING)
    for note_the_rest in (
        lambda: mark_the_rest_absent(exam_pk=exam.pk, now=EVENING),
        lambda: mark_the_rest_present(exam_pk=exam.pk, by=None, now=EVENING),
    ):
        assert refused(note_the_rest) == "frozen"
    assert note not in staff.get(page).content.decode()


def test_a_helpers_link_is_for_this_exam_on_this_day(cast: Cast, exam: Exam) -> None:
    link = HelperLink.objects.create(exam=exam, name="Kim", created_at=JUNE)
    other = OpenExamFactory.create(course=cast.course, starts_at=datetime(2024, 8, 10, 12, tzinfo=UTC))
    token = helper_token(link)
    assert find_helper(token, exam) == link
    assert find_helper(token, other) is None
    for wrong in (
        "",
        "x",
        f"{link.pk}-",
        f"{link.pk}-{'0' * 32}",
        f"{link.pk + 1}{token[len(str(link.pk)) :]}",
        "9" * 40,
    ):
        assert find_helper(wrong, exam) is None
    # The day is the local one: midnight in Berlin is 22:00 UTC.
    assert [link.works_at(datetime(2024, 7, day, hour, 0, tzinfo=UTC)) for day, hour in ((17, 21), (17, 22), (18, 21), (18, 22))] == [False, True, True, False]  # fmt: skip
    link.revoked_at = JUNE
    assert not link.works_at(DAY)


def test_a_slips_code_cannot_be_made_up(cast: Cast, exam: Exam, held: Registration) -> None:
    code = slip_code(held.pk, exam.pk)
    assert find_by_slip(code, exam) == held
    other = register(enrolment=cast.other_student, exam_pk=exam.pk, now=JUNE)
    assert find_by_slip(f"{other.pk}-{code.partition('-')[2]}", exam) is None
    assert find_by_slip("²-1", exam) is None


def test_a_clock_that_is_years_behind_counts_as_two_days(held: Registration) -> None:
    marked = make_mark(
        registration_pk=held.pk, exam_pk=held.exam_id, action="present", key=uuid4(), now=DAY,
        made_at=datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=23, minutes=59))),
    )  # fmt: skip
    assert marked.arrived_at == DAY - timedelta(days=2)


def test_staff_correct_after_the_fact_with_a_reason_even_when_the_exam_is_closed(
    cast: Cast, exam: Exam, held: Registration
) -> None:
    mark_the_rest_absent(exam_pk=exam.pk, now=EVENING)
    close_exam(exam_pk=exam.pk, now=EVENING)
    assert refused(lambda: mark(held, "present", 600)) == "registration-closed"

    def correct(attended: bool, reason: str = "Stood on the paper list", now: datetime = EVENING) -> Registration:
        return correct_attendance(
            registration_pk=held.pk, exam_pk=exam.pk, attended=attended, reason=reason, by=cast.lecturer.user, now=now
        )

    assert refused(lambda: correct(True, reason=" ")) == "no-reason"
    assert refused(lambda: correct(True, now=JUNE)) == "exam-not-begun"
    corrected = correct(True)
    assert (corrected.state, corrected.reason) == ("attended", "Stood on the paper list")
    made = CheckInMark.objects.get(registration=held)
    assert (made.action, made.by) == ("present", cast.lecturer.user)
    assert correct(False, now=EVENING + timedelta(minutes=1)).state == "absent"


def test_an_excuse_is_taken_back_once_the_exam_is_closed(cast: Cast, exam: Exam, held: Registration) -> None:
    other = register(enrolment=cast.other_student, exam_pk=exam.pk, now=JUNE)
    later = OpenExamFactory.create(course=cast.course, starts_at=datetime(2024, 8, 10, 12, tzinfo=UTC))
    mark_the_rest_absent(exam_pk=exam.pk, now=EVENING)
    close_exam(exam_pk=exam.pk, now=EVENING)

    def excuse_them(minute: int) -> None:
        excuse(registration_pk=held.pk, reason="Certificate", now=EVENING + timedelta(minutes=minute))

    def correct(attended: bool) -> Registration:
        return correct_attendance(
            registration_pk=held.pk, exam_pk=exam.pk, attended=attended, reason="Not theirs", by=None, now=EVENING
        )

    def taken() -> int:
        return Exam.objects.get(pk=exam.pk).seats_taken

    staff, address = cast.client("assistant"), f"/amls/exams/{exam.pk}/staff/"
    excuse_them(0)
    assert f'href="{address}people/{held.pk}/"' in staff.get(address).content.decode()
    page = staff.get(f"{address}people/{held.pk}/").content.decode()
    said = [
        label in page for label in ("Correct to absent", "Correct to attended", "Excuse<", "is no longer in this exam")
    ]
    assert (said, taken()) == ([True, True, False, False], 1)
    # They have another date meanwhile, and keep it.
    register(enrolment=cast.student, exam_pk=later.pk, now=JUNE)
    assert (correct(False).state, taken()) == ("absent", 2)
    excuse_them(1)
    assert Notice.objects.filter(kind="exams.excused", recipient=cast.student.user).count() == 2
    assert (correct(True).state, taken()) == ("attended", 2)
    Registration.objects.filter(pk=held.pk).update(state="absent", arrived_at=None)
    excuse_them(2)
    Exam.objects.filter(pk=exam.pk).update(capacity=1)
    assert refused(lambda: correct(True)) == "exam-full"
    Exam.objects.filter(pk=exam.pk).update(capacity=2)
    again = Registration.objects.create(
        course=cast.course, exam=exam, enrolment=cast.student, created_at=EVENING, changed_at=EVENING, closed_at=EVENING
    )
    assert refused(lambda: correct(True)) == "registered-again"
    again.delete()
    # Who withdrew is no concern of the door.
    Registration.objects.filter(pk=held.pk).update(state="withdrawn")
    assert refused(lambda: correct(True)) == "holds-no-seat"
    other.refresh_from_db()
    assert (other.state, taken()) == ("absent", 1)


def test_nobody_is_made_absent_who_has_points_and_nobody_changes_when_frozen(
    cast: Cast, exam: Exam, held: Registration
) -> None:
    absent = register(enrolment=cast.other_student, exam_pk=exam.pk, now=JUNE)
    mark(held, "present")
    mark_the_rest_absent(exam_pk=exam.pk, now=EVENING)
    enter_points(exam_pk=exam.pk, points={held.pk: Decimal(70)}, by=None, now=EVENING)
    for action in ("absent", "undo"):
        assert refused(lambda action=action: mark(held, action, 200)) == "has-points"  # type: ignore[misc]
    held.refresh_from_db()
    assert (held.state, held.marks.count()) == ("attended", 1)
    set_grade_table(exam_pk=exam.pk, steps=usual_table(exam.max_points).steps, now=EVENING)
    publish_results(exam_pk=exam.pk, by=None, now=EVENING)
    for enrolment, number in ((held.enrolment, "1"), (absent.enrolment, "2")):
        verify_number(enrolment=enrolment, number=number)
    freeze(exam_pk=exam.pk, now=EVENING)
    late = make_students(cast.course, 1)[0]
    for act in (
        lambda: mark(held, "left", 200),
        lambda: excuse(registration_pk=absent.pk, reason="Certificate", now=EVENING),
        lambda: staff_withdraw(registration_pk=absent.pk, reason="x", now=EVENING),
        lambda: staff_register(enrolment=late, exam_pk=exam.pk, reason="x", now=EVENING),
        lambda: correct_attendance(registration_pk=absent.pk, exam_pk=exam.pk, attended=True, reason="x", by=None, now=EVENING),
    ):  # fmt: skip
        assert refused(act) == "frozen"


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(RuleViolation) as caught:
        act()
    return caught.value.code


# ── the page ──


@pytest.fixture
def today(cast: Cast) -> Exam:
    now = the_time()
    return OpenExamFactory.create(
        course=cast.course, capacity=10, starts_at=now + timedelta(minutes=1), opens_at=now - timedelta(days=9),
        closes_at=now - timedelta(days=2), withdraw_until=now - timedelta(days=1),
    )  # fmt: skip


def by_hand(enrolment: Enrolment, exam: Exam) -> Registration:
    return staff_register(enrolment=enrolment, exam_pk=exam.pk, reason="By hand", now=the_time())


def test_two_devices_send_what_they_kept_and_see_each_others_marks(cast: Cast, today: Exam) -> None:
    first, second = by_hand(cast.student, today), by_hand(cast.other_student, today)
    link = HelperLink.objects.create(exam=today, name="Kim", created_at=the_time())
    address = f"/amls/exams/{today.pk}/check-in/marks/"
    kept = {
        "marks": [
            {"key": str(uuid4()), "registration": str(first.pk), "action": "present", "seat": "C 3", "made_at": the_time().isoformat()},
            {"key": "nonsense", "registration": str(first.pk), "action": "present"},
            {"key": str(uuid4()), "registration": "99999999", "action": "present"},
        ]
    }  # fmt: skip
    staff = cast.client("assistant")
    for _twice in range(2):
        answer = staff.post(address, json.dumps(kept), content_type="application/json")
    answered = answer.json()
    assert answered["states"] == {str(first.pk): ["attended", "C 3"], str(second.pk): ["registered", ""]}
    assert list(answered["refused"]) == ["nonsense", kept["marks"][2]["key"]]
    helper = Client()
    seen = helper.get(f"{address}?key={helper_token(link)}").json()
    assert (seen["states"], seen["counts"]["present"]) == (answered["states"], 1)
    made = {"marks": [{"key": str(uuid4()), "registration": str(second.pk), "action": "absent"}]}
    helper.post(f"{address}?key={helper_token(link)}", json.dumps(made), content_type="application/json")
    assert CheckInMark.objects.get(registration=second).helper == link
    assert CheckInMark.objects.get(registration=first).by == cast.assistant.user


def test_marks_are_ordered_by_the_sites_clock_whatever_the_devices_say(cast: Cast, today: Exam) -> None:
    held, now = by_hand(cast.student, today), the_time()
    address, staff = f"/amls/exams/{today.pk}/check-in/marks/", cast.client("assistant")

    def send(action: str, made_at: datetime, sent_at: datetime) -> str:
        made = {"key": str(uuid4()), "registration": str(held.pk), "action": action, "made_at": made_at.isoformat()}
        kept = {"marks": [made], "sent_at": sent_at.isoformat()}
        answer = staff.post(address, json.dumps(kept), content_type="application/json")
        return str(answer.json()["states"][str(held.pk)][0])

    assert send("present", now, now) == "attended"
    # A phone an hour behind takes back what it sees: that is later, whatever it says.
    behind = now - timedelta(hours=1)
    assert send("undo", behind, behind) == "registered"
    assert send("absent", now + timedelta(hours=5), now + timedelta(hours=5)) == "absent"
    for nonsense in ("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "soon"):
        made = {"key": str(uuid4()), "registration": str(held.pk), "action": "present", "made_at": nonsense}
        kept = {"marks": [made], "sent_at": nonsense}
        assert staff.post(address, json.dumps(kept), content_type="application/json").status_code == 200
    assert staff.get(f"/amls/exams/{today.pk}/check-in/").status_code == 200


def test_who_waits_stands_among_those_who_came_without_a_seat(cast: Cast, today: Exam) -> None:
    Exam.objects.filter(pk=today.pk).update(capacity=1)
    first = by_hand(cast.student, today)
    # While people still moved up.
    waits = register(enrolment=cast.other_student, exam_pk=today.pk, now=the_time() - timedelta(days=3))
    elsewhere = make_students(cast.course, 1)[0]
    other = OpenExamFactory.create(course=cast.course, starts_at=the_time() + timedelta(days=9), opens_at=None, closes_at=None, withdraw_until=None)  # fmt: skip
    by_hand(elsewhere, other)
    client, door = cast.client("assistant"), f"/amls/exams/{today.pk}/check-in/"
    page = client.get(door)
    assert [(candidate.enrolment.pk, candidate.waits) for candidate in page.context["candidates"]] == [
        (cast.other_student.pk, True)
    ]
    answer = client.post(f"{door}walk-in/", {"enrolment": cast.other_student.pk}, follow=True)
    assert "Every seat is taken." in answer.content.decode()
    staff_withdraw(registration_pk=first.pk, reason="Ill", now=the_time())
    client.post(f"{door}walk-in/", {"enrolment": cast.other_student.pk})
    waits.refresh_from_db()
    assert (waits.state, waits.is_walk_in) == ("attended", True)


def test_one_admission_is_called_the_same_at_the_door_as_among_the_people_and_results(cast: Cast, today: Exam) -> None:
    held = by_hand(cast.student, today)
    mark(held, "present")
    decide_admission(enrolment=cast.student, verdict="refused", reason="Copied", by=cast.lecturer.user, now=the_time())
    for language, word in (("en", "Not admitted"), ("de", "Nicht zugelassen")):
        client = cast.client("lecturer")
        for page in ("staff", "check-in", "results", f"staff/people/{held.pk}"):
            answer = client.get(f"/amls/exams/{today.pk}/{page}/", headers={"accept-language": language})
            text = answer.content.decode()
            assert f">{word}</span>" in text, (language, page)
            assert re.search("under reserve|unter Vorbehalt", text, re.IGNORECASE) is None


def test_two_of_one_name_without_a_number_are_told_apart_by_staff(cast: Cast, today: Exam) -> None:
    for enrolment in (cast.student, cast.other_student):
        mark(by_hand(enrolment, today), "present")
    addresses = [cast.student.user.email, cast.other_student.user.email]
    for name, shown in (("Kim Lee", addresses), ("Sam Lee", [])):
        User.objects.filter(pk=cast.student.user_id).update(display_name="Kim Lee", matriculation_number="")
        User.objects.filter(pk=cast.other_student.user_id).update(display_name=name, matriculation_number="")
        client = cast.client("lecturer")
        for page in ("staff", "check-in", "results"):
            text = client.get(f"/amls/exams/{today.pk}/{page}/").content.decode()
            assert [address for address in addresses if address in text] == shown, (name, page)


@pytest.mark.parametrize("body", ["", "[]", '{"marks": 3}', '{"marks": ["x"]}'])
def test_what_is_no_list_of_marks_is_refused(cast: Cast, today: Exam, body: str) -> None:
    address = f"/amls/exams/{today.pk}/check-in/marks/"
    assert cast.client("lecturer").post(address, body, content_type="application/json").status_code == 404


def test_only_the_door_may_use_the_camera(cast: Cast, today: Exam) -> None:
    client = cast.client("lecturer")
    assert "camera=(self)" in client.get(f"/amls/exams/{today.pk}/check-in/")["Permissions-Policy"]
    assert "camera=()" in client.get(f"/amls/exams/{today.pk}/staff/")["Permissions-Policy"]


def test_without_javascript_a_form_marks_and_walk_ins_are_for_staff(cast: Cast, today: Exam) -> None:
    held = by_hand(cast.student, today)
    link = HelperLink.objects.create(exam=today, name="Kim", created_at=the_time())
    door, key = f"/amls/exams/{today.pk}/check-in/", helper_token(link)
    client = Client()
    page = client.get(f"{door}?key={key}&q=person").content.decode()
    assert ">Not admitted yet</span>" in page
    assert "Came without a seat" not in page
    answer = client.post(
        f"{door}mark/?key={key}", {"registration": held.pk, "action": "present", "key": str(uuid4()), "seat": ""}
    )
    assert (answer.status_code, answer["Location"]) == (302, f"{door}?key={key}")
    held.refresh_from_db()
    assert held.state == "attended"
    assert client.post(f"{door}walk-in/?key={key}", {"enrolment": cast.other_student.pk}).status_code == 404
    cast.client("assistant").post(f"{door}walk-in/", {"enrolment": cast.other_student.pk})
    came = Registration.objects.get(enrolment=cast.other_student)
    assert (came.state, came.is_walk_in) == ("attended", True)


def test_a_scanned_slip_shows_one_person(cast: Cast, today: Exam) -> None:
    held, _other = by_hand(cast.student, today), by_hand(cast.other_student, today)
    client, door = cast.client("assistant"), f"/amls/exams/{today.pk}/check-in/"
    page = client.get(door, {"who": slip_code(held.pk, today.pk)})
    assert [row["registration"].pk for row in page.context["rows"]] == [held.pk]
    assert "not one of this exam" in client.get(door, {"who": "1-made-up"}).content.decode()


def test_a_link_of_yesterday_opens_nothing(cast: Cast, exam: Exam) -> None:
    link = HelperLink.objects.create(exam=exam, name="Kim", created_at=JUNE)
    assert Client().get(f"/amls/exams/{exam.pk}/check-in/?key={helper_token(link)}").status_code == 404


def test_after_an_exam_is_closed_the_door_shows_who_was_there(cast: Cast, today: Exam) -> None:
    enrolments = make_students(cast.course, 2)
    there, missing = [
        staff_register(enrolment=enrolment, exam_pk=today.pk, reason="x", now=the_time()) for enrolment in enrolments
    ]
    for registration, action in ((there, "present"), (missing, "absent")):
        make_mark(registration_pk=registration.pk, exam_pk=today.pk, action=action, key=uuid4(), now=the_time())
    Exam.objects.filter(pk=today.pk).update(
        starts_at=the_time() - timedelta(hours=3), opens_at=None, closes_at=None, withdraw_until=None
    )
    close_exam(exam_pk=today.pk, now=the_time())
    client, address = cast.client("lecturer"), f"/amls/exams/{today.pk}/check-in/"
    answer = client.get(address)
    page = answer.content.decode()
    assert "This exam is closed" in page
    assert "Nobody is registered for this exam." not in page
    assert ("S 0000" in page, "S 0001" in page) == (True, True)
    assert (answer.context["counts"]["present"], answer.context["counts"]["absent"]) == (1, 1)
    assert ("data-mark>" in page, 'id="walk-in"' in page) == (False, False)
    # A mark that a device has kept until now is answered, and changes nothing.
    kept = {"key": str(uuid4()), "registration": str(missing.pk), "action": "present", "seat": ""}
    answered = client.post(f"{address}marks/", json.dumps({"marks": [kept]}), content_type="application/json").json()
    assert list(answered["refused"]) == [kept["key"]]
    assert answered["states"][str(missing.pk)] == ["absent", ""]
