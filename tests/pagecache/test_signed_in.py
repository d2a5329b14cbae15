"""A page that is kept for somebody is given to nobody else, and never when something that it shows has changed."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, models, transaction
from django.db.models import Max
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from amls.agenda.models import AgendaItem, ItemKind
from amls.agenda.services import reconcile_people
from amls.core.clock import database_clock
from amls.courses.models import Course, Enrolment, Invalidation, User
from amls.pagecache import store as pagecache
from amls.pagecache.signed_in import KeptAnswer, Stamp, stamp_of
from amls.portal.growth import histories
from amls.portal.hooks.growth import purge_invalidations
from lectures.models import Lecture
from tests.cast import Cast
from tests.demo import restore_demo
from tests.factories import LectureFactory, TopicFactory
from tests.patience import SECONDS
from tests.races import at_once
from tests.snapshots import Snapshots

pytestmark = pytest.mark.django_db

_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
PAGES = ("", "me/", "schedule/", "lectures/01/", "projects/", "projects/mine/", "assignments/", "exams/")
KEPT_PAGES = ("/amls/", "/amls/me/", "/amls/schedule/", "/amls/lectures/{ref}/", "/amls/projects/", "/amls/exams/")
# Tables that no page for a student reads, and why. The test below writes to each and looks at the pages.
NOT_SHOWN = {
    **dict.fromkeys(
        (
            "django_admin_log", "auth_permission", "auth_group", "auth_group_permissions", "django_content_type",
            "courses_user_groups", "courses_user_user_permissions", "core_runningprocess", "core_keyprint", "core_spending", "files_storagemark",
            "mail_pulse", "pghistory_context", "courses_rosterentry_declined",
        ),
        "the site's own",
    ),
    **dict.fromkeys(
        (
            "django_session", "account_emailconfirmation", "mfa_authenticator", "usersessions_usersession",
            "socialaccount_socialapp", "socialaccount_socialaccount", "socialaccount_socialtoken", "courses_accountevent",
        ),
        "how somebody signs in",
    ),
    **dict.fromkeys(("mail_notice",), "mails have a page of their own, which is not kept"),
    **dict.fromkeys(("mail_pushdevice", "mail_push"), "the page of sign-ins, which is not kept"),
    **dict.fromkeys(
        (
            "files_tableimport", "files_importedrow", "grading_personnote", "projects_staffnote",
            "projects_assessmentdraft", "projects_commentsnippet", "exams_helperlink",
            "portal_importdraft", "portal_upstream", "agenda_feeduse", "lectures_materialcount", "held_heldact",
        ),
        "the staff's",
    ),
    "courses_invalidation": "says what has changed",
    "courses_courseaddress": "leads on whoever asks for a page that is not there",
    "files_missingfile": "told where a file is opened",
    "lectures_wordlist": "the search's",
    "portal_legalpage": "pages outside of courses",
}  # fmt: skip


def kept() -> dict[pagecache.Key, KeptAnswer]:
    return {key: page for key, page in pagecache.store._pages.items() if isinstance(page, KeptAnswer)}


def without_tokens(text: str) -> str:
    return _TOKEN.sub("", text)


def tables() -> list[type[models.Model]]:
    """All tables but the histories."""
    everything = apps.get_models(include_auto_created=True)
    # 'Events' reads all histories at once, and is no table.
    return [model for model in everything if model not in histories() and model._meta.db_table != "pghistory_events"]


def tables_with_triggers() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'invalidate_update'")
        return {name for (name,) in cursor.fetchall()}


def test_every_table_says_whose_pages_it_changes_or_is_not_shown() -> None:
    names = {model._meta.db_table for model in tables()}
    watched = tables_with_triggers()
    assert names - watched - set(NOT_SHOWN) == set(), "Set its triggers in a migration: docs/how-to-add/page.md"
    assert watched & set(NOT_SHOWN) == set()
    assert set(NOT_SHOWN) <= names


@pytest.mark.parametrize("path", KEPT_PAGES)
def test_a_page_is_given_again_after_one_query(cast: Cast, path: str) -> None:
    client, path = cast.client("student"), path.format(ref=LectureFactory.create(course=cast.course).ref)
    first = client.get(path)
    assert first.status_code == 200
    with CaptureQueriesContext(connection) as queries:
        again = client.get(path)
    # Session, account, and how they stand in the course.
    assert len(queries) == 3
    assert without_tokens(again.content.decode()) == without_tokens(first.content.decode())
    assert dict(again.headers) == {**first.headers, "X-Request-ID": again.headers["X-Request-ID"]}


@pytest.mark.parametrize("path", ["/amls/projects/", "/amls/exams/"])
def test_strangers_share_a_page_with_live_numbers_until_one_changes(cast: Cast, path: str) -> None:
    first = Client().get(path)
    with CaptureQueriesContext(connection) as queries:
        again = Client().get(path)
    assert len(queries) == 1
    assert again.content == first.content
    assert not again.cookies
    TopicFactory.create(course=cast.course, title="Łódź")
    assert ("Łódź" in Client().get("/amls/projects/").content.decode()) is True


def test_each_answer_has_a_token_of_its_session(cast: Cast) -> None:
    """A form of a page that was kept in another session is taken in this one."""
    cast.client("student").get("/amls/me/")
    assert kept()
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(cast.student.user, backend="amls.courses.accounts.AccountBackend")
    page = browser.get("/amls/me/").content.decode()
    token = _TOKEN.search(page)
    assert token is not None
    answer = browser.post("/amls/me/feed/renew/", {"csrfmiddlewaretoken": token[1]})
    assert answer.status_code == 302
    for page_kept in kept().values():
        assert token[1].encode() not in page_kept.packed


def test_nobody_gets_what_is_kept_for_another(cast: Cast) -> None:
    User.objects.filter(pk=cast.student.user_id).update(display_name="Łukasz Żółć")
    mine = cast.client("student").get("/amls/").content.decode()
    assert "Łukasz Żółć" in mine
    for part in ("anonymous", "stranger", "assistant", "lecturer", "admin"):
        assert "Łukasz Żółć" not in cast.client(part).get("/amls/").content.decode()


@pytest.mark.parametrize("part", ["assistant", "lecturer", "admin"])
def test_what_staff_see_is_not_kept(cast: Cast, part: str) -> None:
    cast.client(part).get("/amls/")
    assert kept() == {}


def test_a_draft_is_not_kept_and_is_found_by_nobody(cast: Cast) -> None:
    client = cast.client("student")
    assert client.get("/amls/").status_code == 200
    Course.objects.filter(pk=cast.course.pk).update(state=Course.State.DRAFT)
    assert client.get("/amls/").status_code == 404


def test_who_left_or_was_locked_gets_nothing_that_was_kept(cast: Cast) -> None:
    client = cast.client("student")
    assert client.get("/amls/me/").status_code == 200
    Enrolment.objects.filter(pk=cast.student.pk).delete()
    assert client.get("/amls/me/").status_code == 404
    User.objects.filter(pk=cast.student.user_id).update(is_active=False)
    assert client.get("/amls/me/").status_code == 302


def test_a_message_is_said_once(cast: Cast) -> None:
    client = cast.client("student")
    quiet = client.get("/amls/me/").content.decode()
    client.post("/amls/me/feed/renew/")
    said = "Your calendar has a new address."
    assert said not in quiet
    assert said in client.get("/amls/me/").content.decode()
    assert said not in client.get("/amls/me/").content.decode()


def test_each_language_is_kept_by_itself(cast: Cast) -> None:
    User.objects.filter(pk=cast.student.user_id).update(language="")
    client = cast.client("student")
    pages = {
        language: client.get("/amls/", headers={"accept-language": language}).content.decode()
        for language in ("de", "en", "de")
    }
    assert 'lang="de"' in pages["de"]
    assert 'lang="en"' in pages["en"]


def test_a_boundary_of_ones_own_ends_what_is_kept(cast: Cast) -> None:
    """An own deadline passes at its minute, not five minutes later, and is no boundary of the course's."""
    now = database_clock.now()
    due = now + timedelta(seconds=50)
    client = cast.client("student")
    client.get("/amls/me/")
    AgendaItem.objects.create(
        course=cast.course, enrolment=cast.student, key="test", kind=ItemKind.DEADLINE, title="Sheet 7",
        created_at=now, changed_at=now, starts_at=due - timedelta(minutes=1), ends_at=due,
    )  # fmt: skip
    client.get("/amls/me/")
    assert {page.valid_until for page in kept().values()} == {due}


