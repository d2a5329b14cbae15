"""Forms of people who are signed out meanwhile or come with an old token, and addresses that take forms only."""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.account.models import EmailAddress
from django.contrib.messages import get_messages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from lxml import html

from projects.models import Invitation, SeekingNote
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
    # From the answer to what a form sent there, another language is asked for: its page is there.
    back = cast.client("student").get(address, headers={"referer": f"http://testserver{address}"})
    assert (back.status_code, back.headers["Location"]) == (302, above)


TYPED = '<b>Who & "why"</b>\r\n  two lines'


def sent_with_an_old_token(cast: Cast, part: str, address: str, data: dict[str, object], **headers: str) -> Any:
    client = Client(enforce_csrf_checks=True)
    if (user := cast.users()[part]) is not None:
        client.force_login(user, backend="amls.courses.accounts.AccountBackend")
    client.cookies["csrftoken"] = "n" * 32
    headers = {"sec-fetch-site": "same-origin", "referer": f"{HERE}/amls/projects/", **headers}
    return client.post(address, {"csrfmiddlewaretoken": "o" * 32, **data}, headers=headers)


def forms_of(page: Any, address: str) -> list[dict[str, str]]:
    """Return what the forms of a page that go to an address would send, as a browser reads them."""
    forms = html.fromstring(page.content.decode()).xpath(f'//form[@action="{address}"]')
    return [dict(form.form_values()) for form in forms]


def test_what_was_sent_with_an_old_token_is_shown_and_sent_again_by_a_button(cast: Cast) -> None:
    AssignmentFactory.create(course=cast.course, due_at=timezone.now() + timedelta(days=9))
    address = "/amls/projects/seek/"
    page = sent_with_an_old_token(cast, "student", address, {"text": TYPED, "topic": "", "add": "1"})
    assert (page.status_code, page.headers["Cache-Control"]) == (403, "private, no-store")
    said = page.content.decode()
    assert "Send this again as student@example.org" in said
    assert "&lt;b&gt;Who &amp; &quot;why&quot;&lt;/b&gt;" in said
    [fields] = forms_of(page, address)
    assert {name: text.replace("\r\n", "\n") for name, text in fields.items() if name != "csrfmiddlewaretoken"} == {
        "text": TYPED.replace("\r\n", "\n"), "topic": "", "add": "1"
    }  # fmt: skip
    assert not SeekingNote.objects.exists()
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.student.user, backend="amls.courses.accounts.AccountBackend")
    client.cookies["csrftoken"] = page.cookies["csrftoken"].value if "csrftoken" in page.cookies else "n" * 32
    client.post(address, fields, headers={"sec-fetch-site": "same-origin"})
    assert SeekingNote.objects.get().enrolment == cast.student


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_nothing_that_another_site_sent_is_shown_or_sent_again(cast: Cast, site: str) -> None:
    headers = {"sec-fetch-site": site, "origin": "https://evil.example"}
    page = sent_with_an_old_token(cast, "student", "/amls/projects/seek/", {"text": "of the attacker"}, **headers)
    assert page.status_code == 403
    assert "of the attacker" not in page.content.decode()
    assert forms_of(page, "/amls/projects/seek/") == []


def test_who_is_signed_out_finds_what_they_typed_but_sends_nothing_from_there(cast: Cast) -> None:
    page = sent_with_an_old_token(cast, "anonymous", "/amls/projects/seek/", {"text": "of mine"})
    assert "<dd>of mine</dd>" in page.content.decode()
    assert forms_of(page, "/amls/projects/seek/") == []


@pytest.mark.parametrize("name", ["password", "new_password1", "code", "otp_code"])
def test_no_secret_is_shown_and_nothing_that_was_sent_with_it(cast: Cast, name: str) -> None:
    page = sent_with_an_old_token(cast, "student", "/accounts/login/", {"login": "typed@example.org", name: "s3cret"})
    assert page.status_code == 403
    assert not re.search("typed@example.org|s3cret", page.content.decode())
    assert forms_of(page, "/accounts/login/") == []


def test_files_are_chosen_anew_in_a_form_that_opens_beside_what_was_typed(cast: Cast) -> None:
    data = {"comment": "of mine", "files": SimpleUploadedFile("a.txt", b"abc")}
    page = sent_with_an_old_token(cast, "student", "/amls/projects/seek/", data)
    said = page.content.decode()
    assert "<dd>of mine</dd>" in said
    assert '<a class="btn" href="/amls/projects/" target="_blank">' in said
    assert forms_of(page, "/amls/projects/seek/") == []
