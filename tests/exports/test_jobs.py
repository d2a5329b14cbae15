"""Exports as jobs: made once, only for whom they were made, whatever breaks."""

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from amls.core.violations import RuleViolation
from amls.courses.models import Course, User
from amls.exports import jobs as work
from amls.exports.jobs import EXPORTS, LEASE, work_once
from amls.exports.kinds import PDF, ExportKind, Order, Progress
from amls.exports.models import Export
from amls.exports.services import KEPT, find_export, make_order, purge_exports, request_export
from tests.cast import Cast
from tests.races import at_once

pytestmark = pytest.mark.django_db
MakeKind = Callable[..., ExportKind]


def ask(user: User | None, course: Course | None = None, kind: str = "tests.list", **parameters: object) -> Export:
    order = make_order(kind=kind, now=timezone.now(), user=user, course=course, parameters=parameters)
    return request_export(order=order)


def run() -> int:
    count = 0
    while work_once(now=timezone.now()):
        count += 1
    return count


def claimed(now: datetime) -> Export | None:
    return next((claim.row for claim in EXPORTS.claim(now=now)), None)


def test_the_same_export_is_made_once(cast: Cast, make_kind: MakeKind) -> None:
    made = []

    def write(order: Order, progress: Progress) -> Iterator[bytes]:
        made.append(order)
        yield b"x"

    make_kind(write=write)
    first = ask(cast.student.user, topic=1)
    assert ask(cast.student.user, topic=1) == first
    assert run() == 1
    assert ask(cast.student.user, topic=1) == first
    assert run() == 0
    assert len(made) == 1
    assert ask(cast.student.user, topic=2) != first
    assert ask(cast.other_student.user, topic=1) != first
    assert Export.objects.count() == 3


def test_new_content_makes_a_new_file(cast: Cast, make_kind: MakeKind) -> None:
    make_kind(content_key=lambda order: str(order.course.revision))
    first = ask(cast.student.user, cast.course)
    run()
    assert ask(cast.student.user, cast.course) == first
    Course.objects.filter(pk=cast.course.pk).update(revision=99)
    cast.course.refresh_from_db()
    assert ask(cast.student.user, cast.course) != first


def test_a_public_kind_serves_everyone_with_one_file(cast: Cast, make_kind: MakeKind) -> None:
    make_kind(is_public=True, allows=lambda order: True)
    export = ask(cast.student.user)
    assert ask(None) == export
    assert export.requested_by is None


def test_only_whom_it_was_made_for_gets_it(cast: Cast, make_kind: MakeKind) -> None:
    allowed = {"is": True}
    make_kind(allows=lambda order: allowed["is"])
    export = ask(cast.student.user)
    run()
    export.refresh_from_db()
    places = (export.get_absolute_url(), f"/exports/{export.pk}/list.csv")
    for part in ("anonymous", "stranger", "lecturer", "admin"):
        assert [cast.client(part).get(place).status_code for place in places] == [404, 404], part
        assert cast.client(part).post(f"/exports/{export.pk}/retry/").status_code == 404
    client = cast.client("student")
    assert [client.get(place).status_code for place in places] == [200, 200]
    answer = client.get(places[1])
    assert answer.getvalue() == b"[]"
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["Cache-Control"] == "private, no-cache"
    # Whoever lost the right loses the file.
    allowed["is"] = False
    assert [client.get(place).status_code for place in places] == [404, 404]
    with pytest.raises(RuleViolation) as caught:
        ask(cast.student.user)
    assert caught.value.code == "export-not-allowed"


def test_progress_survives_a_reload_and_ends_with_the_file(cast: Cast, make_kind: MakeKind) -> None:
    make_kind(media=PDF, filename=lambda order: "list.pdf")
    export = ask(cast.student.user)
    client = cast.client("student")
    page = client.get(export.get_absolute_url())
    assert "Waiting for its turn" in page.content.decode()
    # Without JavaScript a link loads the page again.
    assert f'<noscript><p><a href="{export.get_absolute_url()}">Look again</a>' in page.content.decode()
    assert client.get(f"/exports/{export.pk}/list.pdf")["Location"] == export.get_absolute_url()
    now = timezone.now()
    Export.objects.update(state="running", leased_until=now + LEASE, done=30, total=40)
    part = client.get(export.get_absolute_url(), headers={"hx-request": "true"})
    assert part.status_code == 200
    assert 'value="75"' in part.content.decode()
    assert "<html" not in part.content.decode()
    Export.objects.update(leased_until=now)
    run()
    done = client.get(export.get_absolute_url(), headers={"hx-request": "true"})
    assert done.status_code == 286
    assert "Open: List" in done.content.decode()
    assert "hx-get" not in client.get(export.get_absolute_url()).content.decode()


