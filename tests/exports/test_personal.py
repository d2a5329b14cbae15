"""My data, complete; my account, gone; what others need, kept."""

import io
import json
import time
import uuid
import zipfile
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from io import StringIO
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.utils import timezone

from amls.core.violations import RuleViolation
from amls.courses.models import Course, Enrolment, Role, RosterEntry, User
from amls.exports.jobs import work_once
from amls.exports.models import Export
from amls.exports.services import make_order, request_export
from amls.grading.models import Roll, RollEntry
from amls.mail.models import Notice
from amls.privacy import registry as privacy
from amls.privacy.hooks.people import purge_enrolments
from amls.privacy.registry import StoredFile, delete_account, everything_about, personal_data, retentions
from exams.models import Accommodation, Exam, Result, Room, Seat
from exams.services.registration import staff_register
from projects.models import Excuse, Topic
from projects.services.assessing import assess
from projects.services.handin import hand_in
from projects.services.teams import register_team
from tests.cast import Cast
from tests.factories import AssignmentFactory, EnrolmentFactory, OpenExamFactory, TopicFactory, UserFactory
from tests.races import at_once, refusals

pytestmark = pytest.mark.django_db
TEN_YEARS = timedelta(days=3653)


@pytest.fixture(autouse=True)
def _tellers() -> Iterator[None]:
    with privacy.personal_data.replaced(dict(privacy.personal_data.items())):
        yield


def mail_to(user: User, key: str = "k") -> Notice:
    now = timezone.now()
    return Notice.objects.create(
        key=key, kind="tests", recipient=user, not_before=now, created_at=now, state="sent", sent_at=now,
        sent_to=user.email, subject=f"Hello {user.email}",
    )  # fmt: skip


def test_my_data_are_told_with_names_that_people_read(cast: Cast) -> None:
    roll = Roll.objects.create(course=cast.course, title="An der Tafel")
    RollEntry.objects.create(roll=roll, enrolment=cast.student, entered=2, entered_at=timezone.now())
    assignment = AssignmentFactory.create(course=cast.course, title="Größe")
    Excuse.objects.create(assignment=assignment, enrolment=cast.student, at=timezone.now())
    told = dict(everything_about(cast.student.user))
    (entry,) = told["grading/lists.json"]
    assert (entry["course"], entry["roll"], entry["entered"]) == ("amls", "An der Tafel", 2)
    (excuse,) = told["projects/excuses.json"]
    assert (excuse["course"], excuse["assignment"]) == ("amls", "Größe")
    assert "__" not in json.dumps(told["grading/lists.json"] + told["projects/excuses.json"], default=str)


def test_my_data_hold_everything_of_mine_and_nothing_of_others(cast: Cast) -> None:
    name = default_storage.save("submissions/x.zip", ContentFile(b"my work"))

    @personal_data.named("tests")
    def tell(user: User) -> Iterator[tuple[str, Any]]:
        yield "../../evil.json", {"of": user.email}
        yield "files/work.zip", StoredFile(name)
        yield "files/lost.zip", StoredFile("gone")

    mail_to(cast.student.user, "a")
    mail_to(cast.other_student.user, "b")
    client = cast.client("student")
    page = client.post("/accounts/data/archive.zip")
    assert work_once(now=timezone.now())
    export = Export.objects.get()
    assert page["Location"] == export.get_absolute_url()
    answer = client.get(f"/exports/{export.pk}/{export.filename}")
    archive = zipfile.ZipFile(io.BytesIO(answer.getvalue()))
    assert archive.testzip() is None
    names = set(archive.namelist())
    assert {
        "README.txt", "account/account.json", "account/courses.json", "account/rosters.json", "calendar/dates.json", "mail/mails.json",
        "mail/preferences.json", "exports/exports.json", "tests/evil.json", "tests/files/work.zip",
        "tests/files/lost.zip.missing.txt",
    } <= names  # fmt: skip
    assert archive.read("tests/files/work.zip") == b"my work"
    assert json.loads(archive.read("account/account.json"))["email"] == "student@example.org"
    assert [mail["subject"] for mail in json.loads(archive.read("mail/mails.json"))] == ["Hello student@example.org"]
    everything = b"".join(archive.read(name) for name in names)
    assert b"other@example.org" not in everything
    assert cast.client("admin").get(f"/exports/{export.pk}/{export.filename}").status_code == 404


