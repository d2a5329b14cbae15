"""Files of assignments: put online in versions, seen from their time on, gone with what they belong to."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from amls.core.violations import RuleViolation
from amls.files.rows import named
from amls.mail.models import Notice
from amls.pagecache.boundaries import next_boundary
from amls.portal.takeover.apply import import_course
from amls.portal.takeover.export import export_course
from amls.portal.takeover.rollover import roll_over
from amls.privacy.registry import retentions
from projects.models import Assignment, Handout, HandoutFile
from projects.services.assignments import delete_assignment
from projects.services.handouts import add_handout, change_handout, remove_handout, upload_handout
from tests.factories import LectureFactory
from tests.lectures.files import pdf
from tests.projects.conftest import World

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_factor")]


@pytest.fixture
def sheet(world: World) -> Assignment:
    return Assignment.objects.create(
        course=world.course, kind="sheet", title="Übungsblatt 3", position=3, topics_given="", grading="points",
        max_points=Decimal(20), due_at=timezone.now() + timedelta(days=7),
    )  # fmt: skip


def upload(name: str = "Übungsblatt 3 – Größe.pdf", text: str = "Aufgabe 1") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, pdf([text]) if name.endswith("pdf") else text.encode())


def page_of(sheet: Assignment) -> str:
    return reverse("projects:handouts", args=[sheet.course.slug, sheet.pk])


def student_of(world: World) -> Client:
    return world.cast.client("student")


def test_a_student_downloads_what_the_assistant_put_online(world: World, sheet: Assignment) -> None:
    files = [upload(), upload("Łukasz Żółć daten.csv", "größe;wert\n1;2\n")]
    answer = world.cast.client("assistant").post(page_of(sheet), {"add": "1", "uploads": files, "title": ""})
    assert answer.status_code == 302
    first, second = Handout.objects.order_by("position")
    assert [first.title, second.title] == ["Übungsblatt 3 – Größe", "Łukasz Żółć daten"]
    page = student_of(world).get(f"/{sheet.course.slug}/assignments/{sheet.pk}/").content.decode()
    listing = student_of(world).get(f"/{sheet.course.slug}/assignments/").content.decode()
    for shown in (page, listing):
        assert f'href="{first.get_absolute_url()}"' in shown
        assert f'href="{second.get_absolute_url()}"' in shown
    sent = student_of(world).get(first.get_absolute_url())
    assert (sent.status_code, sent.headers["Content-Type"]) == (200, "application/pdf")
    assert b"".join(sent) == pdf(["Aufgabe 1"])
    assert sent.headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize("part", ["anonymous", "stranger", "foreign lecturer"])
def test_the_files_are_for_members_of_the_course(world: World, sheet: Assignment, part: str) -> None:
    row = add_handout(assignment=sheet, upload=upload(), by=world.staff, now=timezone.now())
    assert world.cast.client(part).get(row.get_absolute_url()).status_code == 404
    assert row.title not in world.cast.client(part).get(f"/{sheet.course.slug}/assignments/").content.decode()


@pytest.mark.parametrize("later", ["file", "assignment"])
def test_a_file_whose_time_has_not_come_is_not_there_for_students(world: World, sheet: Assignment, later: str) -> None:
    at = timezone.now() + timedelta(days=2)
    row = add_handout(
        assignment=sheet, upload=upload(), visible_from=at if later == "file" else None, by=world.staff, now=timezone.now()
    )  # fmt: skip
    if later == "assignment":
        Assignment.objects.filter(pk=sheet.pk).update(visible_from=at)
    assert student_of(world).get(row.get_absolute_url()).status_code == 404
    assert row.title not in student_of(world).get(f"/{sheet.course.slug}/assignments/").content.decode()
    assert world.cast.client("assistant").get(row.get_absolute_url()).status_code == 200
    shown = world.cast.client("assistant").get(page_of(sheet)).content.decode()
    assert row.title in shown
    assert 'class="chip info">from' in shown
    Handout.objects.update(visible_from=timezone.now() - timedelta(minutes=1))
    Assignment.objects.filter(pk=sheet.pk).update(visible_from=timezone.now() - timedelta(minutes=1))
    assert student_of(world).get(row.get_absolute_url()).status_code == 200


def test_pages_change_when_a_file_or_an_assignment_becomes_visible(world: World, sheet: Assignment) -> None:
    now = timezone.now()
    Assignment.objects.filter(pk=sheet.pk).update(visible_from=now + timedelta(seconds=9))
    add_handout(assignment=sheet, upload=None, title="Daten", visible_from=now + timedelta(seconds=5), by=None, now=now)
    assert next_boundary(world.course, now) == now + timedelta(seconds=5)
    assert next_boundary(world.course, now + timedelta(seconds=5)) == now + timedelta(seconds=9)


def test_a_new_version_keeps_the_address_and_the_same_content_is_none(world: World, sheet: Assignment) -> None:
    now = timezone.now()
    row = add_handout(assignment=sheet, upload=upload(text="Aufgabe 1"), by=world.staff, now=now)
    old = row.get_absolute_url()
    upload_handout(handout=row, upload=upload(text="Aufgabe 1"), by=world.staff, now=now)
    assert HandoutFile.objects.count() == 1
    upload_handout(handout=row, upload=upload("blatt3-neu.pdf", "Aufgabe 1, verbessert"), by=world.staff, now=now)
    assert [version.version for version in row.files.all()] == [2, 1]
    answer = student_of(world).get(old)
    assert (answer.status_code, answer.headers["Location"]) == (302, row.get_absolute_url())
    assert b"".join(student_of(world).get(row.get_absolute_url())) == pdf(["Aufgabe 1, verbessert"])


def test_one_bad_file_does_not_stop_the_others(world: World, sheet: Assignment) -> None:
    bad = SimpleUploadedFile("kaputt.pdf", b"no PDF at all")
    answer = world.cast.client("assistant").post(page_of(sheet), {"add": "1", "uploads": [bad, upload()], "title": ""})
    assert answer.status_code == 422
    assert "kaputt.pdf" in answer.content.decode()
    assert [row.title for row in Handout.objects.all()] == ["Übungsblatt 3 – Größe"]


def test_title_and_time_are_changed_and_a_skipped_hour_is_refused(world: World, sheet: Assignment) -> None:
    client, now = world.cast.client("assistant"), timezone.now()
    row = add_handout(assignment=sheet, upload=None, title="Blatt", by=world.staff, now=now)
    sent = {"save": row.pk, "title": "Blatt, verbessert", "visible_from": "2026-03-29T02:30"}
    assert client.post(page_of(sheet), sent).status_code == 422
    assert client.post(page_of(sheet), {**sent, "visible_from": "2026-03-29T03:30"}).status_code == 302
    row.refresh_from_db()
    assert (row.title, row.visible_from) == ("Blatt, verbessert", datetime.fromisoformat("2026-03-29T01:30Z"))
    with pytest.raises(RuleViolation):
        change_handout(handout=row, title="", visible_from=None, now=now)


def test_what_is_removed_leaves_nothing_in_the_storage(
    world: World, sheet: Assignment, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    now = timezone.now()
    first = add_handout(assignment=sheet, upload=upload(), by=world.staff, now=now)
    second = add_handout(assignment=sheet, upload=upload("b.txt", "b"), by=world.staff, now=now)
    names = [str(row.file.name) for row in HandoutFile.objects.all()]
    assert named().issuperset(names)
    with django_capture_on_commit_callbacks(execute=True):
        remove_handout(first, now=now)
    with django_capture_on_commit_callbacks(execute=True):
        delete_assignment(sheet, now=now)
    assert not Handout.objects.filter(pk=second.pk).exists()
    assert [default_storage.exists(name) for name in names] == [False, False]


def test_replaced_versions_go_after_a_year_and_the_newest_stays(world: World, sheet: Assignment) -> None:
    then = timezone.now() - timedelta(days=400)
    row = add_handout(assignment=sheet, upload=upload("a.txt", "a"), by=world.staff, now=then)
    upload_handout(handout=row, upload=upload("a.txt", "b"), by=world.staff, now=then)
    purge = next(kind.purge for kind in retentions() if kind.name == "portal.old-versions")
    assert purge is not None
    assert purge(timezone.now(), False) == 1
    assert [version.version for version in row.files.all()] == [2]


def test_who_asked_to_hear_of_new_files_does_once_it_is_visible(world: World, sheet: Assignment) -> None:
    now = timezone.now()
    visible = now + timedelta(days=1)
    row = add_handout(assignment=sheet, upload=upload(), visible_from=visible, by=world.staff, now=now)
    upload_handout(handout=row, upload=upload(text="zwei"), by=world.staff, now=now)
    kinds = list(Notice.objects.filter(kind="mail.material").values_list("recipient", "not_before"))
    wanted = [pk for pk, _at in kinds]
    assert len(wanted) == len(set(wanted))
    assert {at for _pk, at in kinds} <= {visible}


def test_a_new_term_announces_the_files_in_the_week_of_their_sheet(world: World, sheet: Assignment) -> None:
    LectureFactory.create(course=world.course, starts_at=datetime(2024, 4, 18, 14, tzinfo=UTC))
    Assignment.objects.filter(pk=sheet.pk).update(
        due_at=datetime(2024, 5, 6, 8, tzinfo=UTC), pass_percent=60, question_days=3
    )
    seen = datetime(2024, 4, 29, 8, tzinfo=UTC)
    add_handout(assignment=sheet, upload=upload(), visible_from=seen, by=world.staff, now=timezone.now())
    # A year later, in the first week of lectures there.
    roll_over(course=world.course, new_slug="amls-ss2025", start=date(2025, 4, 17), now=timezone.now())
    announced = Handout.objects.get(assignment__course__slug="amls-ss2025")
    assert (announced.title, announced.current) == ("Übungsblatt 3 – Größe", None)
    assert announced.visible_from == datetime(2025, 4, 28, 8, tzinfo=UTC)
    assert (announced.assignment.pass_percent, announced.assignment.question_days) == (60, 3)
    # The old term's file stays where it is.
    assert Handout.objects.get(assignment=sheet).current is not None


def test_a_course_file_that_names_no_files_takes_none_away(world: World, sheet: Assignment) -> None:
    add_handout(assignment=sheet, upload=upload(), by=world.staff, now=timezone.now())
    spec = export_course(world.course)
    assert [handout.title for handout in spec.assignments[0].handouts] == ["Übungsblatt 3 – Größe"]
    without = replace(spec, assignments=tuple(replace(row, handouts=()) for row in spec.assignments))
    for again in (spec, without):
        import_course(spec=again, now=timezone.now())
        assert Handout.objects.get().current is not None
