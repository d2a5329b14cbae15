"""Answers kept in memory are right, and cost one query."""

import gzip
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import brotli
import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from amls.core.clock import database_clock
from amls.courses.models import Course, Enrolment, User
from amls.courses.services import touch, touch_enrolment
from amls.pagecache import store as pagecache
from amls.pagecache.boundaries import next_boundary
from tests.pagecache.urls import answered, rendered

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _urls(settings: Settings) -> Iterator[None]:
    settings.ROOT_URLCONF = "tests.pagecache.urls"
    pagecache.store.clear()
    rendered.clear()
    answered.clear()
    yield
    pagecache.store.clear()


@pytest.fixture
def course() -> Course:
    return Course.objects.create(slug="amls", title="AMLS", term="SS2024", state="running")


@pytest.fixture
def enrolment(course: Course) -> Enrolment:
    user = User.objects.create_user("ada@example.org", "secret-of-ada")
    return Enrolment.objects.create(user=user, course=course)


def test_a_page_is_rendered_once_per_revision(
    client: Client, course: Course, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    first = client.get("/amls/")
    with django_assert_num_queries(1):
        second = client.get("/amls/")
    assert second.content == first.content
    assert rendered["page"] == 1
    touch(course, now=timezone.now())
    assert client.get("/amls/").content != first.content
    assert rendered["page"] == 2


def test_a_kept_answer_carries_the_same_headers_as_a_rendered_one(client: Client, course: Course) -> None:
    first, second = client.get("/amls/"), client.get("/amls/")
    assert rendered["page"] == 1
    # Each request has a number of its own, also where its answer was kept.
    numbers = {answer.headers.pop("X-Request-ID") for answer in (first, second)}
    assert len(numbers) == 2
    assert dict(first.items()) == dict(second.items())
    assert "default-src 'self'" in second["Content-Security-Policy"]
    assert second["X-Content-Type-Options"] == "nosniff"
    assert second["X-Frame-Options"] == "DENY"
    assert second["Cache-Control"] == "no-cache"
    assert {"Cookie", "Accept-Language", "Accept-Encoding"} <= set(second["Vary"].split(", "))


def test_the_same_etag_gets_304_without_rendering(
    client: Client, course: Course, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    etag = client.get("/amls/")["ETag"]
    assert etag.startswith('"')
    with django_assert_num_queries(1):
        again = client.get("/amls/", headers={"if-none-match": etag})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", etag)
    assert rendered["page"] == 1


def test_a_new_revision_with_the_same_bytes_keeps_its_etag(client: Client, course: Course) -> None:
    etag = client.get("/amls/calendar.ics")["ETag"]
    touch(course, now=timezone.now())
    rendered["feed"] = 0
    assert client.get("/amls/calendar.ics", headers={"if-none-match": etag}).status_code == 304
    assert rendered["feed"] == 1


@pytest.mark.parametrize(("accepted", "unpack"), [("br, gzip", brotli.decompress), ("gzip", gzip.decompress)])
def test_pages_are_compressed_as_the_client_accepts(client: Client, course: Course, accepted: str, unpack) -> None:  # type: ignore[no-untyped-def]
    plain = client.get("/amls/")
    packed = client.get("/amls/", headers={"accept-encoding": accepted})
    assert packed["Content-Encoding"] == accepted.partition(",")[0]
    assert unpack(packed.content) == plain.content
    assert packed["ETag"] != plain["ETag"]
    assert len(packed.content) < len(plain.content)


def test_feeds_are_never_compressed_and_vary_by_nothing(client: Client, course: Course) -> None:
    for _time in range(2):
        answer = client.get("/amls/calendar.ics", headers={"accept-encoding": "br, gzip"})
        assert "Content-Encoding" not in answer
        assert "Vary" not in answer


def test_head_tells_the_length_and_sends_nothing(client: Client, course: Course) -> None:
    length = len(client.get("/amls/").content)
    head = client.head("/amls/")
    assert (head.status_code, head.content, head["Content-Length"]) == (200, b"", str(length))
    assert rendered["page"] == 1


def test_signed_in_people_never_get_the_anonymous_page(client: Client, enrolment: Enrolment) -> None:
    client.get("/amls/")
    client.force_login(enrolment.user)
    assert b"signed in" in client.get("/amls/").content
    client.logout()
    assert b"anonymous" in client.get("/amls/").content


def test_languages_are_kept_apart(client: Client, course: Course) -> None:
    for _time in range(2):
        assert b"anonymous en 1" in client.get("/amls/", headers={"accept-language": "en"}).content
        assert b"anonymous de 2" in client.get("/amls/", headers={"accept-language": "de"}).content
    client.cookies["django_language"] = "de"
    assert b"anonymous de 2" in client.get("/amls/", headers={"accept-language": "en"}).content


def test_hosts_that_are_not_allowed_are_refused_also_after_a_kept_answer(client: Client, course: Course) -> None:
    client.get("/amls/", headers={"host": "localhost"})
    assert client.get("/amls/", headers={"host": "evil.example"}).status_code == 400


def test_a_boundary_in_time_ends_an_answer(client: Client, course: Course) -> None:
    client.get("/amls/")
    later = next_boundary(course, timezone.now())
    database_clock.set(later - timedelta(seconds=20))
    client.get("/amls/")
    assert rendered["page"] == 1
    database_clock.set(later)
    client.get("/amls/")
    assert rendered["page"] == 2


def test_without_anything_dated_the_boundary_is_local_midnight(course: Course) -> None:
    evening = datetime(2024, 7, 8, 20, 0, tzinfo=UTC)
    assert next_boundary(course, evening) == datetime(2024, 7, 8, 22, 0, tzinfo=UTC)


def test_a_personal_feed_follows_the_course_and_the_person(
    client: Client, enrolment: Enrolment, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    address = f"/personal/{enrolment.pk}.ics"
    client.get(address)
    with django_assert_num_queries(1):
        client.get(address)
    assert (rendered["personal"], answered["personal"]) == (1, 2)
    touch_enrolment(enrolment)
    client.get(address)
    touch(enrolment.course, now=timezone.now())
    client.get(address)
    assert (rendered["personal"], answered["personal"]) == (3, 4)


def test_a_deactivated_person_gets_no_kept_feed(client: Client, enrolment: Enrolment) -> None:
    address = f"/personal/{enrolment.pk}.ics"
    client.get(address)
    User.objects.filter(pk=enrolment.user_id).update(is_active=False)
    client.get(address)
    assert rendered["personal"] == 2


def test_a_deleted_course_is_gone_at_once(client: Client, course: Course) -> None:
    client.get("/amls/")
    course.delete()
    assert client.get("/amls/").status_code == 404


def test_a_course_made_a_draft_is_gone_at_once(client: Client, course: Course) -> None:
    client.get("/amls/")
    course.state = Course.State.DRAFT
    course.save()
    touch(course, now=timezone.now())
    assert client.get("/amls/").status_code == 404


def test_memory_is_bounded(client: Client, course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    small = pagecache.PageStore(max_bytes=12_000)
    monkeypatch.setattr(pagecache, "store", small)
    for number in range(20):
        client.get(f"/amls/?junk={number}")
    assert 0 < small._bytes <= 12_000
    keys = sum(sys.getsizeof(part) for key in small._pages for part in (key, *key))
    assert sum(page.size for page in small._pages.values()) + keys == small._bytes


def test_keys_count_as_memory_and_long_ones_are_not_kept(
    client: Client, course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = pagecache.PageStore(max_bytes=10**6)
    monkeypatch.setattr(pagecache, "store", kept)
    client.get("/amls/?x=" + "y" * 400)
    client.get("/amls/")
    ((long, _page), (short, _same)) = kept._pages.items()
    # What differs between the two is the 403 characters of the query.
    assert kept._bytes - sum(page.size for page in kept._pages.values()) == sum(
        sys.getsizeof(part) for key in (long, short) for part in (key, *key)
    )
    client.get("/amls/?x=" + "y" * 2000)
    client.get("/amls/", headers={"hx-request": "z" * 3000, "accept-language": "de;q=0." + "9" * 3000})
    assert all(sum(map(len, key)) <= 1000 for key in kept._pages)
    kept.clear()
    assert kept._bytes == 0