def test_a_new_archive_takes_the_place_of_the_older_one(cast: Cast, django_capture_on_commit_callbacks: Any) -> None:
    now, user = timezone.now(), cast.student.user
    other = request_export(order=make_order(kind="exports.my-data", now=now, user=cast.other_student.user))
    dates = request_export(order=make_order(kind="portal.my-dates", now=now, user=user))
    request_export(order=make_order(kind="exports.my-data", now=now, user=user))
    while work_once(now=timezone.now()):
        pass
    first = Export.objects.get(kind="exports.my-data", requested_by=user)
    assert default_storage.exists(str(first.file))
    with django_capture_on_commit_callbacks(execute=True):
        second = request_export(order=make_order(kind="exports.my-data", now=now, user=user, language="de"))
        third = request_export(order=make_order(kind="exports.my-data", now=now + timedelta(minutes=1), user=user))
    assert second.pk != third.pk
    assert set(Export.objects.values_list("pk", flat=True)) == {other.pk, dates.pk, third.pk}
    assert not default_storage.exists(str(first.file))
    again = request_export(order=make_order(kind="exports.my-data", now=now + timedelta(minutes=1), user=user))
    assert again == third


def test_a_deleted_account_is_nameless_and_leaves_the_others_their_work(
    cast: Cast, django_capture_on_commit_callbacks: Any
) -> None:
    user = cast.student.user
    user.display_name = "Ada Lovelace"
    user.matriculation_number = "123456"
    user.save()
    EmailAddress.objects.create(user=user, email="student@example.org", verified=True, primary=True)
    RosterEntry.objects.create(course=cast.course, email="Student@example.org", name="Ada Lovelace")
    mail_to(user)
    client = cast.client("student")
    client.post("/accounts/data/archive.zip")
    assert work_once(now=timezone.now())
    stored = str(Export.objects.get().file)
    with django_capture_on_commit_callbacks(execute=True):
        delete_account(user=user, now=timezone.now())
    user = User.objects.get(pk=user.pk)
    assert (user.email, user.display_name, user.matriculation_number, user.is_active) == (
        f"deleted-{user.pk}@deleted.invalid", "", "", False,
    )  # fmt: skip
    assert not user.has_usable_password()
    # The part in the course stays: a team's work hangs on it.
    assert Enrolment.objects.filter(pk=cast.student.pk).exists()
    assert not Notice.objects.filter(recipient=user).exists()
    assert not Export.objects.exists()
    assert not default_storage.exists(stored)
    assert not RosterEntry.objects.exists()
    for model in apps.get_models():
        if model._meta.app_label in ("courses", "mail", "exports", "agenda", "account"):
            for row in model._default_manager.values():
                text = str(row).lower()
                assert "student@example.org" not in text, model
                assert "lovelace" not in text, model
                assert "123456" not in text, model
    assert client.get("/amls/me/").status_code == 302


def test_the_page_asks_for_the_address_and_a_fresh_sign_in(cast: Cast) -> None:
    # Without a password and a fresh code.
    assert cast.client("student").post("/accounts/data/delete/", {"email": "student@example.org"}).status_code == 302
    cast.student.user.set_password("correct horse 7")
    cast.student.user.save()
    stale = cast.client("student")
    assert stale.post("/accounts/data/delete/", {"email": "student@example.org"}).status_code == 302
    assert User.objects.get(pk=cast.student.user.pk).is_active
    stale.post("/accounts/reauthenticate/", {"password": "correct horse 7"})
    assert stale.post("/accounts/data/delete/", {"email": "other@example.org"}).status_code == 422
    assert User.objects.get(pk=cast.student.user.pk).is_active
    done = stale.post("/accounts/data/delete/", {"email": "student@example.org"})
    assert done["Location"] == "/"
    assert not User.objects.get(pk=cast.student.user.pk).is_active


def test_the_last_lecturer_and_the_last_superuser_stay(cast: Cast) -> None:
    for user, code in ((cast.lecturer.user, "last-lecturer"), (cast.admin, "last-superuser")):
        with pytest.raises(RuleViolation) as caught:
            delete_account(user=user, now=timezone.now())
        assert caught.value.code == code
    Course.objects.update(state="archived")
    delete_account(user=cast.lecturer.user, now=timezone.now())


