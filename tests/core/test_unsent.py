"""Forms of people who are signed out meanwhile, and addresses that take forms only."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.account.models import EmailAddress
from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from projects.models import Invitation
from projects.services.registration import register_project
from tests.cast import Cast
from tests.factories import AssignmentFactory, OpenExamFactory, TopicFactory

pytestmark = pytest.mark.django_db

HERE, MINE = "http://testserver", "/amls/projects/mine/"
PASSWORD = "right-horse-battery"


def led_to(answer: HttpResponse) -> list[str]:
    """Return to which page, and after the sign-in to which place, an answer leads."""
    way = urlsplit(answer.headers["Location"])
    return [way.path, *parse_qs(way.query)["next"]]


def test_who_was_signed_out_meanwhile_comes_back_to_the_form_and_reads_that_it_was_not_sent(cast: Cast) -> None:
    AssignmentFactory.create(course=cast.course, due_at=timezone.now() + timedelta(days=9))
    topic = TopicFactory.create(course=cast.course, team_max=3)
    register_project(enrolment=cast.student, topic=topic, now=timezone.now())
    user = cast.student.user
    user.set_password(PASSWORD)
    user.save()
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    client = Client()
    sent = client.post(f"{MINE}invite/", {"email": "other@example.org"}, headers={"referer": f"{HERE}{MINE}?a=1"})
    assert led_to(sent) == ["/accounts/login/", f"{MINE}?a=1"]
    form = client.get(sent.headers["Location"])
    assert "what you sent was not taken" in form.content.decode()
    fields = {"login": user.email, "password": PASSWORD, "next": f"{MINE}?a=1"}
    back = client.post("/accounts/login/", fields, follow=True)
    assert back.redirect_chain[-1] == (f"{MINE}?a=1", 302)
    assert back.status_code == 200
    assert not Invitation.objects.exists()


@pytest.mark.parametrize(
    ("address", "page"),
    [
        ("/amls/me/leave/", "/amls/me/"),
        ("/amls/projects/seek/", "/amls/projects/"),
        ("/amls/projects/mine/switch/", "/amls/projects/mine/"),
        ("/amls/exams/{exam}/withdraw/", "/amls/exams/{exam}/withdraw/?sure=1"),
    ],
)
def test_each_form_leads_back_to_the_page_that_it_was_sent_from(cast: Cast, address: str, page: str) -> None:
    exam = OpenExamFactory.create(course=cast.course)
    address, page = address.format(exam=exam.pk), page.format(exam=exam.pk)
    client = cast.client("anonymous")
    answer = client.post(address, headers={"referer": f"{HERE}{page}"})
    assert led_to(answer) == ["/accounts/login/", page]


@pytest.mark.parametrize(
    "referer",
    ["https://evil.example/amls/", "http://testserver.evil.example/", "http://[", "http://testserver//evil.example/", "", "https://testserver/me/"],
)  # fmt: skip
def test_a_form_leads_to_no_other_site(cast: Cast, referer: str) -> None:
    answer = cast.client("anonymous").post("/amls/me/leave/", headers={"referer": referer})
    assert led_to(answer) == ["/accounts/login/", "/amls/me/leave/"]


def test_a_form_of_the_desk_leads_back_to_it(cast: Cast) -> None:
    page = "/admin/courses/course/?q=a"
    client = cast.client("anonymous")
    answer = client.post("/admin/courses/course/add/", headers={"referer": f"{HERE}{page}"})
    assert led_to(answer) == ["/admin/login/", page]
    assert led_to(client.get(answer.headers["Location"])) == ["/accounts/login/", page]


def test_a_part_of_a_page_that_needs_somebody_signed_in_leads_the_page_to_the_sign_in(cast: Cast) -> None:
    headers = {"hx-request": "true", "referer": f"{HERE}/amls/wishes/"}
    answer = cast.client("anonymous").post("/amls/wishes/", headers=headers)
    assert answer.headers["HX-Redirect"] == "/accounts/login/?next=/amls/wishes/"


def test_who_only_looks_is_led_back_to_what_they_looked_at_and_reads_of_no_form(cast: Cast) -> None:
    answer = cast.client("anonymous").get("/amls/me/", headers={"referer": f"{HERE}/amls/"})
    assert led_to(answer) == ["/accounts/login/", "/amls/me/"]
    assert not list(get_messages(answer.wsgi_request))


@pytest.mark.parametrize(
    ("address", "above"),
    [("/amls/me/leave/", "/amls/me/"), ("/amls/projects/mine/invite/", MINE), ("/language/", "/")],
)
def test_an_address_that_takes_forms_only_says_so_and_leads_to_the_page_above_it(
    cast: Cast, address: str, above: str
) -> None:
    answer = cast.client("student").get(address)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert f'<a class="btn go" href="{above}">' in answer.content.decode()
    assert cast.client("student").delete(address).content == b""
