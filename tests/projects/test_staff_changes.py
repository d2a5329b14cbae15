"""Who begins to teach, teaches no more, or is taken out: what they hold, and what they leave to others."""

from datetime import timedelta
from decimal import Decimal
from html import unescape

import pytest
from django.db.models.functions import Now
from django.urls import reverse

from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment, Role, StaffMember
from amls.courses.saving import remove_enrolment, save_enrolment
from amls.courses.services import loose_ends_of
from exams.models import Exam
from exams.services.registration import register, staff_withdraw
from projects.models import SeekingNote, Topic
from projects.services.assessing import assess, assign_assessor, publish_assessments, split_assessors
from projects.services.ideas import propose_idea
from projects.services.teams import write_seeking_note
from tests.agreement import agree_to
from tests.factories import EnrolmentFactory, OpenExamFactory
from tests.projects.conftest import NOW, World
from tests.projects.teams import make_teams

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_factor")]
CHANGE, DELETE, LIST = (f"admin:courses_enrolment_{way}" for way in ("change", "delete", "changelist"))


@pytest.fixture
def helper(world: World) -> Enrolment:
    person: Enrolment = EnrolmentFactory.create(
        course=world.course, role=Role.ASSISTANT, user__display_name="Łukasz Żółć"
    )
    return person


@pytest.mark.parametrize("way", ["demoted", "taken out"])
def test_what_somebody_was_to_assess_is_nobodys_once_they_teach_no_more(
    world: World, helper: Enrolment, way: str
) -> None:
    undecided, decided = make_teams(world, 2)
    assign_assessor(projects=[undecided, decided], assessor=helper.user)
    assess(project=decided, outcome="passed", extra_points=Decimal(0), feedback="", by=helper.user, now=NOW)
    client = world.cast.client("lecturer")
    if way == "demoted":
        sent = {"course": world.course.pk, "role": "student", "number": ""}
        agree_to(client, reverse(CHANGE, args=[helper.pk]), sent)
    else:
        agree_to(client, reverse(DELETE, args=[helper.pk]), {"post": "yes"})
    page = client.get(reverse(LIST))
    assert "1 project that Łukasz Żółć was to assess is nobody's now" in unescape(page.content.decode())
    for project in (undecided, decided):
        project.refresh_from_db()
    assert (undecided.assessor, decided.assessor) == (None, helper.user)
    assert split_assessors(course=world.course, assessors=[world.staff]) == 1


def test_who_holds_a_seat_or_waits_for_one_does_not_begin_to_teach(world: World) -> None:
    exam: Exam = OpenExamFactory.create(course=world.course, capacity=1)
    people = [world.another(), world.another()]
    for person in people:
        register(enrolment=person, exam_pk=exam.pk, now=exam.opens_at)
    client = world.cast.client("lecturer")
    for person in people:
        sent = {"course": world.course.pk, "role": "assistant", "number": ""}
        page = client.post(reverse(CHANGE, args=[person.pk]), sent)
        assert "They are registered for an exam, or wait for a seat." in page.content.decode()
        person.role = Role.ASSISTANT
        with pytest.raises(RuleViolation, match="wait for a seat"):
            save_enrolment(person, now=NOW)
    assert set(Enrolment.objects.filter(pk__in=[person.pk for person in people]).values_list("role", flat=True)) == {
        "student"
    }
    held = people[0].exam_registrations.get()
    staff_withdraw(registration_pk=held.pk, reason="Teaches now", now=exam.opens_at)
    save_enrolment(people[0], now=NOW)
    assert Enrolment.objects.get(pk=people[0].pk).is_staff


def test_who_is_in_a_team_teaches_once_its_result_is_there(world: World) -> None:
    (project,) = make_teams(world, 1)
    person = project.memberships.get().enrolment
    person.role = Role.ASSISTANT
    with pytest.raises(RuleViolation, match="They are in a team"):
        save_enrolment(person, now=NOW)
    assess(project=project, outcome="passed", extra_points=Decimal(0), feedback="", by=world.staff, now=NOW)
    publish_assessments(projects=[project], now=NOW)
    save_enrolment(person, now=NOW)
    assert Enrolment.objects.get(pk=person.pk).is_staff


def test_who_comes_to_teach_looks_for_no_team_any_more(world: World) -> None:
    person, other = world.another(), world.another()
    for seeker in (person, other):
        write_seeking_note(enrolment=seeker, assignment=world.assignment, topic=None, text="Kann Rust", now=NOW)
    sent = {"course": world.course.pk, "role": "assistant", "number": ""}
    agree_to(world.cast.client("lecturer"), reverse(CHANGE, args=[person.pk]), sent)
    assert Enrolment.objects.get(pk=person.pk).is_staff
    assert [note.enrolment for note in SeekingNote.objects.all()] == [other]