def test_a_failed_export_says_why_and_can_be_tried_again(cast: Cast, make_kind: MakeKind) -> None:
    is_broken = {"is": True}

    def write(order: Order, progress: Progress) -> Iterator[bytes]:
        yield b"half"
        if is_broken["is"]:
            raise KeyError("secret detail")

    make_kind(write=write)
    export = ask(cast.student.user)
    run()
    export.refresh_from_db()
    assert (export.state, export.error) == (
        "failed", "Something in the data can't be exported (KeyError). Tell the staff of the site.",
    )  # fmt: skip
    assert not default_storage.exists("exports") or default_storage.listdir("exports")[1] == []
    client = cast.client("student")
    assert "It could not be made" in client.get(export.get_absolute_url()).content.decode()
    is_broken["is"] = False
    assert client.post(f"/exports/{export.pk}/retry/").status_code == 302
    run()
    export.refresh_from_db()
    assert (export.state, export.error, export.attempts) == ("done", "", 1)


def test_a_broken_rule_is_told_in_its_words(cast: Cast, make_kind: MakeKind) -> None:
    def write(order: Order, progress: Progress) -> Iterator[bytes]:
        if not order.parameters:
            raise RuleViolation("The exam has no rooms yet.", code="no-rooms")
        yield b"x"

    make_kind(write=write)
    export = ask(cast.student.user)
    run()
    export.refresh_from_db()
    assert (export.state, export.error) == ("failed", "The exam has no rooms yet.")


def test_nothing_to_export_is_said(cast: Cast, make_kind: MakeKind) -> None:
    make_kind(write=lambda order, progress: iter(()))
    export = ask(cast.student.user)
    run()
    export.refresh_from_db()
    assert (export.state, export.error) == ("failed", "There is nothing to export yet.")


def test_a_full_disk_is_tried_again_later(cast: Cast, make_kind: MakeKind) -> None:
    def write(order: Order, progress: Progress) -> Iterator[bytes]:
        if not order.parameters:
            raise OSError(28, "No space left on device")
        yield b"x"

    make_kind(write=write)
    export = ask(cast.student.user)
    Export.objects.update(language="de")
    now = timezone.now()
    for attempt in (1, 2, 3):
        assert work_once(now=now)
        export.refresh_from_db()
        assert export.attempts == attempt
        if attempt < 3:
            # Who waits reads why, and not that nearly all of it is there.
            assert "OSError" in export.error
            assert "von selbst noch einmal versucht" in export.error
            assert export.percent in (None, 0)
        now = export.not_before
    assert export.state == "failed"
    assert export.error == "Er konnte nicht geschrieben werden (OSError). Versuchen Sie es später noch einmal."


def test_what_a_killed_worker_left_is_made_by_another_but_not_forever(cast: Cast, make_kind: MakeKind) -> None:
    make_kind()
    export = ask(cast.student.user)
    now = timezone.now()
    Export.objects.update(state="running", leased_until=now + LEASE, attempts=1)
    assert not work_once(now=now)
    assert work_once(now=now + LEASE)
    export.refresh_from_db()
    assert (export.state, export.attempts) == ("done", 2)
    Export.objects.update(state="running", leased_until=now, attempts=3, file="", sha256="", finished_at=None)
    assert work_once(now=now)
    export.refresh_from_db()
    assert (export.state, export.error) == ("failed", "It was begun 3 times and never came to an end.")


