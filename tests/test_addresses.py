"""Every address, as every part of the cast."""

import re
import uuid
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone
from pytest_django import Settings

from amls.agenda.feeds import personal_feed_url
from amls.agenda.models import AgendaItem
from amls.agenda.services import reconcile
from amls.courses.models import Course, Role
from amls.courses.validators import RESERVED_SLUGS, validate_slug
from amls.exports.services import make_order, request_export
from amls.grading.services import keep_roll
from amls.grading.tasks import TaskWish
from amls.mail.tokens import Subscription, unsubscribe_url
from amls.portal.takeover.drafts import start_draft
from amls.portal.takeover.sources import read_source
from exams.models import Exam
from exams.services.registration import staff_register
from exams.services.tasks import set_exam_tasks
from lectures.models import Material
from lectures.services.materials import upload_for_lecture
from projects.allocation.problem import input_to_json
from projects.models import Allocation, Assignment
from projects.receipts import receipt_code
from projects.services.allocating import inputs_of
from projects.services.assessing import publish_assessments
from projects.services.handin import hand_in
from projects.services.handouts import add_handout
from projects.services.points import give_points, team_for_points
from projects.services.teams import register_team
from projects.services.teamsheets import Given
from tests.cast import Cast, make_cast
from tests.factories import AssignmentFactory, EnrolmentFactory, LectureFactory, OpenExamFactory, TopicFactory
from tests.factors import code_of, with_app
from tests.lectures.files import pdf, read
from tests.worlds import Worlds

pytestmark = pytest.mark.django_db