def test_a_student_who_is_bound_is_not_taken_out_and_the_desk_says_why_before_it_asks(world: World) -> None:
    (project,) = make_teams(world, 1)
    in_team, waiting, author, loose = project.memberships.get().enrolment, *(world.another() for _place in range(3))
    exam: Exam = OpenExamFactory.create(course=world.course, capacity=0)
    register(enrolment=waiting, exam_pk=exam.pk, now=exam.opens_at)
    propose_idea(enrolment=author, assignment=world.assignment, title="Größe", description="With data", now=NOW)
    client = world.cast.client("lecturer")
    bound = {
        in_team: "They are in a team.",
        waiting: "They are registered for an exam",
        author: "They proposed an own idea",
    }
    for person, why in bound.items():
        page = client.get(reverse(DELETE, args=[person.pk]), follow=True)
        assert page.redirect_chain, why
        assert f"{person.user}: {why}" in page.content.decode()
        with pytest.raises(RuleViolation, match=why):
            remove_enrolment(person, by=world.staff, now=NOW)
        sent = {"action": "delete_selected", "_selected_action": [person.pk], "post": "yes"}
        assert why in client.post(reverse(LIST), sent, follow=True).content.decode()
    # Whom nothing binds goes.
    assert client.get(reverse(DELETE, args=[loose.pk])).status_code == 200
    assert Enrolment.objects.filter(pk=loose.pk).exists()
    agree_to(client, reverse(DELETE, args=[loose.pk]), {"post": "yes"})
    assert not Enrolment.objects.filter(pk=loose.pk).exists()
    assert Enrolment.objects.filter(pk__in=[person.pk for person in bound]).count() == 3


def test_a_name_that_is_mentor_of_topics_stays_on_the_page_and_nothing_is_saved_by_half(world: World) -> None:
    member = StaffMember.objects.create(course=world.course, role=Role.ASSISTANT, name="M.Sc. Łukasz Żółć")
    make_teams(world, 1, mentor=member)
    client, address = world.cast.client("lecturer"), reverse("admin:courses_course_change", args=[world.course.pk])
    form = client.get(address).context
    sent = {name: "" if value is None else value for name, value in form["adminform"].form.initial.items()}
    for formset in form["inline_admin_formsets"]:
        prefix = formset.formset.prefix
        rows = [inner.initial | {"id": inner.instance.pk} for inner in formset.formset.initial_forms]
        sent |= {f"{prefix}-TOTAL_FORMS": len(rows), f"{prefix}-INITIAL_FORMS": len(rows)}
        for place, row in enumerate(rows):
            sent |= {f"{prefix}-{place}-{name}": "" if value is None else value for name, value in row.items()}
            if row["id"] == member.pk and prefix == "staff":
                sent[f"{prefix}-{place}-DELETE"] = "on"
    sent = {name: ", ".join(map(str, value)) if isinstance(value, list) else value for name, value in sent.items()}
    page = client.post(address, {**sent, "title": "Another title"})
    assert "M.Sc. Łukasz Żółć stays: mentor of 1 topic." in page.content.decode()
    world.course.refresh_from_db()
    assert world.course.title != "Another title"
    assert StaffMember.objects.filter(pk=member.pk).exists()
    Topic.objects.update(mentor=None)
    agree_to(client, address, {**sent, "title": "Another title"})
    assert not StaffMember.objects.filter(pk=member.pk).exists()


def test_before_it_is_archived_a_course_names_all_that_waits(world: World) -> None:
    drafted, _undecided = make_teams(world, 2)
    assess(project=drafted, outcome="passed", extra_points=Decimal(0), feedback="", by=world.staff, now=NOW)
    propose_idea(enrolment=world.student, assignment=world.assignment, title="Größe", description="With", now=NOW)
    exam: Exam = OpenExamFactory.create(course=world.course)
    register(enrolment=world.another(), exam_pk=exam.pk, now=exam.opens_at)
    Exam.objects.update(starts_at=Now() + timedelta(days=1))
    assert loose_ends_of(world.course) == [
        "1 project without a decision",
        "1 team handed in after its decision",
        "1 undecided idea",
        "1 decision that is not published",
        "1 exam to come, for which people are registered",
    ]