def test_people_of_old_courses_are_forgotten_with_all_they_did(
    cast: Cast, django_capture_on_commit_callbacks: Any
) -> None:
    now = timezone.now()
    AssignmentFactory.create(course=cast.course, due_at=now + timedelta(days=9))
    topic = TopicFactory.create(course=cast.course, team_max=2)
    TopicFactory.create(course=cast.course, title="Own", proposal="open", proposed_by=cast.student, proposed_at=now)
    project = register_team(enrolment=cast.student, topic=topic, emails=["new@example.org"], now=now)
    attempt = hand_in(
        project=project, by=cast.student, uploads=[SimpleUploadedFile("work.ipynb", b'{"nbformat": 4}')],
        request_key=uuid.uuid4(), began_at=now, now=now,
    )  # fmt: skip
    stored = attempt.files.get().file.name
    assess(project=project, outcome="passed", extra_points=Decimal(0), feedback="Good", by=cast.lecturer.user, now=now)
    exam = OpenExamFactory.create(course=cast.course, starts_at=now + timedelta(days=9))
    room = Room.objects.create(exam=exam, name="H 0107")
    held = staff_register(enrolment=cast.student, exam_pk=exam.pk, reason="By hand", now=now)
    Seat.objects.create(room=room, row=1, number=1, registration=held)
    Result.objects.create(registration=held, points=80)
    Accommodation.objects.create(course=cast.course, enrolment=cast.student, extra_minutes=20)
    Course.objects.filter(pk=cast.course.pk).update(state="archived", last_day=date(2010, 1, 1))
    # The exam of next week is what happened last, whatever the last day is.
    assert purge_enrolments(now + TEN_YEARS, False) == 0
    with django_capture_on_commit_callbacks(execute=True):
        purge_enrolments(now + TEN_YEARS + timedelta(days=11), False)
    assert not default_storage.exists(stored)
    # What the course itself is stays, and so does everything of others.
    assert list(Topic.objects.values_list("pk", "taken")) == [(topic.pk, 0)]
    assert list(Exam.objects.values_list("pk", "seats_taken")) == [(exam.pk, 0)]
    assert Room.objects.count() == 1
    assert list(Enrolment.objects.all()) == [cast.foreign_lecturer]
    assert User.objects.filter(pk=cast.student.user.pk).exists()
    # Nothing that knows the student by their enrolment is left, in no table and no history.
    left = {
        model.__name__: model._default_manager.filter(**{f"{field.name}_id": cast.student.pk}).count()
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if field.concrete and field.related_model is Enrolment
    }
    assert len(left) > 15
    assert {name: count for name, count in left.items() if count} == {}
    for name in ("projects.Submission", "projects.SubmissionFile", "projects.Assessment", "exams.Result", "exams.Seat"):
        assert not apps.get_model(name).objects.exists()
        assert not apps.get_model(f"{name}Event").objects.exists()


def test_purge_counts_first_and_deletes_then(cast: Cast) -> None:
    old = mail_to(cast.student.user)
    Notice.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=366))
    fresh = mail_to(cast.student.user, "fresh")
    Course.objects.filter(pk=cast.other_course.pk).update(state="archived", last_day=date(2010, 1, 1))
    User.objects.create_user("never@example.org", is_active=True)
    never = User.objects.get(email="never@example.org")
    EmailAddress.objects.create(user=never, email=never.email, verified=False)
    User.objects.filter(pk=never.pk).update(date_joined=timezone.now() - timedelta(days=31))
    out = StringIO()
    call_command("purge", "--dry-run", stdout=out)
    lines = {line.split()[1]: int(line.split()[0]) for line in out.getvalue().splitlines() if "  " in line}
    assert lines["mail.notices"] == 1
    assert lines["courses.enrolments"] == 1
    assert lines["courses.unconfirmed"] == 1
    assert set(lines) == {retention.name for retention in retentions()}
    assert Notice.objects.count() == 2
    call_command("purge", stdout=StringIO())
    assert [notice.pk for notice in Notice.objects.all()] == [fresh.pk]
    assert not Enrolment.objects.filter(course=cast.other_course).exists()
    assert not User.objects.filter(pk=never.pk).exists()
    assert Enrolment.objects.filter(course=cast.course).count() == 4


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("part", ["lecturer", "superuser"])
def test_of_the_last_two_who_go_at_once_one_stays(cast: Cast, part: str) -> None:
    # Both have been asked whether they may go before either has gone.
    slow = {"tests": lambda _user, _now: time.sleep(0.5)}
    if part == "lecturer":
        pair = [cast.lecturer.user, EnrolmentFactory.create(course=cast.course, role=Role.LECTURER).user]
    else:
        pair = [cast.admin, UserFactory.create(is_superuser=True)]
    with privacy.on_account_deletion.replaced(slow):
        outcomes = at_once([partial(delete_account, user=user, now=timezone.now()) for user in pair])
    assert refusals(outcomes) == {f"last-{part}": 1}
    assert User.objects.filter(pk__in=[user.pk for user in pair], is_active=True).count() == 1