PARTS = ("anonymous", "stranger", "student", "assistant", "lecturer", "foreign lecturer", "admin")
ALL = dict.fromkeys(PARTS, 200)
LOGIN = {**ALL, "anonymous": 302}
STAFF = {
    "anonymous": 404,
    "stranger": 404,
    "student": 404,
    "assistant": 200,
    "lecturer": 200,
    "foreign lecturer": 404,
    "admin": 200,
}
STAFF_LOGIN = {**STAFF, "anonymous": 302}
# Enrolled people, whatever their role; students in a team; what takes POST of signed-in people only.
MEMBERS = {"anonymous": 302, "stranger": 404, "student": 200, "assistant": 200, "lecturer": 200, "foreign lecturer": 404, "admin": 404}  # fmt: skip
TEAM = {**dict.fromkeys(PARTS, 404), "anonymous": 302, "student": 200}
POSTED_LOGIN = {**dict.fromkeys(PARTS, 405), "anonymous": 302}
# What each part of the cast gets by GET; 405 is what only takes POST.
TABLE: dict[str, tuple[str, dict[str, int]]] = {
    "portal:courses": ("/", ALL),
    "portal:healthz": ("/healthz", ALL),
    "portal:readyz": ("/readyz", dict.fromkeys(PARTS, 503)),
    "portal:metrics": ("/metrics", ALL),
    "portal:favicon": ("/favicon.ico", dict.fromkeys(PARTS, 302)),
    "portal:robots": ("/robots.txt", ALL),
    "portal:manifest": ("/manifest.webmanifest", ALL),
    "portal:worker": ("/worker.js", ALL),
    "portal:offline": ("/offline.de.html", ALL),
    "portal:language": ("/language/", dict.fromkeys(PARTS, 405)),
    "portal:legal": ("/legal/privacy/", ALL),
    "portal:profile": ("/accounts/profile/", LOGIN),
    "portal:signed_in": ("/accounts/signed-in/", {**dict.fromkeys(PARTS, 204), "anonymous": 401}),
    # Without the address that it leads to, sealed.
    "signin:join": ("/accounts/join/", dict.fromkeys(PARTS, 302)),
    "signin:leaving": ("/accounts/leaving/", dict.fromkeys(PARTS, 400)),
    "portal:sign_in_again": ("/accounts/sign-in-again/", LOGIN),
    "portal:my_dates": ("/accounts/my-courses.ics", {**LOGIN, "student": 302}),
    "portal:schedule_pdf": ("/amls/schedule.pdf", ALL),
    "mail:push_add": ("/notices/", POSTED_LOGIN),
    "mail:push_remove": ("/notices/1/remove/", POSTED_LOGIN),
    "mail:unsubscribe": ("{unsubscribe}", ALL),
    "mail:staff": ("/amls/staff/mail/", STAFF_LOGIN),
    "mail:pause": ("/amls/staff/mail/rules/1/", {**dict.fromkeys(PARTS, 405), "anonymous": 302}),
    "mail:preview": ("{mail_preview}", STAFF_LOGIN),
    "mail:send_test": ("{mail_preview}test/", {**dict.fromkeys(PARTS, 405), "anonymous": 302}),
    "mail:mine": ("/amls/me/mail/", {**LOGIN, "stranger": 404, "foreign lecturer": 404, "admin": 404}),
    "exports:data": ("/accounts/data/", LOGIN),
    "exports:archive": ("/accounts/data/archive.zip", LOGIN),
    # After a fresh proof only.
    "exports:delete_account": ("/accounts/data/delete/", dict.fromkeys(PARTS, 302)),
    "exports:mine": ("/exports/", LOGIN),
    "held:held": ("/amls/staff/held/", STAFF_LOGIN),
    "held:undo": ("/amls/staff/held/1/undo/", POSTED_LOGIN),
    "exports:export": ("{export}", {**dict.fromkeys(PARTS, 404), "student": 200}),
    "exports:retry": ("{export}retry/", dict.fromkeys(PARTS, 405)),
    "exports:download": ("{export}my-courses.ics", {**dict.fromkeys(PARTS, 404), "student": 302}),
    "portal:new_course": ("/new/", {**STAFF_LOGIN, "assistant": 404, "foreign lecturer": 200}),
    "portal:import_draft": ("{draft}", {**dict.fromkeys(PARTS, 404), "anonymous": 302, "lecturer": 200}),
    # What only takes POST, asked by GET, leads back to the draft, which is seen by its owner alone.
    "portal:import_change": ("{draft}change/", dict.fromkeys(PARTS, 302)),
    "portal:import_undo": ("{draft}undo/", dict.fromkeys(PARTS, 302)),
    "portal:import_again": ("{draft}again/", dict.fromkeys(PARTS, 302)),
    "portal:import_make": ("{draft}make/", dict.fromkeys(PARTS, 302)),
    "portal:import_discard": ("{draft}discard/", dict.fromkeys(PARTS, 302)),
    "portal:upstream": ("/amls/staff/upstream/", STAFF_LOGIN),
    "portal:upstream_decide": ("/amls/staff/upstream/decide/", POSTED_LOGIN),
    "portal:upstream_read": ("/amls/staff/upstream/read/", POSTED_LOGIN),
    "portal:upstream_stop": ("/amls/staff/upstream/stop/", POSTED_LOGIN),
    "portal:publish": ("/amls/staff/publish/", POSTED_LOGIN),
    "portal:home": ("/amls/", ALL),
    "portal:search": ("/amls/search/?q=hello", ALL),
    "portal:search_everywhere": ("/search/?q=hello", ALL),
    "portal:stats": ("/amls/staff/stats/", STAFF_LOGIN),
    "portal:import": ("/amls/staff/import/", STAFF_LOGIN),
    "portal:course_file": ("/amls/staff/course.toml", STAFF_LOGIN),
    "portal:roll_over": ("/amls/staff/roll-over/", STAFF_LOGIN),
    "portal:gradebook": ("/amls/staff/gradebook/", STAFF_LOGIN),
    "portal:gradebook_person": ("/amls/staff/gradebook/{student}/", STAFF_LOGIN),
    "portal:gradebook_import": ("/amls/staff/gradebook/import/", STAFF_LOGIN),
    "portal:gradebook_pdf": ("/amls/staff/gradebook.pdf", STAFF_LOGIN),
    "portal:enrol": ("/amls/enrol/", {**LOGIN, "student": 302, "assistant": 302, "lecturer": 302}),
    "portal:me": ("/amls/me/", {"anonymous": 302, "stranger": 404, "student": 200, "assistant": 200, "lecturer": 200, "foreign lecturer": 404, "admin": 302}),
    "portal:leave": ("/amls/me/leave/", {**dict.fromkeys(PARTS, 405), "anonymous": 302}),
    "agenda:personal_feed": ("{feed}", ALL),
    "agenda:public_feed": ("/amls/calendar.ics", ALL),
    "agenda:schedule": ("/amls/schedule/", ALL),
    "agenda:subscribe": ("/amls/subscribe/", ALL),
    "agenda:renew_feed": ("/amls/me/feed/renew/", dict.fromkeys(PARTS, 405)),
    "lectures:move_sessions": ("/amls/staff/move-sessions/", STAFF_LOGIN),
    "lectures:move_sessions_undo": ("/amls/staff/move-sessions/undo/", POSTED_LOGIN),
    "lectures:lecture_feed": ("/amls/lectures/05.ics", ALL),
    "lectures:lecture": ("/amls/lectures/05/", ALL),
    "lectures:lecture_edit": ("/amls/lectures/05/edit/", STAFF),
    "lectures:lecture_undo": ("/amls/lectures/05/undo/", dict.fromkeys(PARTS, 405)),
    "lectures:lecture_upload": ("/amls/lectures/05/upload/", dict.fromkeys(PARTS, 405)),
    "lectures:lecture_undo_files": ("/amls/lectures/05/files/undo/", dict.fromkeys(PARTS, 405)),
    "lectures:lecture_reading": ("/amls/lectures/05/reading/", STAFF),
    "lectures:lecture_chapters": ("/amls/lectures/05/chapters/", STAFF),
    "lectures:lecture_transcript": ("/amls/lectures/05/transcript/", ALL),
    "lectures:lecture_watched": ("/amls/lectures/05/watched/", dict.fromkeys(PARTS, 405)),
    "lectures:material": ("{material}", ALL),
    "portal:imports": ("/amls/staff/imports/", STAFF | {"anonymous": 302}),
    "exams:exams": ("/amls/exams/", ALL),
    "projects:tasks": ("{sheet}tasks/", STAFF_LOGIN),
    "projects:points": ("{sheet}points/", STAFF_LOGIN),
    "projects:points_import": ("{sheet}points/import/", STAFF_LOGIN),
    "projects:excuses": ("{sheet}excused/", STAFF_LOGIN),
    "projects:questions": ("{sheet}questions/", STAFF_LOGIN),
    "projects:snippets": ("/amls/staff/snippets/", STAFF_LOGIN),
    "projects:my_points": ("/amls/projects/mine/points/", {**dict.fromkeys(PARTS, 404), "anonymous": 302}),
    "projects:assignment_my_points": ("{my_points}", TEAM),
    "projects:handouts": ("{sheet}files/", STAFF_LOGIN),
    "projects:handout": ("{handout}", {**STAFF, "student": 200}),
    "grading:rolls": ("/amls/staff/lists/", STAFF_LOGIN),
    "grading:roll": ("{roll}", STAFF_LOGIN),
    "grading:roll_import": ("{roll}import/", STAFF_LOGIN),
    "exams:rule": ("/amls/staff/admission/", STAFF_LOGIN),
    "exams:enter_grades": ("{exam}results/grades/", dict.fromkeys(PARTS, 405)),
    "exams:minutes": ("{exam}minutes.pdf", STAFF),
    # Of a written exam, and of a day without oral ones, there is none.
    "exams:day_plan": ("{exam}plan.pdf", dict.fromkeys(PARTS, 404)),
    "exams:oral_day": ("/amls/staff/oral-exams/2026-12-10/", {**dict.fromkeys(PARTS, 404), "anonymous": 302}),
    "exams:extra": ("/amls/staff/extra-points/", STAFF_LOGIN),
    "exams:plan_oral": ("/amls/staff/oral-exams/", STAFF_LOGIN),
    "exams:plan_oral_undo": ("/amls/staff/oral-exams/undo/", POSTED_LOGIN),
    "exams:register": ("{exam}register/", MEMBERS),
    "exams:withdraw": ("{exam}withdraw/", MEMBERS),
    "exams:move": ("{exam}move/", MEMBERS),
    "exams:wait": ("{exam}wait/", MEMBERS),
    "exams:hold": ("{exam}hold/", MEMBERS),
    "exams:slip": ("{exam}slip.pdf", {**MEMBERS, "assistant": 404, "lecturer": 404}),
    "exams:door_list": ("{exam}door.pdf", STAFF),
    "exams:seat_plan": ("{exam}seats.pdf", STAFF),
    "exams:attendees": ("{exam}attendance.pdf", STAFF),
    "exams:staff": ("{exam}staff/", STAFF),
    "exams:staff_person": ("{exam}staff/people/{registration}/", STAFF),
    "exams:staff_afterwards": ("{exam}staff/afterwards/", dict.fromkeys(PARTS, 405)),
    "exams:staff_register": ("{exam}staff/register/", dict.fromkeys(PARTS, 405)),
    "exams:staff_withdraw": ("{exam}staff/withdraw/", dict.fromkeys(PARTS, 405)),
    "exams:staff_move": ("{exam}staff/move/", dict.fromkeys(PARTS, 405)),
    "exams:staff_excuse": ("{exam}staff/excuse/", dict.fromkeys(PARTS, 405)),
    "exams:staff_was_there": ("{exam}staff/was-there/", dict.fromkeys(PARTS, 405)),
    "exams:staff_was_absent": ("{exam}staff/was-absent/", dict.fromkeys(PARTS, 405)),
    "exams:staff_no_result": ("{exam}staff/no-result/", dict.fromkeys(PARTS, 405)),
    "exams:staff_admit": ("{exam}staff/admit/", dict.fromkeys(PARTS, 405)),
    "exams:staff_refuse": ("{exam}staff/refuse/", dict.fromkeys(PARTS, 405)),
    "exams:staff_by_rules": ("{exam}staff/by-rules/", dict.fromkeys(PARTS, 405)),
    "exams:staff_admit_all": ("{exam}staff/admit-all/", dict.fromkeys(PARTS, 405)),
    "exams:staff_capacity": ("{exam}staff/capacity/", dict.fromkeys(PARTS, 405)),
    "exams:staff_assign": ("{exam}staff/assign/", dict.fromkeys(PARTS, 405)),
    "exams:staff_mend": ("{exam}staff/mend/", dict.fromkeys(PARTS, 405)),
    "exams:staff_release": ("{exam}staff/release/", dict.fromkeys(PARTS, 405)),
    "exams:staff_helper": ("{exam}staff/helper/", dict.fromkeys(PARTS, 405)),
    "exams:staff_revoke": ("{exam}staff/revoke/", dict.fromkeys(PARTS, 405)),
    "exams:staff_present": ("{exam}staff/present/", dict.fromkeys(PARTS, 405)),
    "exams:staff_absent": ("{exam}staff/absent/", dict.fromkeys(PARTS, 405)),
    "exams:staff_close": ("{exam}staff/close/", dict.fromkeys(PARTS, 405)),
    "exams:staff_cancel": ("{exam}staff/cancel/", STAFF),
    "exams:staff_hold": ("{exam}staff/hold-after-all/", STAFF),
    "exams:staff_freeze": ("{exam}staff/freeze/", dict.fromkeys(PARTS, 405)),
    "exams:staff_unfreeze": ("{exam}staff/unfreeze/", dict.fromkeys(PARTS, 405)),
    "portal:invite": ("/amls/staff/invite/", STAFF_LOGIN),
    "exams:rooms": ("{exam}staff/rooms/", STAFF),
    "exams:rooms_move": ("{exam}staff/rooms/move/", dict.fromkeys(PARTS, 405)),
    "exams:rooms_undo": ("{exam}staff/rooms/undo/", dict.fromkeys(PARTS, 405)),
    "exams:check_in": ("{exam}check-in/", STAFF),
    "exams:mark": ("{exam}check-in/mark/", dict.fromkeys(PARTS, 405)),
    "exams:marks": ("{exam}check-in/marks/", STAFF),
    "exams:walk_in": ("{exam}check-in/walk-in/", dict.fromkeys(PARTS, 405)),
    "exams:results": ("{exam}results/", STAFF),
    "exams:enter": ("{exam}results/enter/", dict.fromkeys(PARTS, 405)),
    "exams:import": ("{exam}results/import/", STAFF),
    "exams:tasks": ("{exam}results/tasks/", STAFF),
    "exams:by_person": ("{exam}results/tasks/people/", STAFF),
    "exams:by_task": ("{exam}results/tasks/{exam_task}/", STAFF),
    "exams:university": ("{exam}staff/university/", STAFF),
    "exams:table": ("{exam}results/table/", dict.fromkeys(PARTS, 405)),
    "exams:publish": ("{exam}results/publish/", dict.fromkeys(PARTS, 405)),
    "exams:regrade": ("{exam}results/regrade/", dict.fromkeys(PARTS, 405)),
    "exams:office_changes": ("{exam}results/office/changes/", STAFF),
    # Before a second list there is none to compare with.
    "exams:office_changes_csv": ("{exam}results/office/changes.csv", {who: 302 if status == 200 else status for who, status in STAFF.items()}),
    "exams:office_changes_xlsx": ("{exam}results/office/changes.xlsx", {who: 302 if status == 200 else status for who, status in STAFF.items()}),
    "exams:office": ("{exam}results/office.csv", STAFF),
    "exams:office_xlsx": ("{exam}results/office.xlsx", STAFF),
    "lectures:slide": ("/amls/materials/{slides}/slides/1.webp", ALL),
    "lectures:thumb": ("/amls/materials/{slides}/thumbs/1.webp", ALL),
    "projects:topics": ("/amls/projects/", ALL),
    "projects:topics_pdf": ("/amls/projects/topics.pdf", ALL),
    "projects:topic": ("/amls/projects/topics/{topic}/", ALL),
    "projects:register": ("/amls/projects/register/?topic={topic}", MEMBERS),
    "projects:seek": ("/amls/projects/seek/", POSTED_LOGIN),
    "projects:propose": ("/amls/projects/propose/", MEMBERS),
    "projects:take_back": ("/amls/projects/propose/1/take-back/", POSTED_LOGIN),
    "projects:invitation": ("/amls/projects/invitations/{invitation}/", dict.fromkeys(PARTS, 404) | {"anonymous": 302}),
    "projects:mine": ("/amls/projects/mine/", MEMBERS | {"admin": 302}),
    "projects:invite": ("/amls/projects/mine/invite/", POSTED_LOGIN),
    "projects:revoke": ("/amls/projects/mine/invitations/1/revoke/", POSTED_LOGIN),
    "projects:switch_back": ("/amls/projects/mine/switch-back/", POSTED_LOGIN),
    "projects:switch": ("/amls/projects/mine/switch/", POSTED_LOGIN),
    "projects:leave": ("/amls/projects/mine/leave/", POSTED_LOGIN),
    "projects:dissolve": ("/amls/projects/mine/dissolve/", POSTED_LOGIN),
    "projects:extension": ("/amls/projects/mine/extension/", TEAM),
    "projects:extension_take_back": ("/amls/projects/mine/extension/1/take-back/", POSTED_LOGIN),
    "projects:pick": ("/amls/projects/mine/pick/", POSTED_LOGIN),
    "projects:submit": ("/amls/projects/mine/submit/", TEAM),
    "projects:ticket": ("/amls/projects/mine/submit/ticket/", POSTED_LOGIN),
    "projects:assignments": ("/amls/assignments/", ALL),
    "projects:assignment_propose": ("/amls/assignments/{assignment}/propose/", MEMBERS),
    "projects:assignment_mine": ("/amls/assignments/{assignment}/", MEMBERS | {"admin": 302}),
    "projects:assignment_invite": ("/amls/assignments/{assignment}/invite/", POSTED_LOGIN),
    "projects:assignment_revoke": ("/amls/assignments/{assignment}/invitations/1/revoke/", POSTED_LOGIN),
    "projects:assignment_switch_back": ("/amls/assignments/{assignment}/switch-back/", POSTED_LOGIN),
    "projects:assignment_switch": ("/amls/assignments/{assignment}/switch/", POSTED_LOGIN),
    "projects:assignment_leave": ("/amls/assignments/{assignment}/leave/", POSTED_LOGIN),
    "projects:assignment_dissolve": ("/amls/assignments/{assignment}/dissolve/", POSTED_LOGIN),
    "projects:assignment_extension": ("/amls/assignments/{assignment}/extension/", TEAM),
    "projects:assignment_extension_take_back": ("/amls/assignments/{assignment}/extension/1/take-back/", POSTED_LOGIN),
    "projects:assignment_pick": ("/amls/assignments/{assignment}/pick/", POSTED_LOGIN),
    "projects:assignment_submit": ("/amls/assignments/{assignment}/submit/", TEAM),
    "projects:assignment_ticket": ("/amls/assignments/{assignment}/submit/ticket/", POSTED_LOGIN),
    "projects:file": ("{handed_in}", STAFF | {"student": 200}),
    "projects:wishes": ("/amls/wishes/", STAFF_LOGIN | {"student": 200}),
    "projects:wishes_for": ("{wishes}", STAFF_LOGIN | {"student": 200}),
    "projects:wishes_team": ("{wishes}team/", POSTED_LOGIN),
    "projects:wishes_match": ("{wishes}match/", POSTED_LOGIN),
    "projects:allocation_file": ("{wishes}allocation.json", STAFF_LOGIN | {"student": 200}),
    "projects:receipt": ("/receipts/{receipt}/", ALL),
    "projects:receipt_pdf": ("/receipts/{receipt}/receipt.pdf", STAFF_LOGIN | {"student": 200}),
}  # fmt: skip


