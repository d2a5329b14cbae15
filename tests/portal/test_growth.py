"""Nothing grows for ever unnoticed: every table is purged, some rows at a time, or is kept for a reason."""

from datetime import timedelta
from typing import Any

import pghistory
import pytest
from django.apps import apps
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
from tests.cast import Cast
from tests.factories import CourseFactory, LectureFactory
from tests.lectures.files import pdf

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
