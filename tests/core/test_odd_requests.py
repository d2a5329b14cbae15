"""What no handler should see: null characters, addresses that are none, forms that can't be read."""

import logging

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from lectures.models import Lecture
from projects.models import Project
from tests.cast import Cast
from tests.factories import LectureFactory, TopicFactory
from tests.odd.sending import Sender, Sent

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_factor")]


@pytest.mark.parametrize(
    "target", ["foo", "portal:home", "1e400", "2026-02-30T25:61", "", "//evil.example/", "http://[", "/\\evil.example", "\0"]
)  # fmt: skip
def test_who_chooses_a_language_is_led_to_places_of_this_site_only(cast: Cast, target: str) -> None:
    answer = cast.client("anonymous").post(
        "/language/", {"language": "de", "next": target}, headers={"sec-fetch-site": "same-origin"}
    )
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")


@pytest.mark.parametrize("target", ["foo", "portal:home", "http://[", "//evil.example/"])
def test_the_desk_leads_to_places_of_this_site_only(cast: Cast, target: str) -> None:
    answer = cast.client("lecturer").get("/admin/login/", {"next": target})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")
    asked = cast.client("anonymous").get("/admin/login/", {"next": target})
    assert asked.headers["Location"] == "/accounts/login/?next=/admin/"
    assert cast.client("lecturer").get("/admin/login/?next=/admin/courses/").headers["Location"] == "/admin/courses/"


@pytest.mark.parametrize("header", ["origin", "referer"])
def test_an_origin_that_is_no_address_is_another_site(cast: Cast, header: str) -> None:
    answer = cast.client("anonymous").post("/language/", {"language": "de"}, headers={header: "http://["})
    assert answer.status_code == 400


def test_a_page_whose_address_is_none_is_another_page(cast: Cast) -> None:
    lecture = LectureFactory.create(course=cast.course, number="05")
    data = {"day": "2024-05-21", "start": "16:00", "end": "18:00", "room": "H 1", "mode": "hybrid", "state": "planned"}
    data = {f"lecture{lecture.pk}-{name}": value for name, value in data.items()}
    answer = cast.client("lecturer").post(
        "/amls/lectures/05/edit/", data, headers={"hx-request": "true", "hx-current-url": "http://["}
    )
    assert answer.status_code == 200
    assert Lecture.objects.get().room == "H 1"
    assert "HX-Redirect" in answer.headers


@pytest.mark.parametrize("name", ["sessionid", "csrftoken", "django_language", "messages"])
@pytest.mark.parametrize("value", ['"\\000"', '"a\\000b"'])
def test_a_cookie_with_a_null_character_is_none(cast: Cast, name: str, value: str) -> None:
    client = cast.client("student")
    client.cookies[name] = ""
    client.cookies[name].set(name, value, value)
    assert client.get("/amls/").status_code == 200
    signed_in = client.get("/accounts/profile/")
    assert signed_in.status_code == (302 if name == "sessionid" else 200)


@pytest.mark.parametrize(
    "place", ["/amls%00/", "/amls/lectures/0%005/", "/admin/courses/course/%00/change/", "/%00", "/legal/%00/"]
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_an_address_with_a_null_character_leads_nowhere(cast: Cast, place: str, method: str) -> None:
    assert getattr(cast.client("admin"), method)(place).status_code == 404


@pytest.mark.parametrize("is_multipart", [False, True])
def test_null_characters_in_a_form_are_left_out(cast: Cast, is_multipart: bool) -> None:
    client = cast.client("student")
    data = {"display_name": "Şahin\0 Żółć", "language": "de\0", "matriculation_number": ""}
    encoded = {} if is_multipart else {"content_type": "application/x-www-form-urlencoded"}
    body = (
        data
        if is_multipart
        else "display_name=%C5%9Eahin%00%20%C5%BB%C3%B3%C5%82%C4%87&language=de%00&matriculation_number="
    )
    assert client.post("/accounts/profile/", body, **encoded).status_code == 302
    cast.student.user.refresh_from_db()
    assert (cast.student.user.display_name, cast.student.user.language) == ("Şahin Żółć", "de")


@pytest.mark.parametrize(
    "path", ["/language/", "/accounts/profile/", "/amls/enrol/", "/there-is-none/at-all/", "/accounts/login/"]
)
@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded; charset=utf-16", b"a=b"),
        ("application/x-www-form-urlencoded; charset=rot13", b"a=b"),
        ("multipart/form-data; charset=rot13; boundary=x", b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n'),
        ("application/x-www-form-urlencoded", b"&".join(b"a%d=1" % number for number in range(6000))),
        ("application/x-www-form-urlencoded", b"a=" + b"x" * 3_000_000),
        ("multipart/form-data; boundary=", b""),
        ("multipart/form-data; boundary=x", b""),
    ],
)  # fmt: skip
def test_a_form_that_cannot_be_read_is_refused(cast: Cast, path: str, content_type: str, body: bytes) -> None:
    logging.disable()
    try:
        sent = Sent("a body", path, "POST", body=(content_type, body))
        assert list(Sender(cast.client("student")).faults(sent)) == []
    finally:
        logging.disable(logging.NOTSET)


