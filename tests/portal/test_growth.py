"""Nothing grows for ever unnoticed: every table is purged, some rows at a time, or is kept for a reason."""

from datetime import timedelta
from typing import Any

import pghistory
import pytest
from django.apps import apps
from django.conf import settings as django_settings
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pghistory.models import Context

from amls.agenda.models import FeedUse
from amls.core.batches import delete_in_batches
from amls.courses.models import AccountEvent, Course
from amls.portal.growth import KEPT, histories, purged
from amls.portal.hooks.growth import purge_contexts, purge_counts, purge_histories, purge_versions
from amls.portal.models import LegalPage
from exams.models import Result
from lectures.models import MaterialFile
from lectures.services.materials import upload_for_lecture
from tests.bench import growth
from tests.cast import Cast
from tests.factories import CourseFactory, LectureFactory
from tests.lectures.files import pdf
from tests.races import at_once

NOW = timezone.now()
YEARS = timedelta(days=3 * 366)


def test_every_table_is_purged_or_kept_for_a_reason() -> None:
    # Without tables of their own: views of pghistory over those that have.
    models = {
        model for model in apps.get_models(include_auto_created=True) if model._meta.managed and not model._meta.proxy
    }
    labels = {model._meta.label for model in models}
    assert sorted(labels - purged().keys() - KEPT.keys()) == []
    assert sorted(purged().keys() & KEPT.keys()) == []
    assert sorted((purged().keys() | KEPT.keys()) - labels) == []


@pytest.mark.django_db(transaction=True)
def test_many_rows_go_some_at_a_time() -> None:
    now = timezone.now()
    AccountEvent.objects.bulk_create(AccountEvent(what="signed-in", at=now) for _row in range(25))
    rows = AccountEvent.objects.filter(at__lte=now)
    assert (delete_in_batches(rows, dry_run=True), rows.count()) == (25, 25)
    with CaptureQueriesContext(connection) as queries:
        assert delete_in_batches(rows, batch=10) == 25
    assert sum(query["sql"].startswith("DELETE") for query in queries) == 3
    assert sum(query["sql"] == "COMMIT" for query in queries) == 3
    assert not rows.exists()


