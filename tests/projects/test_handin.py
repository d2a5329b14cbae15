"""Attempts: append-only, in time by their start, each with a receipt."""

import hashlib
import io
import uuid
import zipfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.test import Client
from django.utils import timezone

from amls.agenda.models import AgendaItem
from amls.agenda.services import reconcile
from amls.core.violations import RuleViolation
from amls.files.storing import MARK
from amls.mail.models import Notice
from projects.models import Assignment, Project, Submission, SubmissionFile
from projects.receipts import receipt_code, submission_pk_of
from projects.services.extensions import extend
from projects.services.handin import accept_late, hand_in, pick_submission, restore_submission, withdraw_submission
from projects.services.registration import dissolve_project, leave_team
from projects.services.teams import accept_invitation, invite_member
from projects.tickets import LASTS, issue_ticket
from tests.projects.conftest import DEADLINE, NOW, World
from tests.projects.servers import notebook

pytestmark = pytest.mark.django_db
LAST_INSTANT = DEADLINE + timedelta(seconds=59, microseconds=999_999)
CUTOFF = DEADLINE + timedelta(hours=48, minutes=1)


def archive(name: str = "project.zip", content: bytes = b"print('hello')") -> SimpleUploadedFile:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        # Without the time of day: the same content is the same file.
        packed.writestr(zipfile.ZipInfo("main.py"), content)
    return SimpleUploadedFile(name, buffer.getvalue())


def attempt(
    world: World, project: Project, began: datetime = NOW, now: datetime | None = None, **values: Any
) -> Submission:
    values = {"uploads": [archive()], "request_key": uuid.uuid4(), **values}
    return hand_in(project=project, by=world.student, began_at=began, now=now or began, **values)


def stored() -> list[Path]:
    return [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file() and path.name != MARK]


def test_attempts_are_counted_and_kept(world: World) -> None:
    project = world.project()
    first = attempt(world, project)
    second = attempt(world, project, uploads=[archive(), archive("report.zip", b"x")])
    assert (first.attempt, second.attempt, second.files.count(), len(stored())) == (1, 2, 2, 3)
    kept = first.files.get()
    with kept.file.open() as stream:
        assert hashlib.sha256(stream.read()).hexdigest() == kept.sha256
    assert kept.filename == "project.zip"
    assert "project" not in (kept.file.name or "")


def test_everyone_in_the_team_gets_the_receipt(world: World) -> None:
    project = world.project()
    invitation = invite_member(project=project, email="other@example.org", by=world.student, now=NOW)
    accept_invitation(invitation=invitation, enrolment=world.other, now=NOW)
    attempt(world, project)
    told = Notice.objects.filter(kind="projects.receipt").values_list("recipient__email", flat=True)
    assert sorted(told) == ["other@example.org", "student@example.org"]


def test_one_press_is_one_attempt_and_its_copy_leaves_nothing(world: World) -> None:
    project, key = world.project(), uuid.uuid4()
    assert attempt(world, project, request_key=key) == attempt(world, project, request_key=key)
    assert (Submission.objects.count(), len(stored()), Notice.objects.filter(kind="projects.receipt").count()) == (
        1,
        1,
        1,
    )


def test_a_page_of_an_earlier_team_that_comes_back_hands_in_for_the_new_one(world: World) -> None:
    project, key = world.project(), uuid.uuid4()
    first = attempt(world, project, request_key=key)
    dissolve_project(project=project, by=world.student, now=NOW)
    again = attempt(world, world.project(), request_key=key)
    assert (again.attempt, again.project == project, again.request_key == first.request_key) == (1, False, False)


def test_a_repository_needs_the_commit_that_counts(world: World) -> None:
    project = world.project()
    with pytest.raises(RuleViolation) as refusal:
        attempt(world, project, uploads=[], repository_url="https://example.org/repo")
    assert (refusal.value.code, refusal.value.field) == ("no-commit", "commit")
    with pytest.raises(RuleViolation, match="7 to 64 digits"):
        attempt(world, project, uploads=[], repository_url="https://example.org/repo", commit="main")
    kept = attempt(world, project, uploads=[], repository_url="https://example.org/repo", commit="4f2a91c")
    assert (kept.repository_url, kept.files.count()) == ("https://example.org/repo", 0)