def publish_nothing(assignment: Assignment) -> None:
    """Give the topics of an assignment that no team ranked."""
    now = timezone.now()
    Allocation.objects.create(
        assignment=assignment,
        number=1,
        state="done",
        inputs=input_to_json(inputs_of(assignment, seed="")),
        result=[],
        worst=0,
        asked_at=now,
        done_at=now,
        published_at=now,
    )


def make_places() -> tuple[Cast, dict[str, str]]:
    """Make the cast, and something behind each address; return it by the names of `TABLE`."""
    cast = make_cast()
    lecture = LectureFactory.create(course=cast.course, number="05")
    upload = SimpleUploadedFile("05.vtt", b"WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n")
    version = upload_for_lecture(
        lecture=lecture, kind=Material.Kind.CAPTIONS, upload=upload, by=None, now=timezone.now()
    )
    slides = read(LectureFactory.create(course=cast.course, number="06"), "pdf", "06.pdf", pdf(["Parameter servers"]))
    reconcile(cast.course, now=timezone.now())
    now = timezone.now()
    exam = OpenExamFactory.create(
        course=cast.course, starts_at=now + timedelta(hours=1), opens_at=now - timedelta(days=9), closes_at=now,
        withdraw_until=now,
    )  # fmt: skip
    registered = staff_register(enrolment=cast.student, exam_pk=exam.pk, reason="By hand", now=now)
    set_exam_tasks(exam_pk=exam.pk, tasks=[TaskWish("Joins", exam.max_points)], by=None, now=now)
    # Only then has the office its list.
    Exam.objects.filter(pk=exam.pk).update(results_published_at=now, frozen_at=now)
    feed = personal_feed_url(cast.student).removeprefix("http://localhost:8000")
    topic = TopicFactory.create(course=cast.course, team_max=2)
    AssignmentFactory.create(course=cast.course, due_at=timezone.now() + timedelta(days=9))
    project = register_team(enrolment=cast.student, topic=topic, emails=["new@example.org"], now=timezone.now())
    attempt = hand_in(
        project=project,
        by=cast.student,
        uploads=[SimpleUploadedFile("work.ipynb", b'{"nbformat": 4}')],
        request_key=uuid.uuid4(),
        began_at=timezone.now(),
        now=timezone.now(),
    )
    handed_in = attempt.files.get()
    stop = unsubscribe_url(Subscription(cast.student.user.pk, cast.course.pk, "reminders"))
    unsubscribe = stop.removeprefix("http://localhost:8000")
    item = AgendaItem.objects.get(key=f"lectures.lecture:{lecture.pk}")
    mail_preview = f"/amls/staff/mail/reminder/{item.pk}/"
    source = read_source("Data Systems, Fall 2026\n\nDate,Topic\n2026-09-01,Intro\n2026-09-08,Storage\n")
    sheet = Assignment.objects.create(
        course=cast.course, kind="sheet", title="Sheet 1", topics_given="", grading="points", max_points=20
    )
    handout = add_handout(
        assignment=sheet, upload=SimpleUploadedFile("blatt1.txt", b"Aufgabe 1"), by=cast.lecturer.user, now=now
    )
    worked = team_for_points(enrolment=cast.student, assignment=sheet, now=now)
    give_points(project=worked, given={None: Given(Decimal(12))}, by=cast.assistant.user, now=now)
    publish_assessments(projects=[worked], now=now)
    order = make_order(kind="portal.my-dates", now=timezone.now(), user=cast.student.user)
    export = request_export(order=order).get_absolute_url()
    roll = keep_roll(course=cast.course, title="Tutorial", planned=12, held=0, now=now)
    seminar = AssignmentFactory.create(course=cast.course, is_main=False, title="Seminar", topics_given="by-wish")
    publish_nothing(seminar)
    draft = start_draft(owner=cast.lecturer.user, course=None, source=source, now=timezone.now())
    return cast, {
        "topic": str(topic.pk),
        "assignment": str(topic.assignment_id),
        "invitation": str(project.invitations.get().pk),
        "handed_in": f"/amls/projects/files/{handed_in.pk}/work.ipynb",
        "receipt": receipt_code(attempt.pk),
        "feed": feed,
        "material": f"/amls/materials/{version.material_id}/05.vtt",
        "slides": str(slides.material_id),
        "mail_preview": mail_preview,
        "unsubscribe": unsubscribe,
        "export": export,
        "draft": f"/new/{draft.token}/",
        "wishes": f"/amls/wishes/{seminar.pk}/",
        "exam": f"/amls/exams/{exam.pk}/",
        "roll": f"/amls/staff/lists/{roll.pk}/",
        "sheet": f"/amls/staff/assignments/{sheet.pk}/",
        "my_points": f"/amls/assignments/{sheet.pk}/points/",
        "handout": handout.get_absolute_url(),
        "student": str(cast.student.pk),
        "registration": str(registered.pk),
        "exam_task": str(exam.tasks.get().pk),
    }


