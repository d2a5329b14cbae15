"""Exports at the desk: the staff see what could not be made, and why."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from amls.exports.health import health
from amls.exports.jobs import work_once
from amls.exports.kinds import Order, Progress
from amls.exports.services import make_order, request_export
from tests.cast import Cast
from tests.exports.test_jobs import MakeKind

pytestmark = pytest.mark.django_db
ADDRESS = "/admin/exports/export/"


def test_staff_see_what_failed_in_their_course_and_have_it_tried_again(
    cast: Cast, make_kind: MakeKind, settings: Settings
) -> None:
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    is_broken = {"is": True}

    def write(order: Order, progress: Progress) -> Iterator[bytes]:
        if is_broken["is"]:
            raise KeyError("secret detail")
        yield b"whole"

    make_kind(write=write, label="List of everyone")
    now = timezone.now()
    order = make_order(kind="tests.list", now=now, user=cast.student.user, course=cast.course)
    export = request_export(order=order)
    assert work_once(now=now)
    assert (health(now=now).failed, health(now=now + timedelta(days=2)).failed) == (1, 0)
    seen = {part: cast.client(part).get(ADDRESS).content.decode() for part in ("lecturer", "foreign lecturer", "admin")}
    assert {part: "List of everyone" in page for part, page in seen.items()} == {
        "lecturer": True, "foreign lecturer": False, "admin": True,
    }  # fmt: skip
    assert "(KeyError)" in seen["lecturer"]
    assert "secret detail" not in seen["lecturer"]
    is_broken["is"] = False
    again = {"action": "try_again", "_selected_action": [str(export.pk)]}
    cast.client("foreign lecturer").post(ADDRESS, again)
    assert not work_once(now=timezone.now())
    cast.client("lecturer").post(ADDRESS, again)
    assert health(now=timezone.now()).waiting == 1
    assert work_once(now=timezone.now())
    export.refresh_from_db()
    assert export.state == "done"