@pytest.mark.django_db(transaction=True)
def test_a_purge_holds_up_nobody_beyond_its_batch() -> None:
    now = timezone.now()
    AccountEvent.objects.bulk_create(AccountEvent(what="signed-in", at=now) for _row in range(25))
    free: list[int] = []

    def write_meanwhile() -> None:
        """Take all rows that nobody holds, and add one, on a connection of its own."""
        with transaction.atomic():
            rows = AccountEvent.objects.filter(at__lte=now).select_for_update(skip_locked=True)
            free.append(len(rows.values_list("pk")))
        AccountEvent.objects.create(what="signed-out", at=now + timedelta(seconds=1))

    def look(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if sql.startswith("DELETE"):
            # Not committed yet: the rows of this batch are the only ones that are held.
            at_once([write_meanwhile])
        return result

    with connection.execute_wrapper(look):
        assert delete_in_batches(AccountEvent.objects.filter(at__lte=now), batch=10) == 25
    assert free == [15, 5, 0]
    assert list(AccountEvent.objects.values_list("what", flat=True)) == ["signed-out"] * 3


@pytest.mark.django_db(transaction=True)
def test_a_term_is_forgotten_kind_by_kind_in_batches() -> None:
    middle = growth.live_a_term(people=12)
    before = growth.weigh()
    assert before["mail.Notice"].rows == 12 * (growth.MAILS + 1)
    assert before["courses.AccountEvent"].rows == 12 * growth.SIGN_INS
    # Each result is noted as it was made and as it was published.
    assert (before["exams.Result"].rows, before["exams.ResultEvent"].rows) == (12, 24)
    growth.purge(middle + growth.TERM + timedelta(days=366))
    later = growth.weigh()
    gone = {"mail.Notice", "courses.AccountEvent", "sessions.Session", "files.TableImport", "files.ImportedRow"}
    assert gone <= before.keys() - later.keys()
    assert {label: later[label].rows for label in ("exams.Result", "exams.ResultEvent", "courses.Enrolment")} == {
        "exams.Result": 12, "exams.ResultEvent": 24, "courses.Enrolment": before["courses.Enrolment"].rows,
    }  # fmt: skip
    done = growth.purge(middle + timedelta(days=366 * (django_settings.KEEP_COURSE_YEARS + 1)))
    # What is left is what is kept for ever for a reason.
    assert sorted(growth.weigh().keys() - KEPT.keys()) == []
    # People by one transaction for their course; everything else by batches of its own.
    assert done.deleted["courses.enrolments"] == before["courses.Enrolment"].rows
    assert len(done.seconds) > len([kind for kind, count in done.deleted.items() if count])


@pytest.mark.django_db
def test_the_history_of_what_was_set_up_goes_after_years_and_grades_stay() -> None:
    page = LegalPage.objects.create(kind="imprint", language="de", text="Größe")
    page.text = "Anders"
    page.save()
    events: Any = apps.get_model("portal", "LegalPageEvent").objects
    assert events.count() == 2
    assert purge_histories(timezone.now() + YEARS - timedelta(days=9), False) == 0
    assert purge_histories(timezone.now() + YEARS, True) >= 2
    assert purge_histories(timezone.now() + YEARS, False) >= 2
    assert events.count() == 0
    assert LegalPage.objects.get().text == "Anders"
    assert purged()["exams.ResultEvent"] == purged()["exams.Result"] != purged()["portal.LegalPageEvent"]
    assert Result._meta.label in purged()


@pytest.mark.django_db
def test_contexts_go_when_no_history_leads_to_them() -> None:
    with pghistory.context(url="/amls/", user=1), transaction.atomic():
        kept = CourseFactory.create()
    with pghistory.context(url="/amls/", user=1), transaction.atomic():
        gone = CourseFactory.create()
    events: Any = apps.get_model("courses", "CourseEvent").objects
    contexts = {pk: events.filter(pgh_obj_id=pk).first().pgh_context_id for pk in (kept.pk, gone.pk)}
    for history in histories():
        history.objects.filter(pgh_context=contexts[gone.pk]).delete()
    later = timezone.now() + timedelta(days=31)
    assert purge_contexts(timezone.now(), False) == 0
    assert purge_contexts(later, False) == 1
    assert list(Context.objects.values_list("pk", flat=True)) == [contexts[kept.pk]]


@pytest.mark.django_db
def test_counts_of_days_long_ago_go(cast: Cast) -> None:
    today = timezone.now().date()
    for day in (today, today - YEARS):
        FeedUse.objects.create(course=cast.course, day=day, client="khal", count=1)
    assert purge_counts(timezone.now(), False) == 1
    assert FeedUse.objects.get().day == today


@pytest.mark.django_db(transaction=True)
def test_a_version_goes_a_year_after_it_was_replaced_with_its_file() -> None:
    lecture = LectureFactory.create()
    now = timezone.now()
    for number, days in enumerate((800, 400, 10)):
        sent = SimpleUploadedFile("05.pdf", pdf([f"Version {number}"]))
        upload_for_lecture(lecture=lecture, kind="pdf", upload=sent, by=None, now=now - timedelta(days=days))
    names = {row.version: str(row.file.name) for row in MaterialFile.objects.all()}
    assert purge_versions(now, False) == 1
    assert sorted(MaterialFile.objects.values_list("version", flat=True)) == [2, 3]
    assert [default_storage.exists(names[version]) for version in (1, 2, 3)] == [False, True, True]
    assert Course.objects.get(pk=lecture.course_id) is not None


@pytest.mark.django_db
def test_every_table_is_listed_with_its_size(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("purge", "--tables")
    said = capsys.readouterr().out.splitlines()
    assert any("mail.Notice  (a year)" in line for line in said)
    assert all("()" not in line for line in said)