@pytest.fixture
def furnished(db: None, worlds: Worlds) -> tuple[Cast, dict[str, str]]:
    """The cast, and what stands behind each address."""
    return worlds.given("places", make_places)


@pytest.fixture
def places(furnished: tuple[Cast, dict[str, str]]) -> dict[str, str]:
    """What stands behind each address, by the names of `TABLE`."""
    return furnished[1]


def own_names(patterns: list[URLPattern | URLResolver], space: str = "") -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from own_names(pattern.url_patterns, pattern.namespace or "")
        elif space in (
            "portal",
            "agenda",
            "lectures",
            "projects",
            "exams",
            "exports",
            "grading",
            "held",
            "mail",
            "signin",
        ):
            yield f"{space}:{pattern.name}"


def test_the_table_knows_every_address_of_ours() -> None:
    assert sorted(own_names(get_resolver().url_patterns)) == sorted(TABLE)


@pytest.mark.parametrize("part", PARTS)
def test_everyone_gets_what_is_theirs(cast: Cast, places: dict[str, str], part: str) -> None:
    client = cast.client(part)
    answers = {name: client.get(path.format(**places)) for name, (path, _expected) in TABLE.items()}
    statuses = {name: answer.status_code for name, answer in answers.items()}
    assert statuses == {name: expected[part] for name, (_path, expected) in TABLE.items()}
    # Wherever the calendar is offered in a dialog, it is as on the page to which the dialog's link leads without scripts.
    on_its_page = calendar_offered(answers["agenda:subscribe"], "main .tile .stack")
    in_dialogs = {name: calendar_offered(answer, "#subscribe-dialog .stack") for name, answer in answers.items()}
    having = {"portal:home", "portal:me", "agenda:schedule"} - {name for name, code in statuses.items() if code != 200}
    assert all(on_its_page)
    assert {name: said for name, said in in_dialogs.items() if said} == dict.fromkeys(having, on_its_page)