def test_nothing_is_kept_for_longer_than_five_minutes(cast: Cast) -> None:
    cast.client("student").get("/amls/me/")
    now = database_clock.now()
    assert all(page.valid_until <= now + timedelta(minutes=5) for page in kept().values())


@contextmanager
def undone() -> Iterator[None]:
    point = transaction.savepoint()
    try:
        yield
    finally:
        transaction.savepoint_rollback(point)


def another(field: "models.Field[Any, Any]", value: Any) -> Any:
    match value:
        case bool():
            return not value
        case int() | Decimal():
            return value + 1
        case datetime() | date():
            return value + timedelta(days=1)
        case str() if field.choices:
            return next((choice for choice, _name in field.flatchoices if choice != value), value)
        case str():
            return f"{value}x"
        case time():
            return time((value.hour + 1) % 24, value.minute)
        case None if isinstance(field, models.DateTimeField):
            return datetime(2030, 1, 1, tzinfo=UTC)
        case _:
            return value


def bend(row: models.Model) -> bool:
    """Write another value into each column of a row that takes one; return whether any did."""
    is_other = False
    for field in row._meta.concrete_fields:
        if field.primary_key or field.is_relation or field.generated or field.name == "last_login":
            continue
        value = another(field, getattr(row, field.attname))
        if value == getattr(row, field.attname):
            continue
        try:
            with transaction.atomic():
                is_other |= bool(type(row)._base_manager.filter(pk=row.pk).update(**{field.attname: value}))
        except (DatabaseError, ValueError):
            continue
    return is_other