def test_a_form_says_utf_8_whatever_its_header_says(client: Client, cast: Cast) -> None:
    client.force_login(cast.student.user, backend="amls.courses.accounts.AccountBackend")
    body = b"display_name=%C5%9Eahin&language=de&matriculation_number="
    for charset in ("utf8", "iso-8859-1", "utf-16"):
        # `post` would encode the body anew.
        answer = client.generic(
            "POST", "/accounts/profile/", body, f"application/x-www-form-urlencoded; charset={charset}"
        )
        assert answer.status_code == 302
        cast.student.user.refresh_from_db()
        assert cast.student.user.display_name == "Şahin"


@pytest.mark.parametrize(
    "typed", ["0", "-1", "x", "²", "1e400", "", "9" * 5000, "%", "_", "\\", "'", "\0", "<b>", "& | !", "😀"]
)
def test_the_desk_searches_for_whatever_is_typed(cast: Cast, typed: str) -> None:
    client = cast.client("lecturer")
    for headers in ({}, {"hx-request": "true"}):
        answer = client.get("/admin/search/", {"q": typed}, headers=headers)
        assert answer.status_code == 200
        assert "<b>" not in answer.context["typed"] or "&lt;b&gt;" in answer.content.decode()


def test_the_desk_takes_what_another_search_asked_for_as_nothing_typed(cast: Cast) -> None:
    answer = cast.client("lecturer").get("/admin/search/", {"s": "e", "page": "1e400"})
    assert (answer.status_code, answer.context["typed"], list(answer.context["kinds"])) == (200, "", [])


@pytest.mark.parametrize("name", ["", "foo", "course", "\0"])
@pytest.mark.parametrize(
    "path",
    [
        "/admin/courses/course/{}/change/",
        "/admin/courses/course/{}/delete/",
        "/admin/courses/course/add/",
        "/admin/account/emailaddress/1/change/",
    ],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_no_row_is_found_by_a_field_that_is_none(cast: Cast, name: str, path: str, method: str) -> None:
    address = path.format(cast.course.pk)
    assert cast.client("lecturer").get(f"{address}?_to_field=id").status_code in (200, 302, 403)
    answer = getattr(cast.client("lecturer"), method)(f"{address}?{urlencode({'_to_field': name})}")
    assert answer.status_code in (400, 403, 404)


@pytest.mark.parametrize(
    "filters", ["foo=1", "2026-02-30T25:61", "%00", "p=x", "course=²", "pk__in=x", "stage=foo&topic=x", "="]
)
def test_filters_that_the_list_does_not_know_hide_no_neighbour(cast: Cast, filters: str) -> None:
    now = timezone.now()
    pks = [
        Project.objects.create(assignment=topic.assignment, topic=topic, registered_at=now).pk
        for topic in (TopicFactory.create(course=cast.course, position=place) for place in range(2))
    ]
    address = f"/admin/projects/project/{pks[0]}/assess/?{urlencode({'_changelist_filters': filters})}"
    answer = cast.client("lecturer").get(address)
    assert (answer.status_code, answer.context["count"]) == (200, 2)


@pytest.mark.parametrize("key", ["foo", "", "²", "1e400", "%00"])
def test_no_list_takes_what_is_no_key_for_a_chosen_row(cast: Cast, key: str) -> None:
    data = {"action": "delete_selected", "_selected_action": key, "post": "yes"}
    client, lists = cast.client("admin"), [model._meta for model in admin.site._registry]
    answered = {
        row.label: client.post(reverse(f"admin:{row.app_label}_{row.model_name}_changelist"), data).status_code
        for row in lists
    }
    assert answered == {row.label: 404 for row in lists}


@pytest.mark.parametrize("said", ["x", "-1", "1e3", "٣"])
def test_a_length_that_is_no_number_is_none(client: Client, cast: Cast, said: str) -> None:
    answer = client.generic("POST", "/accounts/login/", b"login=x", "text/plain", CONTENT_LENGTH=said)
    assert answer.status_code == 200
    assert "errorlist" in answer.content.decode()


@pytest.mark.parametrize(
    ("path", "part"),
    [("/accounts/2fa/webauthn/login/", "anonymous"), ("/accounts/2fa/webauthn/reauthenticate/", "student")],
)
def test_a_credential_that_is_nested_too_deeply_is_none(cast: Cast, path: str, part: str) -> None:
    client = cast.client(part)
    client.raise_request_exception = False
    assert client.post(path, {"credential": "[" * 5000}).status_code in (200, 302, 404)


@pytest.mark.parametrize("number", ["１２", "12/3", "über"])
def test_a_number_that_makes_no_address_is_refused_by_its_field(cast: Cast, number: str) -> None:
    lecture = LectureFactory.create(course=cast.course, number="05")
    answer = cast.client("assistant").post(
        f"/admin/lectures/lecture/{lecture.pk}/change/", {"number": number, "_save": ""}
    )
    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors["number"] == ["Use digits, such as '05', or leave it empty."]
