"""Numbers that no row has and dates that no calendar has: a page that says so, never a fault of the server."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from lectures.models import Lecture
from tests.cast import Cast
from tests.exams.test_office import ACTS
from tests.factories import AssignmentFactory, LectureFactory, TopicFactory
from tests.test_addresses import TABLE, furnished, places  # noqa: F401 - fixtures

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_factor")]
# More than a bigint holds, and more digits than Python reads.
NUMBERS = (str(2**63), "9" * 5000)


def all_addresses(patterns: list[URLPattern | URLResolver], number: str, before: str = "") -> Iterator[str]:
    """Yield every address of the site with `number` for whatever varies, but for the course and words that are chosen."""
    for pattern in patterns:
        route = str(pattern.pattern)
        if route.startswith("^") or "(?P" in route:
            route = re.sub(r"\(\?P<\w+>[^()]*(\([^()]*\))?[^()]*\)", number, route.removeprefix("^").rstrip("$\\Z"))
        route = re.sub(r"<slug:slug>", "amls", route)
        route = re.sub(r"<(?:\w+:)?\w+>", number, route)
        if isinstance(pattern, URLResolver):
            yield from all_addresses(pattern.url_patterns, number, before + route)
        else:
            yield f"/{before}{route}"


def faults(client: Client, addresses: set[str]) -> set[str]:
    """Return those addresses at which the server fails, by GET or by POST."""
    client.raise_request_exception = False
    return {
        address[:150]
        for address in addresses
        for method in (client.get, client.post)
        # Readiness is 503 where no worker lives.
        if not address.startswith(("/accounts/logout", "/readyz")) and method(address).status_code >= 500
    }


@pytest.mark.parametrize("number", NUMBERS, ids=["2**63", "5000 digits"])
@pytest.mark.parametrize("part", ["anonymous", "admin"])
def test_no_address_fails_at_a_number_that_no_row_has(cast: Cast, number: str, part: str) -> None:
    AssignmentFactory.create(course=cast.course)
    TopicFactory.create(course=cast.course)
    addresses = set(all_addresses(get_resolver().url_patterns, number))
    assert f"/amls/projects/topics/{number}/" in addresses
    assert f"/admin/lectures/lecture/{number}/change/" in addresses
    assert faults(cast.client(part), addresses) == set()


@pytest.mark.parametrize("number", NUMBERS, ids=["2**63", "5000 digits"])
@pytest.mark.parametrize("part", ["student", "lecturer"])
def test_no_page_that_is_there_fails_at_another_number(
    cast: Cast,
    places: dict[str, str],  # noqa: F811
    number: str,
    part: str,
) -> None:
    real = [path.format(**places) for path, _expected in TABLE.values()]
    addresses = {
        path[: digits.start()] + number + path[digits.end() :] for path in real for digits in re.finditer(r"\d+", path)
    }
    assert len(addresses) > 40
    assert faults(cast.client(part), addresses) == set()


QUERIES = (
    ("anonymous", "/amls/schedule/?view=month&month=9999-12"),
    ("anonymous", "/amls/schedule/?view=month&month=0001-01"),
    ("anonymous", f"/amls/lectures/session-{NUMBERS[0]}.ics"),
    ("anonymous", f"/amls/lectures/session-{NUMBERS[1]}.ics"),
    ("anonymous", f"/amls/lectures/05/?t={NUMBERS[1]}"),
    ("lecturer", f"/amls/staff/mail/announcement/{NUMBERS[1]}/"),
    ("lecturer", f"/amls/staff/mail/reminder/{NUMBERS[1]}-{NUMBERS[1]}/"),
    *(
        ("lecturer", f"/admin/projects/project/?{name}={number}")
        for name in ("topic", "mentor", "assessor", "course", "p", "pks")
        for number in NUMBERS
    ),
    ("lecturer", f"/admin/projects/project/?q=%23{NUMBERS[1]}"),
    ("lecturer", f"/admin/projects/project/?q=%23{NUMBERS[0]}"),
)


def test_no_query_fails(cast: Cast, places: dict[str, str]) -> None:  # noqa: F811
    clients = {part: cast.client(part) for part in ("anonymous", "lecturer")}
    answered = {path: clients[part].get(path).status_code for part, path in QUERIES}
    assert {path: status for path, status in answered.items() if status not in (200, 302, 404)} == {}


def test_the_first_and_the_last_month_of_all_are_none(cast: Cast) -> None:
    client = cast.client("anonymous")
    for month, is_shown in (("9999-12", False), ("9998-12", True), ("0001-01", False), ("0002-01", True)):
        page = client.get(f"/amls/schedule/?view=month&month={month}").content.decode()
        name = f"{'December' if month.endswith('12') else 'January'} {month[:4]}"
        assert (name in page) == is_shown, month


@pytest.mark.parametrize(
    ("lookup", "count"),
    [
        ("__year=99999999999", 0), ("__year=10000", 0), ("__year=9999", 0), ("__year=1", 0), ("__year=0", 0),
        ("__year=-1", 0), ("__year=2024", 1), ("__year__gt=10000", 0), ("__year__gte=0", 1), ("__year__gt=0", 1),
        ("__year__lt=10000", 1), ("__year__lte=99999999999", 1), ("__year__lte=0", 0), ("__iso_year=99999999999", 0),
    ],
)  # fmt: skip
def test_nothing_is_in_a_year_that_no_calendar_has(cast: Cast, lookup: str, count: int) -> None:
    LectureFactory.create(course=cast.course, starts_at=datetime(2024, 5, 21, 14, tzinfo=UTC))
    name, _equals, year = f"starts_at{lookup}".partition("=")
    assert Lecture.objects.filter(**{name: int(year)}).count() == count
    assert Lecture.objects.exclude(**{name: int(year)}).count() == 1 - count
    assert cast.client("lecturer").get(f"/admin/lectures/lecture/?starts_at{lookup}").status_code in (200, 302, 400)


def test_an_endless_range_is_the_whole_file(cast: Cast, places: dict[str, str]) -> None:  # noqa: F811
    client = cast.client("anonymous")
    whole = client.get(places["material"]).getvalue()
    for asked in ("bytes=0-{}", "bytes={}-", "bytes=-{}", "bytes={0}-{0}"):
        answer = client.get(places["material"], headers={"range": asked.format("9" * 5000)})
        assert (answer.status_code, answer.getvalue()) == (200, whole), asked


def test_no_form_of_an_exam_fails(cast: Cast, places: dict[str, str]) -> None:  # noqa: F811
    client = cast.client("lecturer")
    client.raise_request_exception = False
    paths = (*(f"staff/{name}/" for name in ACTS), "check-in/mark/", "check-in/walk-in/", "results/enter/")
    statuses = {
        (path, field, number): client.post(f"{places['exam']}{path}", {field: number, "action": "present"}).status_code
        for path, field, number in product(paths, ("registration", "enrolment", "link", "capacity"), NUMBERS)
    }
    assert {where: status for where, status in statuses.items() if status >= 500} == {}


def test_marks_that_nest_without_end_are_none(cast: Cast, places: dict[str, str]) -> None:  # noqa: F811
    address = f"{places['exam']}check-in/marks/"
    answer = cast.client("lecturer").post(address, "[" * 100_000, content_type="application/json")
    assert answer.status_code == 404