def test_nothing_is_no_hand_in(world: World) -> None:
    with pytest.raises(RuleViolation, match="Choose a file"):
        attempt(world, world.project(), uploads=[])


@pytest.mark.parametrize(
    ("began", "received", "counts"),
    [
        (DEADLINE, DEADLINE, True),
        (LAST_INSTANT, LAST_INSTANT, True),
        # An upload that began in time counts, whenever it ends.
        (LAST_INSTANT, DEADLINE + timedelta(minutes=20), True),
        (DEADLINE + timedelta(minutes=1), DEADLINE + timedelta(minutes=1), False),
        (CUTOFF - timedelta(microseconds=1), CUTOFF, False),
    ],
)
def test_the_start_of_the_upload_decides(world: World, began: datetime, received: datetime, counts: bool) -> None:
    project = world.project()
    attempt(world, project, began=began, now=received)
    view = world.team(world.student)
    assert view is not None
    assert (view.counting is not None, view.attempts[0].is_late) == (counts, not counts)


def test_after_the_cutoff_it_is_refused_with_all_times(world: World) -> None:
    project = world.project()
    with pytest.raises(RuleViolation) as refusal:
        attempt(world, project, began=CUTOFF)
    assert str(refusal.value.message) == (
        "The deadline was Mon 8 Jul, 23:59 (Europe/Berlin), and late hand-ins were kept until Wed 10 Jul, 23:59 "
        "(Europe/Berlin). Your upload began Thu 11 Jul, 00:00:00 (Europe/Berlin) by the server's clock. "
        "Ask amls@example.org."
    )
    assert (Submission.objects.count(), stored()) == (0, [])


def test_a_late_attempt_counts_once_staff_accept_it(world: World) -> None:
    project = world.project()
    late = attempt(world, project, began=DEADLINE + timedelta(hours=3))
    accept_late(submission=late, by=world.staff, now=DEADLINE + timedelta(days=1))
    view = world.team(world.student)
    assert view is not None
    assert view.counting is not None
    assert view.counting.row == late
    assert Notice.objects.filter(kind="projects.late-accepted").count() == 1


def test_an_accepted_late_attempt_counts_also_where_the_team_had_picked_another(world: World) -> None:
    project = world.project()
    first = attempt(world, project)
    pick_submission(project=project, submission=first, now=NOW)
    late = attempt(world, project, began=DEADLINE + timedelta(hours=3))
    view = world.team(world.student)
    assert view is not None
    assert view.picked is not None
    accept_late(submission=late, by=world.staff, now=DEADLINE + timedelta(days=1))
    view = world.team(world.student)
    assert view is not None
    assert view.counting is not None
    assert (view.counting.row, view.picked) == (late, None)


def counting_of(world: World) -> Submission:
    view = world.team(world.student)
    assert view is not None
    assert view.counting is not None
    return view.counting.row


def test_more_time_lets_the_late_attempt_count_like_accepting_it(world: World) -> None:
    project = world.project()
    first = attempt(world, project)
    pick_submission(project=project, submission=first, now=NOW)
    late = attempt(world, project, began=DEADLINE + timedelta(hours=3))
    after, until = DEADLINE + timedelta(days=2), DEADLINE + timedelta(days=1)
    extend(assignment=world.assignment, projects=[project], by=world.staff, reason="Ill", due_at=until, now=after)
    assert counting_of(world) == late


def test_a_pick_made_in_extended_time_holds(world: World) -> None:
    project = world.project()
    pick_submission(project=project, submission=attempt(world, project), now=NOW)
    extend(
        assignment=world.assignment, projects=[project], by=world.staff, reason="Ill", delta=timedelta(days=3), now=NOW
    )
    attempt(world, project, began=DEADLINE + timedelta(days=1))
    # Nothing of it was late: what the team picked goes on counting until it picks another.
    assert counting_of(world).attempt == 1