def test_whatever_changes_a_page_ends_what_is_kept_of_it(snapshots: Snapshots) -> None:
    """Rows of every table are written: it is noted of the right courses, and whose stamp stays the same sees the same."""
    restore_demo(snapshots, with_coursework=True)
    user = User.objects.get(email="student@example.org")
    client = Client(headers={"accept-language": "de"})
    client.force_login(user, backend="amls.courses.accounts.AccountBackend")

    def seen(page: str) -> str:
        # Nothing is kept from a page before, so that each asks for all that it shows.
        pagecache.store.clear()
        return without_tokens(client.get(f"/amls/{page}").content.decode())

    stamp, pages, asked = stamp_of(user.pk, "amls"), dict[str, str](), dict[str, str]()
    for page in PAGES:
        with CaptureQueriesContext(connection) as queries:
            pages[page] = seen(page)
        asked[page] = " ".join(query["sql"] for query in queries)
    courses, watched = set(Course.objects.values_list("pk", flat=True)), tables_with_triggers()
    written, signs_in = 0, {table for table, why in NOT_SHOWN.items() if why == "how somebody signs in"}
    unasked: list[models.Model] = []
    for model in tables():
        if (
            model in histories()
            or not model._meta.managed
            or model._meta.db_table in signs_in | {"django_content_type"}
        ):
            continue
        row = model._base_manager.order_by("pk").first()
        if row is not None:
            with undone():
                last = Invalidation.objects.aggregate(newest=Max("pk"))["newest"]
                is_other = bend(row)
                written += 1
                if is_other and model._meta.db_table in watched and model is not User:
                    noted = set(Invalidation.objects.filter(pk__gt=last).values_list("course_id", flat=True))
                    assert noted, model._meta.label
                    assert noted <= courses | {0}, model._meta.label
                if stamp_of(user.pk, "amls") == stamp:
                    # What a page does not ask for is not in it.
                    asking = [page for page in PAGES if f'"{model._meta.db_table}"' in asked[page]]
                    for page in asking:
                        assert seen(page) == pages[page], (model._meta.label, row.pk, page)
                    if not asking:
                        unasked.append(row)
    assert written >= 50, written
    # Tables that no page asks for by Django's own SQL are written all before one look.
    assert len(unasked) >= 10
    with undone():
        for row in unasked:
            bend(row)
        for page in PAGES:
            assert seen(page) == pages[page], (page, [row._meta.label for row in unasked])


def test_only_whom_it_concerns_is_told(cast: Cast) -> None:
    stamps = {part: stamp_of(user.pk, "amls") for part, user in cast.users().items() if user is not None}
    reconcile_people([cast.student], now=timezone.now())
    Enrolment.objects.filter(pk=cast.student.pk).update(revision=7)
    after = {part: stamp_of(user.pk, "amls") for part, user in cast.users().items() if user is not None}
    assert {part for part, stamp in after.items() if stamp != stamps[part]} == {"student"}
    Lecture.objects.filter(course=cast.other_course).update(title="Other")
    LectureFactory.create(course=cast.other_course)
    assert stamp_of(cast.student.user_id, "amls") == after["student"]


def test_writes_of_half_an_hour_count_and_a_purge_ends_nothing(cast: Cast) -> None:
    user = cast.student.user
    before, now = stamp_of(user.pk, "amls"), timezone.now()
    for ago, counts in ((timedelta(days=3), False), (timedelta(minutes=36), False), (timedelta(minutes=29), True)):
        row = Invalidation.objects.create(course_id=cast.course.pk, user_id=0)
        Invalidation.objects.filter(pk=row.pk).update(at=now - ago)
        assert (stamp_of(user.pk, "amls") != before) is counts, ago
    after = stamp_of(user.pk, "amls")
    assert purge_invalidations(timezone.now(), False) == 1
    assert stamp_of(user.pk, "amls") == after


@pytest.mark.django_db(transaction=True)
def test_a_write_that_is_committed_late_ends_what_was_kept_meanwhile(cast: Cast) -> None:
    """Numbers are drawn in one order and committed in another: both are noticed."""
    user, began, seen = cast.student.user, threading.Event(), threading.Event()
    stamps: list[Stamp | None] = []

    def late() -> None:
        with transaction.atomic():
            Course.objects.filter(pk=cast.course.pk).update(title="Late")
            began.set()
            assert seen.wait(SECONDS)

    def early() -> None:
        assert began.wait(SECONDS)
        Enrolment.objects.filter(pk=cast.student.pk).update(revision=9)
        stamps.append(stamp_of(user.pk, "amls"))
        seen.set()

    at_once([late, early])
    assert stamp_of(user.pk, "amls") not in stamps
