"""What the desk's pages cost in a course of 100 lectures, 180 teams and 600 people: queries and bytes, which may only fall."""

import re
from math import ceil

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from amls.core.clock import database_clock
from tests.large_course import NOW, Large, desk_pages, make_large

pytestmark = pytest.mark.django_db
# Not those within tokens, which are of one length.
_NUMBER = re.compile(rb"(?<![0-9A-Za-z])[0-9]+(?![0-9A-Za-z])")
# By page: its queries, and at most how many kB it has.
COSTS = {
    "first page": (15, 35),
    "lectures": (7, 98),
    "enrolments": (6, 72),
    "roster": (6, 69),
    "projects": (18, 147),
    "topics": (7, 52),
    "requests for more time": (6, 36),
    "extensions": (6, 42),
    # One for the assignments to filter by.
    "invitations": (7, 54),
    "exams": (6, 34),
    "sign-ups": (8, 42),
    "mails": (7, 69),
    "form: a lecture": (11, 124),
    "form: a topic": (13, 55),
    "form: an exam": (10, 82),
    "form: a person": (12, 34),
    "page: an assessment": (21, 36),
    "page: an exam for staff": (11, 63),
}


@pytest.fixture
def large(settings: Settings) -> Large:
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    database_clock.set(NOW)
    return make_large()


def test_pages_of_the_desk_cost_no_more_than_they_did(large: Large) -> None:
    client = Client()
    client.force_login(large.assistant.user, backend="amls.courses.accounts.AccountBackend")
    measured, pages = {}, desk_pages(large)
    for name in COSTS:
        path = pages[name]
        client.get(path)
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(path)
        assert answer.status_code == 200, (path, answer.headers.get("Location"))
        # Keys and times have more digits where other tests ran before.
        measured[name] = (len(queries), ceil(len(_NUMBER.sub(b"0", answer.content)) / 1000))
    assert {name: (queries, max(size, COSTS[name][1])) for name, (queries, size) in measured.items()} == COSTS