def test_who_picks_after_the_staff_let_the_late_attempt_count_has_the_last_word(world: World) -> None:
    project = world.project()
    first = attempt(world, project)
    pick_submission(project=project, submission=first, now=NOW)
    attempt(world, project, began=DEADLINE + timedelta(hours=3))
    granted = DEADLINE + timedelta(days=1)
    extend(
        assignment=world.assignment,
        projects=[project],
        by=world.staff,
        reason="Ill",
        delta=timedelta(days=3),
        now=granted,
    )
    assert counting_of(world).attempt == 2
    pick_submission(project=project, submission=first, now=granted + timedelta(hours=1))
    assert counting_of(world) == first


def test_the_picked_attempt_counts_again_where_the_accepted_one_is_withdrawn(world: World) -> None:
    project = world.project()
    picked = attempt(world, project)
    attempt(world, project)
    pick_submission(project=project, submission=picked, now=NOW)
    late = attempt(world, project, began=DEADLINE + timedelta(hours=3))
    accept_late(submission=late, by=world.staff, now=DEADLINE + timedelta(days=1))
    assert counting_of(world) == late
    withdraw_submission(submission=late, now=DEADLINE + timedelta(days=1))
    assert counting_of(world) == picked


def test_a_late_attempt_never_hides_one_in_time(world: World) -> None:
    project = world.project()
    good = attempt(world, project)
    attempt(world, project, began=DEADLINE + timedelta(hours=3))
    view = world.team(world.student)
    assert view is not None
    assert view.counting is not None
    assert view.counting.row == good


def test_the_team_may_pick_an_earlier_attempt_until_the_deadline(world: World) -> None:
    project = world.project()
    first, second = attempt(world, project), attempt(world, project)

    def counting() -> Submission:
        view = world.team(world.student)
        assert view is not None
        assert view.counting is not None
        return view.counting.row

    assert counting() == second
    pick_submission(project=project, submission=first, now=LAST_INSTANT)
    assert counting() == first
    with pytest.raises(RuleViolation, match="can no longer be changed"):
        pick_submission(project=project, submission=second, now=DEADLINE + timedelta(minutes=1))
    pick_submission(project=project, submission=None, now=NOW)
    assert counting() == second


def test_withdrawing_an_attempt_is_undone(world: World) -> None:
    project = world.project()
    first, second = attempt(world, project), attempt(world, project)
    withdraw_submission(submission=second, now=NOW)
    view = world.team(world.student)
    assert view is not None
    assert view.counting is not None
    assert view.counting.row == first
    restore_submission(submission=second, now=NOW)
    view = world.team(world.student)
    assert view is not None
    assert view.counting is not None
    assert view.counting.row == second


def test_only_the_team_hands_in(world: World) -> None:
    project = world.project()
    with pytest.raises(RuleViolation, match="not in this team"):
        hand_in(project=project, by=world.other, uploads=[archive()], request_key=uuid.uuid4(), began_at=NOW, now=NOW)
    assert stored() == []


def test_all_that_is_wrong_is_said_at_once(world: World) -> None:
    fake = SimpleUploadedFile("report.pdf", b"no pdf")
    program = SimpleUploadedFile("setup.exe", b"MZ")
    with pytest.raises(RuleViolation) as refusal:
        attempt(world, world.project(), uploads=[fake, archive(), program])
    said = str(refusal.value.message)
    assert "'report.pdf' is not a PDF" in said
    assert "'setup.exe' is of a kind that is not taken here" in said
    assert (Submission.objects.count(), stored()) == (0, [])


def test_what_is_handed_in_can_not_be_deleted(world: World) -> None:
    kept = attempt(world, world.project())
    for row in (kept.project, kept, world.student):
        with pytest.raises(ProtectedError):
            row.delete()
    with pytest.raises(ProtectedError):
        world.student.user.delete()


