"""Admission: facts, decisions, and that neither changes the other in silence."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from amls.agenda.models import AgendaItem
from amls.agenda.services import reconcile
from amls.core.violations import RuleViolation
from amls.courses.eligibility import Finding, Verdict, eligibility_rules
from amls.courses.models import Enrolment
from amls.mail.letters import letter_kinds
from amls.mail.models import Notice
from amls.mail.still_due import still_due_for
from exams.admission import admission_of, admissions_of
from exams.hooks.privacy import purge_accommodations
from exams.models import Accommodation, AdmissionDecision, Exam, ExamRules, Registration
from exams.services.admission import admit_whoever_fulfils_the_rules, decide_admission
from exams.services.registration import register
from exams.tasks import tend_exams
from tests.cast import Cast
from tests.factories import OpenExamFactory

pytestmark = pytest.mark.django_db
JUNE = datetime(2024, 6, 20, 10, tzinfo=UTC)


@pytest.fixture
def exam(cast: Cast) -> Exam:
    return OpenExamFactory.create(course=cast.course, capacity=1)


@pytest.fixture
def facts() -> Iterator[dict[int, Verdict]]:
    """What another app finds of people, by enrolment."""
    verdicts: dict[int, Verdict] = {}

    def rule(course: object, people: list[Enrolment], now: datetime) -> dict[int, list[Finding]]:
        return {
            person.pk: [
                Finding(rule="tests.project", verdict=verdicts[person.pk], text="Project passed", path="/mend/")
            ]
            for person in people
            if person.pk in verdicts
        }

    known = {"exams.matriculation": eligibility_rules["exams.matriculation"], "tests": rule}
    with eligibility_rules.replaced(known):
        yield verdicts


def give_number(enrolment: Enrolment) -> None:
    enrolment.user.matriculation_number = "123456"
    enrolment.user.save()


def test_what_is_missing_is_named_with_the_link_that_mends_it(cast: Cast, facts: dict[int, Verdict]) -> None:
    admission = admission_of(cast.student, now=JUNE)
    assert (admission.state, [(finding.text, finding.path) for finding in admission.missing]) == (
        "not_yet", [("Your matriculation number is missing: enter it in your profile.", "/accounts/profile/")],
    )  # fmt: skip
    give_number(cast.student)
    facts[cast.student.pk] = Verdict.PENDING
    assert admission_of(cast.student, now=JUNE).state == "pending"
    facts[cast.student.pk] = Verdict.MET
    assert admission_of(cast.student, now=JUNE).is_admitted


def test_a_course_may_do_without_the_number(cast: Cast, facts: dict[int, Verdict]) -> None:
    ExamRules.objects.create(course=cast.course, needs_matriculation_number=False)
    assert admission_of(cast.student, now=JUNE).is_admitted


def test_admitted_by_the_rules_is_written_down_once_and_told(cast: Cast, exam: Exam, facts: dict[int, Verdict]) -> None:
    give_number(cast.student)
    facts[cast.student.pk] = Verdict.MET
    register(enrolment=cast.student, exam_pk=exam.pk, now=JUNE)
    register(enrolment=cast.other_student, exam_pk=exam.pk, now=JUNE)
    assert admit_whoever_fulfils_the_rules(course=cast.course, now=JUNE) == 1
    assert admit_whoever_fulfils_the_rules(course=cast.course, now=JUNE) == 0
    decision = AdmissionDecision.objects.get()
    assert (decision.enrolment_id, decision.is_by_hand, decision.by) == (cast.student.pk, False, None)
    letter = letter_kinds["exams.admission"].writer(Notice.objects.get(kind="exams.admission"), JUNE)
    assert letter is not None
    assert letter.subject == "You are admitted to Written exam"


def test_later_facts_revoke_nothing_in_silence(cast: Cast, exam: Exam, facts: dict[int, Verdict]) -> None:
    give_number(cast.student)
    facts[cast.student.pk] = Verdict.MET
    register(enrolment=cast.student, exam_pk=exam.pk, now=JUNE)
    admit_whoever_fulfils_the_rules(course=cast.course, now=JUNE)
    facts[cast.student.pk] = Verdict.UNMET
    admission = admission_of(cast.student, now=JUNE)
    assert (admission.is_admitted, admission.is_contradicted) == (True, True)
    with pytest.raises(RuleViolation):
        decide_admission(enrolment=cast.student, verdict="refused", reason=" ", by=cast.lecturer.user, now=JUNE)
    decide_admission(enrolment=cast.student, verdict="refused", reason="Plagiarism", by=cast.lecturer.user, now=JUNE)
    admission = admission_of(cast.student, now=JUNE)
    assert (admission.state, admission.is_contradicted) == ("refused", False)
    letters = [
        letter_kinds[notice.kind].writer(notice, JUNE)
        for notice in Notice.objects.filter(kind="exams.admission").order_by("pk")
    ]
    # The first decision is no longer true, so its mail is dropped if it was not sent yet.
    assert [letter.subject if letter else None for letter in letters] == [None, "You are not admitted to Written exam"]
    assert letters[1] is not None
    assert "Plagiarism" in letters[1].text
    decide_admission(enrolment=cast.student, verdict="by_rules", reason="Appeal", by=cast.lecturer.user, now=JUNE)
    assert admission_of(cast.student, now=JUNE).state == "not_yet"
    assert AdmissionDecision.objects.count() == 3


def test_staff_admit_past_the_rules(cast: Cast, facts: dict[int, Verdict]) -> None:
    decide_admission(
        enrolment=cast.student, verdict="admitted", reason="Passed in 2022", by=cast.lecturer.user, now=JUNE
    )
    admissions = admissions_of(cast.course, [cast.student, cast.other_student], now=JUNE)
    assert (admissions[cast.student.pk].is_admitted, admissions[cast.other_student.pk].is_admitted) == (True, False)
    assert not admissions[cast.student.pk].is_contradicted


def test_whom_a_date_still_concerns(cast: Cast, exam: Exam) -> None:
    people = [cast.student, cast.other_student, cast.assistant]
    key = f"exams.exam:{exam.pk}"

    def concerned(what: str) -> set[int]:
        return still_due_for(cast.course, f"{key}{what}", people, now=JUNE)

    students = {cast.student.pk, cast.other_student.pk}
    assert concerned(":signup-closes") == concerned(":signup-opens") == students
    assert concerned("") == concerned(":withdraw-until") == concerned(":review") == set()
    held = register(enrolment=cast.student, exam_pk=exam.pk, now=JUNE)
    register(enrolment=cast.other_student, exam_pk=exam.pk, now=JUNE)
    assert concerned(":signup-closes") == set()
    assert concerned("") == {cast.student.pk}
    assert concerned(":withdraw-until") == students
    Registration.objects.filter(pk=held.pk).update(state="attended", arrived_at=JUNE)
    assert concerned(":review") == {cast.student.pk}
    assert still_due_for(cast.course, "exams.nonsense", people, now=JUNE) == set()


def test_beat_mends_what_a_crash_left_and_admits(cast: Cast, exam: Exam, facts: dict[int, Verdict]) -> None:
    now = datetime.now(UTC)
    Exam.objects.filter(pk=exam.pk).update(
        starts_at=now + timedelta(days=9), opens_at=None, closes_at=now + timedelta(days=5), withdraw_until=None
    )
    reconcile(cast.course, now=now)
    give_number(cast.student)
    # The callbacks after the commit don't run here, as after a crash.
    register(enrolment=cast.student, exam_pk=exam.pk, now=now)
    assert not AgendaItem.objects.filter(enrolment=cast.student).exists()
    assert tend_exams() == 1
    assert AgendaItem.objects.filter(enrolment=cast.student).count() == 2
    revision = Enrolment.objects.get(pk=cast.student.pk).revision
    assert tend_exams() == 0
    assert Enrolment.objects.get(pk=cast.student.pk).revision == revision


def test_accommodations_are_purged_early_with_their_history(cast: Cast, exam: Exam) -> None:
    from django.apps import apps

    Accommodation.objects.create(course=cast.course, enrolment=cast.student, extra_minutes=20)
    coming = OpenExamFactory.create(course=cast.other_course, starts_at=datetime.now(UTC) + timedelta(days=3), opens_at=None, closes_at=None, withdraw_until=None)  # fmt: skip
    kept = Accommodation.objects.create(course=coming.course, enrolment=cast.foreign_lecturer, front_row=True)
    now = datetime.now(UTC)
    assert (purge_accommodations(now, True), Accommodation.objects.count()) == (1, 2)
    assert purge_accommodations(now, False) == 1
    assert list(Accommodation.objects.all()) == [kept]
    events = apps.get_model("exams", "AccommodationEvent").objects.values_list("id", flat=True)
    assert set(events) == {kept.pk}
