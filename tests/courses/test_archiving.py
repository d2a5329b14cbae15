"""A course is archived after its loose ends were named, a draft again after its people were, and reopened with a reason."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from amls.courses.models import Course
from amls.held.models import HeldAct
from amls.held.services import apply_next
from projects.services.registration import register_project
from tests.agreement import agree_to
from tests.cast import Cast
from tests.factories import AssignmentFactory, EnrolmentFactory, TopicFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_factor")]


def send(client: Client, course: Course, **values: str) -> Any:
    address = reverse("admin:courses_course_change", args=[course.pk])
    form = client.get(address).context["adminform"].form
    data = {name: form[name].value() for name in form.fields}
    data = {name: value for name, value in data.items() if value is not None and value is not False}
    data = {name: ",".join(value) if isinstance(value, list) else value for name, value in data.items()}
    # What calendars show is asked about in any case.
    for rows in ("staff", "weekly_slots"):
        data |= {f"{rows}-TOTAL_FORMS": "0", f"{rows}-INITIAL_FORMS": "0"}
    data |= values
    answer = agree_to(client, address, data)
    if answer.context and "adminform" in answer.context:
        assert answer.context["adminform"].form.errors == {}
    return answer


def test_archiving_names_what_is_not_finished_and_asks(cast: Cast) -> None:
    AssignmentFactory.create(course=cast.course, due_at=timezone.now() + timedelta(days=9))
    topic = TopicFactory.create(course=cast.course, slots=2)
    for enrolment in (cast.student, cast.other_student):
        register_project(enrolment=enrolment, topic=topic, now=timezone.now())
    client = cast.client("lecturer")
    asked = send(client, cast.course, state="archived", title="Other title")
    assert asked.status_code == 200
    assert "2 projects without a decision" in asked.content.decode()
    cast.course.refresh_from_db()
    assert (cast.course.state, cast.course.title) == ("running", "Architecture of Machine Learning Systems")
    assert send(client, cast.course, state="archived", _state=asked.context["preview"].seal).status_code == 302
    act = HeldAct.objects.get()
    cast.course.refresh_from_db()
    assert (cast.course.state, act.title) == ("running", f"Archive {cast.course}")
    assert apply_next(act.apply_at) == 1
    cast.course.refresh_from_db()
    assert cast.course.state == "archived"


def test_archiving_is_taken_back_in_time_and_not_done_where_something_else_is_unfinished_by_then(cast: Cast) -> None:
    AssignmentFactory.create(course=cast.course, due_at=timezone.now() + timedelta(days=9))
    topic, client = TopicFactory.create(course=cast.course, slots=2), cast.client("lecturer")
    for is_taken_back in (True, False):
        seal = send(client, cast.course, state="archived").context["preview"].seal
        send(client, cast.course, state="archived", _state=seal)
        act = HeldAct.objects.latest("pk")
        if is_taken_back:
            client.post(reverse("held:undo", args=[cast.course.slug, act.pk]))
        else:
            register_project(enrolment=cast.student, topic=topic, now=timezone.now())
        assert apply_next(act.apply_at) == (0 if is_taken_back else 1)
        act.refresh_from_db()
        assert act.state == ("undone" if is_taken_back else "refused")
    cast.course.refresh_from_db()
    assert cast.course.state == "running"


def test_a_course_is_archived_only_with_the_loose_ends_that_were_shown(cast: Cast) -> None:
    AssignmentFactory.create(course=cast.course, due_at=timezone.now() + timedelta(days=9))
    topic = TopicFactory.create(course=cast.course, slots=2)
    register_project(enrolment=cast.student, topic=topic, now=timezone.now())
    client = cast.client("lecturer")
    seal = send(client, cast.course, state="archived").context["preview"].seal
    register_project(enrolment=cast.other_student, topic=topic, now=timezone.now())
    for pressed in ("1", seal):
        asked = send(client, cast.course, state="archived", _state=pressed)
        assert "2 projects without a decision" in asked.content.decode()
        assert "Nothing was saved: something changed since this was shown." in asked.content.decode()
        cast.course.refresh_from_db()
        assert cast.course.state == "running"


def test_a_running_course_becomes_a_draft_again_only_after_a_question_and_in_five_minutes(cast: Cast) -> None:
    client = cast.client("lecturer")
    asked = send(client, cast.course, state="draft")
    assert asked.status_code == 200
    assert "2 students take part in it and will find nothing of it any more" in asked.content.decode()
    EnrolmentFactory.create(course=cast.course)
    again = send(client, cast.course, state="draft", _state=asked.context["preview"].seal)
    assert "3 students take part in it" in again.content.decode()
    assert "Nothing was saved: something changed since this was shown." in again.content.decode()
    # The question before archiving was another one.
    archiving = send(client, cast.course, state="archived").context["preview"].seal
    assert send(client, cast.course, state="draft", _state=archiving).status_code == 200
    assert not HeldAct.objects.exists()
    assert send(client, cast.course, state="draft", _state=again.context["preview"].seal).status_code == 302
    act = HeldAct.objects.get()
    assert act.title == f"Make {cast.course} a draft again"
    assert cast.client("student").get("/amls/me/").status_code == 200
    client.post(reverse("held:undo", args=["amls", act.pk]))
    assert apply_next(act.apply_at) == 0
    assert send(client, cast.course, state="draft", _state=again.context["preview"].seal).status_code == 302
    assert apply_next(HeldAct.objects.latest("pk").apply_at) == 1
    assert HeldAct.objects.latest("pk").outcome == "The course is a draft again: its staff alone see it."
    assert cast.client("student").get("/amls/me/").status_code == 404


def test_a_draft_is_published_at_once_and_an_archived_course_hidden_with_a_reason(cast: Cast) -> None:
    client = cast.client("lecturer")
    Course.objects.filter(pk=cast.course.pk).update(state="draft")
    assert send(client, cast.course, state="running").status_code == 302
    cast.course.refresh_from_db()
    assert (cast.course.state, HeldAct.objects.count()) == ("running", 0)
    Course.objects.filter(pk=cast.course.pk).update(state="archived")
    asked = send(client, cast.course, state="draft").content.decode()
    assert "2 students take part in it" in asked
    assert "Say why it is reopened" in asked
    assert "Students can act in the course again." not in asked


def test_reopening_asks_why_and_the_history_keeps_it(cast: Cast) -> None:
    Course.objects.filter(pk=cast.course.pk).update(state="archived")
    client = cast.client("lecturer")
    assert "Say why it is reopened" in send(client, cast.course, state="running").content.decode()
    assert send(client, cast.course, state="running", _reason="  ").status_code == 422
    cast.course.refresh_from_db()
    assert cast.course.state == "archived"
    assert send(client, cast.course, state="running", _reason="Late results of <October>").status_code == 302
    act = HeldAct.objects.get()
    cast.course.refresh_from_db()
    assert cast.course.state == "archived"
    apply_next(act.apply_at)
    cast.course.refresh_from_db()
    assert cast.course.state == "running"
    history = client.get(reverse("admin:courses_course_history", args=[cast.course.pk])).content.decode()
    assert "Reason: Late results of &lt;October&gt;" in history
    # Whoever asked for it, and not the worker.
    assert str(cast.lecturer.user) in history
    # In words, not as the database has it.
    assert "<strong>State</strong>: <del>Archived</del>" in history
    assert "courses.Course" not in history
