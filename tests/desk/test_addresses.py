"""Every address of the desk, also those that come with Django's: whom it answers, and about what."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.urls import NoReverseMatch, URLPattern, URLResolver, reverse

from amls.courses.models import Course, User
from lectures.models import Lecture
from tests.cast import Cast
from tests.factories import LectureFactory, TopicFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_factor")]
SECRET = "Not yet announced"


@pytest.fixture
def draft(cast: Cast) -> Lecture:
    """A lecture of a course that nobody but its staff knows of."""
    Course.objects.filter(pk=cast.course.pk).update(state="draft", title=SECRET)
    cast.course.refresh_from_db()
    TopicFactory.create(course=cast.course, title=SECRET)
    return LectureFactory.create(course=cast.course, number="05", title=SECRET)


def patterns(entries: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[tuple[str, str | None]]:
    """Every address below some, as Django writes it, with its name."""
    for entry in entries:
        if isinstance(entry, URLResolver):
            yield from patterns(entry.url_patterns, prefix + str(entry.pattern))
        else:
            yield prefix + str(entry.pattern), entry.name


def filled(address: str, draft: Lecture) -> list[str]:
    """The address with what belongs to the draft in place of its parameters; of rows every number that there may be."""
    if address.startswith("^") or "url" in address:
        return []
    pks = sorted({draft.pk, draft.course_id, *(row.pk for row in draft.course.topics.all())})
    if "object_id" not in address:
        return [address]
    return [re.sub(r"<[^>]*object_id>", str(pk), address) for pk in pks]


def tell(answer: Any) -> str:
    return "" if answer.streaming else answer.content.decode(errors="replace")


@pytest.mark.parametrize("part", ["stranger", "student", "foreign lecturer"])
def test_no_address_of_the_desk_tells_of_anothers_course(cast: Cast, draft: Lecture, part: str) -> None:
    client, addresses = cast.client(part), [
        f"/admin/{path}" for pattern, _name in patterns(admin.site.get_urls()) for path in filled(pattern, draft)
    ]  # fmt: skip
    assert len(addresses) > 100
    told = {}
    for address in addresses:
        answer = client.get(address)
        text = tell(answer) + answer.headers.get("Location", "")
        # A redirect back to the sign-in names the address that was asked for.
        if SECRET in text or f"/{cast.course.slug}/" in text:
            told[address] = answer.status_code
    assert told == {}


@pytest.mark.parametrize("part", ["stranger", "student", "assistant", "foreign lecturer", "lecturer", "admin"])
def test_no_address_finds_every_row_there_is(cast: Cast, draft: Lecture, part: str) -> None:
    kind = ContentType.objects.get_for_model(Lecture)
    answer = cast.client(part).get(f"/admin/r/{kind.pk}/{draft.pk}/")
    is_staff = part in ("assistant", "foreign lecturer", "lecturer", "admin")
    assert answer.status_code == (404 if is_staff else 302)
    with pytest.raises(NoReverseMatch):
        reverse("admin:view_on_site", args=[kind.pk, draft.pk])


@pytest.mark.parametrize("part", ["assistant", "lecturer", "admin"])
def test_view_on_site_leads_straight_there(cast: Cast, draft: Lecture, part: str) -> None:
    client = cast.client(part)
    rows: list[Model] = [draft, cast.course, draft.course.topics.get()]
    for row in rows:
        name = f"admin:{row._meta.app_label}_{row._meta.model_name}_change"
        page = client.get(reverse(name, args=[row.pk])).content.decode()
        there = row.get_absolute_url()  # type: ignore[attr-defined]
        assert f'href="{there}"' in page
        assert client.get(there).status_code == 200


@pytest.mark.parametrize("source", ["lectures.lecture.course", "lectures.material.lecture", "projects.project.topic"])
def test_completions_are_of_ones_own_courses(cast: Cast, draft: Lecture, source: str) -> None:
    app, model, field = source.split(".")
    asked = {"term": "", "app_label": app, "model_name": model, "field_name": field}
    mine = cast.client("assistant").get("/admin/autocomplete/", asked)
    assert SECRET in str(mine.json()["results"])
    theirs = cast.client("foreign lecturer").get("/admin/autocomplete/", asked)
    assert SECRET not in str(theirs.json()["results"])


def test_completions_of_accounts_are_for_those_who_run_the_site(cast: Cast, draft: Lecture) -> None:
    asked = {"term": "", "app_label": "courses", "model_name": "enrolment", "field_name": "user"}
    assert cast.client("lecturer").get("/admin/autocomplete/", asked).status_code == 403
    users = cast.client("admin").get("/admin/autocomplete/", asked).json()["results"]
    assert len(users) == User.objects.count()


def test_passwords_are_changed_on_the_sites_own_page(cast: Cast) -> None:
    answer = cast.client("lecturer").post("/admin/password_change/", {"old_password": "x"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/accounts/password/change/")