def test_a_leaver_leaves_the_attempts(world: World) -> None:
    project = world.project()
    invitation = invite_member(project=project, email="other@example.org", by=world.student, now=NOW)
    accept_invitation(invitation=invitation, enrolment=world.other, now=NOW)
    attempt(world, project)
    leave_team(project=project, enrolment=world.student, now=NOW)
    view = world.team(world.other)
    assert view is not None
    assert view.counting is not None
    assert world.team(world.student) is None


def test_who_leaves_keeps_the_receipts_and_files_of_then_and_sees_nothing_newer(world: World) -> None:
    project = world.project()
    invitation = invite_member(project=project, email="other@example.org", by=world.student, now=NOW)
    accept_invitation(invitation=invitation, enrolment=world.other, now=NOW)
    theirs = attempt(world, project)
    leave_team(project=project, enrolment=world.student, now=NOW + timedelta(hours=1))
    newer = hand_in(
        project=project,
        by=world.other,
        uploads=[archive()],
        request_key=uuid.uuid4(),
        began_at=NOW + timedelta(hours=2),
        now=NOW + timedelta(hours=2),
    )
    leaver, member, stranger = world.cast.client("student"), Client(), world.cast.client("stranger")
    member.force_login(world.other.user, backend="amls.courses.accounts.AccountBackend")

    def opens(client: Client, row: Submission) -> tuple[bool, int]:
        file = row.files.get()
        page = client.get(f"/receipts/{receipt_code(row.pk)}/").text
        return file.filename in page, client.get(f"/amls/projects/files/{file.pk}/{file.filename}").status_code

    assert (opens(leaver, theirs), opens(leaver, newer)) == ((True, 200), (False, 404))
    assert (opens(member, theirs), opens(member, newer)) == ((True, 200), (True, 200))
    assert opens(stranger, theirs) == (False, 404)
    # Also when the whole team is gone.
    dissolve_project(project=project, by=world.other, now=NOW + timedelta(hours=3))
    assert (opens(leaver, theirs), opens(member, theirs), opens(leaver, newer)) == (
        (True, 200),
        (True, 200),
        (False, 404),
    )


def test_a_ticket_proves_the_start_for_exactly_these_files(world: World) -> None:
    project, late = world.project(), DEADLINE + timedelta(minutes=20)
    upload = archive()
    sealed = issue_ticket(
        assignment=world.assignment,
        by=world.student,
        files=[(upload.size or 0, hashlib.sha256(upload.read()).hexdigest())],
        now=DEADLINE,
    )
    upload.seek(0)
    other = attempt(world, project, began=late, uploads=[archive(content=b"written later")], ticket=sealed)
    assert other.began_at == late
    assert attempt(world, project, began=late, uploads=[upload], ticket=sealed).began_at == DEADLINE
    upload.seek(0)
    too_late = DEADLINE + LASTS + timedelta(seconds=1)
    assert attempt(world, project, began=too_late, uploads=[upload], ticket=sealed).began_at == too_late
    assert attempt(world, project, began=late, ticket="nonsense").began_at == late


def test_a_receipts_code_can_not_be_made_up() -> None:
    code = receipt_code(17)
    assert submission_pk_of(code) == 17
    assert submission_pk_of(f" {code.lower().replace('-', '', 2).replace('17', '17-', 1)} ") == 17
    seal = code.partition("-")[2]
    for wrong in (f"18-{seal}", code[:-1], code[:-1] + ("A" if code[-1] != "A" else "B"), "", "17", "x" * 1000):
        assert submission_pk_of(wrong) is None


def test_the_personal_calendar_shows_that_it_is_done(world: World) -> None:
    reconcile(world.course, now=NOW)
    project = world.project()
    attempt(world, project)
    item = AgendaItem.objects.get(enrolment=world.student, key="projects.submission")
    base = AgendaItem.objects.get(enrolment=None, key="projects.submission", course=world.course)
    assert (item.is_done, item.uid, item.ends_at) == (True, base.uid, DEADLINE)
    withdraw_submission(submission=Submission.objects.get(), now=NOW)
    item.refresh_from_db()
    assert item.is_removed


