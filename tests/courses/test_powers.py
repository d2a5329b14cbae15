"""Who may do what: second factors, roles, other people's courses and accounts."""

import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from amls.courses.models import Course, Enrolment, Role, User
from amls.mail.send import deliver_due
from tests.cast import Cast
from tests.factories import CourseFactory, EnrolmentFactory, LectureFactory

pytestmark = pytest.mark.django_db
PASSWORD = "right-horse-battery"


def code_by_mail() -> str:
    assert deliver_due(now=timezone.now()) >= 1
    code = re.search(r"^([A-Z0-9]{3,4}-[A-Z0-9]{3,4})$", mail.outbox[-1].body, re.MULTILINE)
    assert code is not None
    return code.group(1)


def come_by_code(email: str) -> Client:
    client = Client()
    client.post("/accounts/login/code/", {"email": email})
    client.post("/accounts/login/code/confirm/", {"code": code_by_mail()})
    assert "_auth_user_id" in client.session
    return client


def test_whoever_signed_up_with_an_address_of_others_never_gets_in(cast: Cast) -> None:
    victim = "victim@example.org"
    Client().post("/accounts/signup/", {"email": victim, "password1": PASSWORD, "password2": PASSWORD})
    owner = come_by_code(victim)
    assert owner.get("/accounts/profile/").status_code == 200
    attacker = Client()
    attacker.post("/accounts/login/", {"login": victim, "password": PASSWORD})
    assert "_auth_user_id" not in attacker.session


def test_whoever_comes_by_code_keeps_the_own_password(cast: Cast) -> None:
    user = cast.student.user
    user.set_password(PASSWORD)
    user.save()
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    come_by_code(user.email)
    assert User.objects.get(pk=user.pk).check_password(PASSWORD)


def enrolment_page(enrolment: Enrolment) -> str:
    return reverse("admin:courses_enrolment_change", args=[enrolment.pk])


def test_assistants_appoint_nobody(cast: Cast) -> None:
    client = cast.client("assistant")
    for enrolment in (cast.assistant, cast.lecturer):
        assert client.post(enrolment_page(enrolment), {"role": "student", "number": ""}).status_code == 403
        delete = reverse("admin:courses_enrolment_delete", args=[enrolment.pk])
        assert client.post(delete, {"post": "yes"}).status_code == 403
    assert client.post(enrolment_page(cast.student), {"role": "lecturer", "number": ""}).status_code == 200
    # Who lectures elsewhere is offered the roles, and refused here.
    EnrolmentFactory.create(user=cast.assistant.user, course=cast.other_course, role=Role.LECTURER)
    answer = client.post(enrolment_page(cast.student), {"role": "lecturer", "number": ""})
    assert "Only lecturers of the course say who teaches it." in answer.content.decode()
    roles = dict(Enrolment.objects.filter(course=cast.course).values_list("user__email", "role"))
    assert roles == {
        "student@example.org": "student", "other@example.org": "student", "assistant@example.org": "assistant",
        "lecturer@example.org": "lecturer",
    }  # fmt: skip


def test_lecturers_appoint_and_no_course_is_left_without_one(cast: Cast) -> None:
    client = cast.client("lecturer")
    assert client.post(enrolment_page(cast.student), {"role": "assistant", "number": ""}).status_code == 302
    answer = client.post(enrolment_page(cast.lecturer), {"role": "student", "number": ""})
    assert "This is the course&#x27;s only lecturer." in answer.content.decode()
    assert client.post(reverse("admin:courses_enrolment_delete", args=[cast.lecturer.pk]), {"post": "yes"}).status_code == 403  # fmt: skip
    assert client.post(enrolment_page(cast.assistant), {"role": "lecturer", "number": ""}).status_code == 302
    assert client.post(enrolment_page(cast.lecturer), {"role": "student", "number": ""}).status_code == 302
    assert set(Enrolment.objects.filter(course=cast.course, role=Role.LECTURER)) == {cast.assistant}