def calendar_offered(answer: HttpResponse, place: str) -> list[str]:
    """Return the sentence and the addresses with which a part of a page offers the calendar, or nothing where it doesn't."""
    is_page = answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/html")
    if not is_page or 'feed-address"' not in answer.text:
        return []
    part = BeautifulSoup(answer.content, "html.parser").select_one(place)
    if part is None:
        return []
    ways = [str(way.get("href", way.get("value"))) for way in part.select("a, input")]
    return [part.select("p")[0].text.strip(), *ways]


def test_staff_without_a_second_factor_do_nothing_that_staff_do(
    cast: Cast, places: dict[str, str], settings: Settings
) -> None:
    settings.STAFF_NEEDS_SECOND_FACTOR = True
    of_staff = {
        path.format(**places): name
        for name, (path, expected) in TABLE.items()
        if (expected["lecturer"], expected["student"], expected["stranger"]) == (200, 404, 404)
    }
    assert {"portal:new_course", "mail:staff", "exams:staff", "lectures:lecture_edit"} < set(of_staff.values())
    client = cast.client("lecturer")
    for page in ["/admin/", *of_staff]:
        answer = client.get(page, follow=True)
        assert answer.redirect_chain, page
        assert answer.redirect_chain[-1][0].startswith(reverse("mfa_index")), page
        assert "Staff need a second factor." in answer.content.decode() or "reauthenticate" in str(
            answer.redirect_chain
        )
    assert {cast.client("student").get(page).status_code for page in of_staff} == {404}
    foreign = {name: cast.client("foreign lecturer").get(page).status_code for page, name in of_staff.items()}
    # Who lectures anywhere makes courses, with a second factor.
    assert foreign == dict.fromkeys(of_staff.values(), 404) | {"portal:new_course": 302}
    secret = with_app(cast.lecturer.user)
    # Had by the account, and not proven in this session.
    assert {client.get(page).status_code for page in ["/admin/", *of_staff]} == {302}
    client.post("/accounts/2fa/reauthenticate/", {"code": code_of(secret)})
    assert {client.get(page).status_code for page in ["/admin/", *of_staff]} == {200}