@pytest.mark.parametrize(
    ("constraint", "write"),
    [
        ("submission_attempt_unique", lambda submission: Submission.objects.create(project=submission.project, attempt=1, submitted_by=submission.submitted_by, began_at=NOW, received_at=NOW)),
        ("submission_attempt_positive", lambda submission: Submission.objects.filter(pk=submission.pk).update(attempt=0)),
        ("submission_received_after_began", lambda submission: Submission.objects.filter(pk=submission.pk).update(received_at=NOW - timedelta(1))),
        ("submissionfile_not_empty", lambda submission: SubmissionFile.objects.filter(submission=submission).update(size=0)),
        ("submissionfile_has_hash", lambda submission: SubmissionFile.objects.filter(submission=submission).update(sha256="")),
    ],
)  # fmt: skip
def test_the_database_keeps_the_rules(world: World, constraint: str, write: Any) -> None:
    kept = attempt(world, world.project())
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        write(kept)


def test_all_attempts_of_a_project_have_room_for_so_much_together(world: World) -> None:
    Assignment.objects.update(max_file_megabytes=1, max_total_megabytes=2)
    project = world.project()

    def large(name: str) -> SimpleUploadedFile:
        return SimpleUploadedFile(name, notebook(900 * 1024))

    first = attempt(world, project, uploads=[large("1.ipynb")])
    # What is out of account stays, and takes its room.
    withdraw_submission(submission=first, now=NOW)
    attempt(world, project, uploads=[large("2.ipynb")])
    with pytest.raises(RuleViolation) as refused:
        attempt(world, project, uploads=[large("3.ipynb")])
    assert (refused.value.code, refused.value.field) == ("no-room", "files")
    assert str(refused.value.message) == (
        "All hand-ins of a team may have 2 MB together; with these files yours would have 2.7 MB. What was kept stays "
        "and counts. Leave large data out and give its address in the comment, or ask for more room. Ask "
        "amls@example.org."
    )
    assert (Submission.objects.count(), len(stored())) == (2, 2)
    # What takes no room is never refused for it, nor another team.
    attempt(world, project, uploads=[], repository_url="https://example.org/amls", commit="a" * 40)
    Assignment.objects.update(max_total_megabytes=3)
    assert attempt(world, project, uploads=[large("3.ipynb")]).attempt == 4


def test_a_project_has_room_for_a_file_of_the_largest_size(world: World) -> None:
    rules = Assignment.objects.get(course=world.course)
    with pytest.raises(IntegrityError, match="assignment_total_holds_a_file"), transaction.atomic():
        Assignment.objects.filter(pk=rules.pk).update(max_file_megabytes=3, max_total_megabytes=2)


def test_the_room_is_said_before_anything_is_sent(world: World) -> None:
    project, client = world.project(), Client()
    client.force_login(world.student.user, backend="amls.courses.accounts.AccountBackend")
    Assignment.objects.update(due_at=timezone.now() + timedelta(days=1))
    attempt(world, project, uploads=[SimpleUploadedFile("1.ipynb", notebook(2 * 1024**2))])
    page = " ".join(client.get(f"/{world.course.slug}/projects/mine/submit/").content.decode().split())
    assert "All attempts of a team together: at most 5 GB, of which 2 MB are used." in page


def test_what_only_kept_files_are_handed_in_of_is_one_attempt_pressed_twice(world: World) -> None:
    project, key = world.project(), uuid.uuid4()
    first = attempt(world, project, request_key=key, comment="Łukasz")
    # The files went from the shelf with the first press.
    assert attempt(world, project, request_key=key, comment="Łukasz", uploads=[]) == first
    for values in ({"request_key": key, "comment": "Other"}, {"request_key": uuid.uuid4(), "comment": "Łukasz"}):
        with pytest.raises(RuleViolation, match="Choose a file"):
            attempt(world, project, uploads=[], **values)
    assert Submission.objects.count() == 1