def test_an_assistant_who_rolls_a_course_over_stays_an_assistant(cast: Cast) -> None:
    Course.objects.filter(pk=cast.course.pk).update(first_day="2024-04-15", last_day="2024-07-20")
    LectureFactory.create(course=cast.course)
    client, address = cast.client("assistant"), "/amls/staff/roll-over/"
    data = {"new_slug": "amls-next", "start": "2025-04-14", "term": "SS2025"}
    shown = client.post(address, data)
    seen = re.search(r'name="_shown" value="([^"]+)"', shown.content.decode())
    assert seen is not None, shown.content.decode()[:3000]
    assert client.post(address, {**data, "_agreed": "1", "_shown": seen.group(1)}).status_code == 302
    people = Enrolment.objects.filter(course__slug="amls-next").values_list("user__email", "role")
    assert dict(people) == {"assistant@example.org": "assistant", "lecturer@example.org": "lecturer"}


def relational_lists() -> list[str]:
    names = [
        "courses_enrolment", "courses_rosterentry", "exams_accommodation", "exams_admissiondecision", "exams_exam",
        "lectures_lecture", "lectures_officehour", "lectures_part", "mail_announcement",
        "mail_notice", "mail_reminderrule", "projects_earlierpass", "projects_extension",
        "projects_extensionrequest", "projects_invitation", "projects_topic", "exams_registration", "exports_export",
    ]  # fmt: skip
    return [f"admin:{name}_changelist" for name in names]


@pytest.mark.parametrize("name", relational_lists())
def test_filters_name_only_ones_own_courses(cast: Cast, name: str) -> None:
    CourseFactory.create(slug="secret", title="SECRET draft", state="draft")
    # With one choice only a filter hides.
    EnrolmentFactory.create(user=cast.assistant.user, course=CourseFactory.create(slug="second"), role=Role.ASSISTANT)
    page = cast.client("assistant").get(reverse(name))
    assert page.status_code == 200
    assert "SECRET" not in page.content.decode()


def test_the_admin_can_name_every_course_in_filters(cast: Cast) -> None:
    CourseFactory.create(slug="secret", title="SECRET draft", state="draft")
    assert "SECRET" in cast.client("admin").get(reverse("admin:lectures_lecture_changelist")).content.decode()


@pytest.mark.parametrize("place", ["https://evil.example/x", "//evil.example", "/\\evil.example"])
def test_the_desk_leads_only_to_this_site(cast: Cast, place: str) -> None:
    answer: Any = cast.client("assistant").get("/admin/login/", {"next": place})
    assert (answer.status_code, answer["Location"]) == (302, "/admin/")
    answer = cast.client("assistant").get("/admin/login/", {"next": "/admin/lectures/lecture/"})
    assert answer["Location"] == "/admin/lectures/lecture/"


def test_the_desk_changes_no_password_by_itself(cast: Cast) -> None:
    assert cast.client("assistant").get("/admin/password_change/")["Location"] == "/accounts/password/change/"


@pytest.mark.parametrize("path", ["/amls/me/", "/amls/projects/", "/amls/exams/", "/accounts/profile/", "/amls/"])
def test_pages_of_people_are_kept_nowhere(cast: Cast, path: str) -> None:
    assert cast.client("student").get(path)["Cache-Control"] == "private, no-store"


def test_a_courses_code_can_be_guessed_ten_times(cast: Cast) -> None:
    Course.objects.filter(pk=cast.course.pk).update(enrolment_policy="code", enrolment_code="sesam")
    client = cast.client("stranger")
    for _guess in range(10):
        assert "This is not the course" in client.post("/amls/enrol/", {"code": "wrong"}).content.decode()
    assert "Too many attempts." in client.post("/amls/enrol/", {"code": "sesam"}).content.decode()
    assert not cast.stranger.enrolments.exists()


def test_the_language_cookie_is_no_scripts_business(cast: Cast) -> None:
    data = {"display_name": "Sam", "matriculation_number": "", "language": "de"}
    answer = cast.client("student").post("/accounts/profile/", data)
    assert answer.cookies["django_language"]["httponly"]


@pytest.mark.parametrize("name", ["[Confirm](https://evil.example)", "www.evil.example", "A <b>", "http://x"])
def test_names_lead_nowhere(cast: Cast, name: str) -> None:
    data = {"display_name": name, "matriculation_number": "", "language": "en"}
    answer = cast.client("student").post("/accounts/profile/", data)
    assert "A name has no addresses and no brackets in it." in answer.content.decode()
    assert User.objects.get(pk=cast.student.user.pk).display_name != name