# What takes POST of staff only.
WRITTEN = (
    "/amls/lectures/05/edit/",
    "/amls/lectures/05/undo/",
    "/amls/lectures/05/upload/",
    "/amls/staff/move-sessions/",
    "/amls/staff/move-sessions/undo/",
    "/amls/lectures/05/files/undo/",
    "/amls/staff/import/",
    "/amls/staff/roll-over/",
    "{exam}door.pdf",
    "{exam}seats.pdf",
    "{exam}staff/withdraw/",
    "{exam}staff/cancel/",
    "{exam}staff/hold-after-all/",
    "{exam}check-in/mark/",
    "{exam}check-in/marks/",
    "{exam}check-in/walk-in/",
    "{exam}results/enter/",
    "{exam}results/import/",
    "{exam}results/table/",
    "{exam}results/publish/",
    "/amls/staff/mail/rules/1/",
    "/amls/staff/mail/changes/all/test/",
)


@pytest.mark.parametrize("part", ["anonymous", "stranger", "student", "foreign lecturer"])
def test_only_staff_may_write(cast: Cast, places: dict[str, str], part: str) -> None:
    client = cast.client(part)
    answers = {path: client.post(path, {}) for path in (path.format(**places) for path in WRITTEN)}
    assert {path: answer.status_code for path, answer in answers.items() if answer.status_code not in (404, 302)} == {}
    led = {path: answer.headers.get("Location", "/accounts/login/") for path, answer in answers.items()}
    assert {path: to for path, to in led.items() if not to.startswith("/accounts/login/")} == {}