def test_a_course_deleted_meanwhile_leaves_nothing(
    cast: Cast, make_kind: MakeKind, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    def write(order: Order, progress: Progress) -> Iterator[bytes]:
        Course.objects.get(pk=cast.course.pk).delete()
        yield b"too late"

    make_kind(write=write)
    ask(cast.student.user, cast.course)
    assert work_once(now=timezone.now())
    assert not Export.objects.exists()
    assert default_storage.listdir("exports")[1] == []


def test_progress_stops_work_that_nobody_wants(cast: Cast, make_kind: MakeKind) -> None:
    steps = []

    def write(order: Order, progress: Progress) -> Iterator[bytes]:
        for step in range(5):
            steps.append(step)
            if step == 2:
                Export.objects.all().delete()
            progress(step, 5)
            work._PROGRESS_SECONDS = 0
            yield b"x"

    before = work._PROGRESS_SECONDS
    make_kind(write=write)
    ask(cast.student.user)
    try:
        assert work_once(now=timezone.now())
    finally:
        work._PROGRESS_SECONDS = before
    assert steps == [0, 1, 2]


def test_somebody_who_waits_comes_first_and_long_ones_leave_room(
    cast: Cast, make_kind: MakeKind, settings: Settings
) -> None:
    make_kind("tests.long")
    make_kind("tests.slip", is_quick=True)
    for number in range(2):
        ask(cast.student.user, kind="tests.long", number=number)
    slip = ask(cast.student.user, kind="tests.slip")
    now = timezone.now()
    first = claimed(now)
    assert first == slip
    assert claimed(now) is not None
    # One long export runs: the other waits, so that a process is left for slips.
    assert claimed(now) is None
    another = ask(cast.student.user, kind="tests.slip", number=2)
    assert claimed(timezone.now()) == another
    settings.LONG_EXPORTS_AT_ONCE = 2
    assert claimed(now) is not None


@pytest.mark.django_db(transaction=True)
def test_eight_workers_make_each_of_60_exports_once(make_kind: MakeKind, settings: Settings) -> None:
    settings.LONG_EXPORTS_AT_ONCE = 8
    made: list[int] = []
    lock = threading.Lock()

    def write(order: Order, progress: Progress) -> Iterator[bytes]:
        with lock:
            made.append(order.parameters["number"])
        progress(1, 1)
        yield b"x"

    make_kind(write=write)
    person = User.objects.create_user("ada@example.org")
    for number in range(60):
        ask(person, number=number)
    at_once([run] * 8)
    assert sorted(made) == list(range(60))
    assert Export.objects.filter(state="done", attempts=1).count() == 60


def test_old_exports_go_with_their_files(
    cast: Cast, make_kind: MakeKind, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    make_kind()
    export = ask(cast.student.user)
    run()
    export.refresh_from_db()
    assert export.finished_at is not None
    assert export.expires_at - export.finished_at == KEPT
    assert purge_exports(now=export.expires_at - timedelta(seconds=1)) == 0
    assert purge_exports(now=export.expires_at, dry_run=True) == 1
    assert default_storage.exists(str(export.file))
    with django_capture_on_commit_callbacks(execute=True):
        assert purge_exports(now=export.expires_at) == 1
    assert not default_storage.exists(str(export.file))
    assert not Export.objects.exists()


def test_a_lost_file_is_made_again(cast: Cast, make_kind: MakeKind) -> None:
    make_kind()
    export = ask(cast.student.user)
    run()
    export.refresh_from_db()
    default_storage.delete(str(export.file))
    assert ask(cast.student.user).state == "waiting"
    run()
    export.refresh_from_db()
    assert default_storage.exists(str(export.file))


def test_the_schedules_address_offers_then_serves(cast: Cast) -> None:
    for part in ("anonymous", "student"):
        page = cast.client(part).get("/amls/schedule.pdf")
        assert page.status_code == 200
        assert "Make: Schedule on one page" in page.content.decode()
    assert not Export.objects.exists()
    asked = Client(enforce_csrf_checks=False).post("/amls/schedule.pdf")
    export = Export.objects.get()
    assert asked["Location"] == export.get_absolute_url()
    assert cast.client("student").get("/amls/schedule.pdf")["Location"] == export.get_absolute_url()
    run()
    for part in ("anonymous", "student"):
        served = cast.client(part).get("/amls/schedule.pdf")
        assert served["Content-Type"] == "application/pdf"
        assert served.getvalue().startswith(b"%PDF-1.7")
        again = cast.client(part).get("/amls/schedule.pdf", headers={"if-none-match": served["ETag"]})
        assert again.status_code == 304
    Course.objects.filter(pk=cast.course.pk).update(state="draft")
    assert cast.client("student").get("/amls/schedule.pdf").status_code == 404
    assert cast.client("student").get(export.get_absolute_url()).status_code == 404
    assert cast.client("student").post("/amls/schedule.pdf").status_code == 404


def test_my_exports_are_listed_for_me_only(cast: Cast, make_kind: MakeKind) -> None:
    make_kind()
    ask(cast.student.user)
    assert "List" in cast.client("student").get("/exports/").content.decode()
    assert "Files that you have made" in cast.client("lecturer").get("/exports/").content.decode()


def test_an_order_is_found_in_its_language_only(cast: Cast, make_kind: MakeKind) -> None:
    make_kind()
    export = ask(cast.student.user)
    order = make_order(kind="tests.list", now=timezone.now(), user=cast.student.user)
    assert find_export(order=order) == export
    german = make_order(kind="tests.list", now=timezone.now(), user=cast.student.user, language="de")
    assert find_export(order=german) is None


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("export_state_valid", {"state": "queued"}),
        ("export_language_valid", {"language": "fr"}),
        ("export_lease_while_running", {"state": "running"}),
        ("export_done_has_file", {"state": "done"}),
        ("export_failed_has_error", {"state": "failed"}),
        ("export_progress_in_range", {"done": 2, "total": 1}),
    ],
)
def test_the_database_refuses_what_can_never_be(cast: Cast, name: str, values: dict[str, object]) -> None:
    now = timezone.now()
    fields = {
        "fingerprint": "f",
        "kind": "k",
        "language": "en",
        "not_before": now,
        "created_at": now,
        "expires_at": now,
    }
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Export.objects.create(**{**fields, **values})