@pytest.mark.parametrize("part", PARTS)
def test_a_draft_is_its_staffs(cast: Cast, places: dict[str, str], part: str) -> None:
    Course.objects.filter(pk=cast.course.pk).update(state="draft")
    client = cast.client(part)
    expected = STAFF[part]
    for path in (
        "/amls/",
        "/amls/schedule/",
        "/amls/subscribe/",
        "/amls/lectures/05/",
        "/amls/calendar.ics",
        "/amls/exams/",
        places["material"],
    ):
        # Enrolled students don't see a draft either.
        assert client.get(path).status_code == expected, path


def test_no_course_may_hide_an_address() -> None:
    first = {str(pattern.pattern).split("/")[0] for pattern in walk(get_resolver().url_patterns)}
    assert {word for word in first if word and "<" not in word} <= RESERVED_SLUGS


def test_no_course_takes_an_address_of_the_front_server() -> None:
    text = (Path(settings.BASE_DIR) / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    own = set(re.findall(r"location (?:= )?/([\w.-]+)", text))
    assert {"accounts", "protected", "signed-in"} <= own - {".large"} <= RESERVED_SLUGS
    with pytest.raises(ValidationError, match="'admin' is an address of this site"):
        validate_slug("admin")


def walk(patterns: list[URLPattern | URLResolver]) -> Iterator[URLPattern | URLResolver]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver) and str(pattern.pattern) == "":
            yield from walk(pattern.url_patterns)
        else:
            yield pattern


@pytest.mark.parametrize(
    ("path", "first", "following"),
    [
        ("/amls/", 24, 3),
        ("/amls/schedule/", 9, 3),
        ("/amls/lectures/05/", 11, 3),
        # Three assignments, one of them with points.
        ("/amls/me/", 22, 3),
        ("/amls/subscribe/", 4, 3),
        ("/amls/projects/", 13, 3),
        # One for the files of the assignment, and one for whether the reader is excused from it.
        ("/amls/projects/mine/", 19, 3),
    ],
)
def test_a_page_costs_the_same_with_10_lectures_as_with_4(
    cast: Cast, places: dict[str, str], path: str, first: int, following: int
) -> None:
    """The first visit after a change renders for all who come what they have in common, and asks when it looks different.

    Whichever page is the first of a course also asks what the menu calls its projects: one query that no other asks again.
    """
    client = cast.client("student")
    client.get(path)
    counts = []
    for batch in (2, 6):
        for _each in range(batch):
            upload = SimpleUploadedFile("a.vtt", b"WEBVTT\n\n")
            upload_for_lecture(
                lecture=LectureFactory.create(course=cast.course),
                kind="captions",
                upload=upload,
                by=None,
                now=timezone.now(),
            )
        reconcile(cast.course, now=timezone.now())
        for _visit in (first, following):
            with CaptureQueriesContext(connection) as queries:
                assert client.get(path).status_code == 200
            counts.append(len(queries))
    assert counts == [first, following, first, following]


def test_get_writes_nothing(cast: Cast, places: dict[str, str]) -> None:
    client = cast.client("student")
    client.get("/amls/me/")
    with CaptureQueriesContext(connection) as queries:
        for path in (
            "/",
            "/amls/",
            "/amls/me/",
            "/amls/schedule/",
            "/amls/subscribe/",
            "/amls/lectures/05/",
            "/amls/schedule.pdf",
            "/exports/",
            places["export"],
            places["unsubscribe"],
            "/amls/me/mail/",
            places["feed"],
            places["material"],
        ):
            client.get(path)
    writes = [query["sql"] for query in queries if query["sql"].split()[0] in ("INSERT", "UPDATE", "DELETE")]
    assert [sql for sql in writes if "usersessions" not in sql and "django_session" not in sql] == []


def test_materials_respect_audience_and_time(cast: Cast, places: dict[str, str]) -> None:
    material = Material.objects.get(kind="captions")
    material.audience = "enrolled"
    material.save()
    assert {part: cast.client(part).get(places["material"]).status_code for part in PARTS} == {
        "anonymous": 404, "stranger": 404, "student": 200, "assistant": 200, "lecturer": 200, "foreign lecturer": 404, "admin": 200,
    }  # fmt: skip
    material.visible_from = timezone.now() + timedelta(hours=1)
    material.save()
    assert cast.client("student").get(places["material"]).status_code == 404
    assert cast.client("lecturer").get(places["material"]).status_code == 200


def test_an_old_name_of_a_file_leads_to_the_new_version(cast: Cast, places: dict[str, str]) -> None:
    material = Material.objects.get(kind="captions")
    upload_for_lecture(
        lecture=material.lecture,
        kind="captions",
        upload=SimpleUploadedFile("05 captions.vtt", b"WEBVTT\n\nb"),
        by=None,
        now=timezone.now(),
    )
    answer = cast.client("anonymous").get(places["material"])
    assert (answer.status_code, answer["Location"]) == (302, f"/amls/materials/{material.pk}/05%20captions.vtt")
    assert material.files.count() == 2


@pytest.mark.parametrize(
    ("policy", "code", "status"),
    [("open", "", 302), ("code", "Sesam", 302), ("code", "wrong", 422), ("closed", "", 422), ("roster", "", 422)],
)
def test_people_enrol_by_the_courses_policy(cast: Cast, policy: str, code: str, status: int) -> None:
    Course.objects.filter(pk=cast.course.pk).update(
        enrolment_policy=policy, enrolment_code="sesam" if policy == "code" else ""
    )
    answer = cast.client("stranger").post("/amls/enrol/", {"code": code})
    assert answer.status_code == status
    assert cast.stranger.enrolments.filter(course=cast.course).exists() == (status == 302)


def test_a_student_leaves_and_staff_stay(cast: Cast) -> None:
    cast.client("student").post("/amls/me/leave/")
    cast.client("lecturer").post("/amls/me/leave/")
    assert [enrolment.role for enrolment in cast.course.enrolments.order_by("pk")] == [
        Role.STUDENT,
        Role.ASSISTANT,
        Role.LECTURER,
    ]


def test_the_language_is_kept_and_other_sites_cannot_choose_it(cast: Cast) -> None:
    client = cast.client("student")
    answer = client.post("/language/", {"language": "de", "next": "/amls/"}, headers={"sec-fetch-site": "same-origin"})
    assert (answer.status_code, answer["Location"]) == (302, "/amls/")
    cast.student.user.refresh_from_db()
    assert cast.student.user.language == "de"
    assert client.post("/language/", {"language": "en"}, headers={"sec-fetch-site": "cross-site"}).status_code == 400
    assert client.post("/language/", {"language": "en"}, headers={"origin": "https://evil.example"}).status_code == 400
    away = client.post(
        "/language/", {"language": "en", "next": "https://evil.example/"}, headers={"sec-fetch-site": "none"}
    )
    assert away["Location"] == "/"


def test_two_courses_of_one_person_stay_apart(cast: Cast) -> None:
    EnrolmentFactory.create(course=cast.other_course, user=cast.student.user)
    assert cast.client("student").get("/databases/me/").status_code == 200
    assert cast.client("stranger").get("/databases/me/").status_code == 404


@pytest.mark.parametrize("null", ["%00", "%0%000"])
@pytest.mark.parametrize("path", ["/amls/staff/gradebook/?q=", "/admin/courses/course/?q="])
def test_a_null_character_in_a_query_is_left_out(cast: Cast, path: str, null: str) -> None:
    answer = cast.client("admin").get(f"{path}zzz{null}zzz")
    assert answer.status_code == 200
    assert 'value="zzzzzz"' in answer.content.decode()


@pytest.mark.parametrize(
    ("target", "place"),
    [("/amls/", "/amls/"), ("5", "/amls/me/"), ("amls:x", "/amls/me/"), ("//evil.example/", "/amls/me/")],
)
def test_enrolling_leads_only_to_places_of_this_site(cast: Cast, target: str, place: str) -> None:
    answer = cast.client("student").post("/amls/enrol/", {"next": target})
    assert (answer.status_code, answer.headers["Location"]) == (302, place)


def test_every_page_of_a_course_leads_its_people_to_their_own(cast: Cast, places: dict[str, str]) -> None:
    client, seen = cast.client("student"), 0
    for path, _expected in TABLE.values():
        answer = client.get(path.format(**places))
        if answer.status_code != 200 or not answer.headers["Content-Type"].startswith("text/html"):
            continue
        page = answer.content.decode()
        if 'class="places"' in page:
            seen += 1
            assert f'href="/{cast.course.slug}/me/"' in page.partition('class="places"')[2].partition("</nav>")[0], path
    assert seen > 15
