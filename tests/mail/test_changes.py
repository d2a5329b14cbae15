"""Changes are held back, merged, told once, and never told when they are not so."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from amls.agenda.services import reconcile
from amls.agenda.sources import Registry, deadline
from amls.courses.models import Course
from amls.courses.services import quietly
from amls.mail.announcements import mail_announcements
from amls.mail.categories import CHANGES, MATERIALS
from amls.mail.changes import tell_changes
from amls.mail.models import Announcement, ItemChange, MailSettings, Notice
from amls.mail.preferences import set_preference
from amls.mail.send import deliver_due
from exams.models import Exam
from exams.services.registration import register
from lectures.models import Lecture, Material, MaterialFile
from tests.agreement import agree_to
from tests.cast import Cast
from tests.factories import LectureFactory, MaterialFactory, OpenExamFactory
from tests.mail.conftest import Postbox

pytestmark = pytest.mark.django_db
NOW = datetime(2024, 5, 10, 8, 0, tzinfo=UTC)
START = datetime(2024, 5, 23, 14, 0, tzinfo=UTC)
EVERYONE = ["assistant@example.org", "lecturer@example.org", "other@example.org", "student@example.org"]
Change = Callable[..., None]


@pytest.fixture
def lecture(cast: Cast) -> Lecture:
    made = LectureFactory.create(course=cast.course, number="05", title="Parallel Execution", starts_at=START)
    Course.objects.update(state="draft")
    reconcile(cast.course, now=NOW - timedelta(days=9))
    Course.objects.update(state="running")
    assert not ItemChange.objects.exists()
    return made


def change(lecture: Lecture, now: datetime, **values: object) -> None:
    Lecture.objects.filter(pk=lecture.pk).update(**values)
    reconcile(lecture.course, now=now)


def tell(now: datetime) -> int:
    tell_changes(now=now)
    return deliver_due(now=now)


def test_a_moved_lecture_is_told_to_all_after_a_few_minutes(cast: Cast, lecture: Lecture, postbox: Postbox) -> None:
    change(
        lecture, NOW, room="H 0111", starts_at=START - timedelta(days=2), ends_at=START - timedelta(days=2, hours=-2)
    )
    assert tell(NOW + timedelta(minutes=4, seconds=59)) == 0
    assert tell(NOW + timedelta(minutes=5)) == 4
    assert tell(NOW + timedelta(minutes=9)) == 0
    assert sorted(postbox.recipients) == EVERYONE
    mail = postbox.mails[0]
    assert mail["Subject"].strip() == "Moved: 05 Parallel Execution, Tue 21 May 2024, 16:00–18:00, H 0111"
    text = mail.get_body(("plain",)).get_content()
    assert "Thu 23 May 2024, 16:00–18:00, H 0107 → Tue 21 May 2024, 16:00–18:00, H 0111" in text


def test_a_moved_deadline_is_told_by_its_moment(cast: Cast, postbox: Postbox) -> None:
    due = {"at": START}
    known = Registry()
    known.items.named("tests")(lambda course: [deadline(key="tests.due", title="Project submission", due_at=due["at"])])
    with quietly():
        reconcile(cast.course, now=NOW, known=known)
    due["at"] += timedelta(days=7)
    reconcile(cast.course, now=NOW, known=known)
    tell(NOW + timedelta(minutes=5))
    assert postbox.mails[0]["Subject"].strip() == "Moved: Project submission, Thu 30 May 2024, 16:00"
    text = postbox.mails[0].get_body(("plain",)).get_content()
    assert "Project submission: Thu 23 May 2024, 16:00 → Thu 30 May 2024, 16:00" in text


def test_corrections_become_one_mail_with_what_people_knew_before(
    cast: Cast, lecture: Lecture, postbox: Postbox
) -> None:
    change(lecture, NOW, room="H 0110")
    change(lecture, NOW + timedelta(minutes=3), room="H 0111")
    assert tell(NOW + timedelta(minutes=6)) == 0
    assert tell(NOW + timedelta(minutes=8)) == 4
    text = postbox.mails[0].get_body(("plain",)).get_content()
    assert "H 0107 → " in text
    assert "H 0110" not in text


def test_endless_corrections_are_told_at_last(cast: Cast, lecture: Lecture, postbox: Postbox) -> None:
    for minute in range(0, 16, 2):
        change(lecture, NOW + timedelta(minutes=minute), room=f"H {minute}")
    assert tell(NOW + timedelta(minutes=15)) == 4


def test_what_is_taken_back_is_told_to_nobody(cast: Cast, lecture: Lecture, postbox: Postbox) -> None:
    change(lecture, NOW, room="H 0111")
    change(lecture, NOW + timedelta(minutes=1), room="H 0107")
    assert not ItemChange.objects.exists()
    assert tell(NOW + timedelta(hours=1)) == 0


def test_what_is_removed_and_made_anew_is_told_to_nobody(cast: Cast, lecture: Lecture, postbox: Postbox) -> None:
    values = {name: getattr(lecture, name) for name in ("number", "title", "starts_at", "ends_at", "room", "mode")}
    lecture.delete()
    reconcile(cast.course, now=NOW)
    assert ItemChange.objects.get().kind == "cancelled"
    anew = Lecture.objects.create(course=cast.course, **values)
    reconcile(cast.course, now=NOW + timedelta(minutes=1))
    assert not ItemChange.objects.exists()
    assert tell(NOW + timedelta(hours=1)) == 0
    # Moved on the way it is told as moved, once.
    anew.delete()
    reconcile(cast.course, now=NOW + timedelta(hours=2))
    Lecture.objects.create(course=cast.course, **{**values, "room": "H 0111"})
    reconcile(cast.course, now=NOW + timedelta(hours=2, minutes=1))
    assert ItemChange.objects.get().kind == "moved"
    assert tell(NOW + timedelta(hours=3)) == 4
    assert postbox.mails[0]["Subject"].strip().startswith("Moved: 05 Parallel Execution")


def test_what_was_told_as_cancelled_and_is_made_anew_takes_place_after_all(
    cast: Cast, lecture: Lecture, postbox: Postbox
) -> None:
    values = {name: getattr(lecture, name) for name in ("number", "title", "starts_at", "ends_at", "room", "mode")}
    lecture.delete()
    reconcile(cast.course, now=NOW)
    assert tell(NOW + timedelta(minutes=5)) == 4
    Lecture.objects.create(course=cast.course, **values)
    reconcile(cast.course, now=NOW + timedelta(hours=1))
    assert tell(NOW + timedelta(hours=2)) == 4
    assert postbox.mails[-1]["Subject"].strip().startswith("Takes place after all: 05 Parallel Execution")


def test_what_changed_again_before_it_was_sent_is_not_told(cast: Cast, lecture: Lecture, postbox: Postbox) -> None:
    change(lecture, NOW, room="H 0111")
    tell_changes(now=NOW + timedelta(minutes=5))
    change(lecture, NOW + timedelta(minutes=5), room="H 0222")
    deliver_due(now=NOW + timedelta(minutes=5))
    assert postbox.mails == []
    assert set(Notice.objects.values_list("state", flat=True)) == {"dropped"}
    assert tell(NOW + timedelta(minutes=10)) == 4
    assert "H 0222" in postbox.mails[0]["Subject"]


def test_changes_of_two_courses_with_one_key_are_both_told(cast: Cast, postbox: Postbox) -> None:
    due = {"at": START}
    known = Registry()
    known.items.named("tests")(lambda course: [deadline(key="tests.due", title="Project submission", due_at=due["at"])])
    courses = [cast.course, cast.other_course]
    with quietly():
        for course in courses:
            reconcile(course, now=NOW, known=known)
    due["at"] += timedelta(days=7)
    for course in courses:
        reconcile(course, now=NOW, known=known)
    assert tell(NOW + timedelta(minutes=5)) == 5
    assert sorted(postbox.recipients) == sorted([*EVERYONE, "foreign@example.org"])
    assert set(Notice.objects.values_list("state", flat=True)) == {"sent"}


def test_what_happens_within_a_day_is_told_at_once(cast: Cast, lecture: Lecture, postbox: Postbox) -> None:
    now = START - timedelta(minutes=10)
    change(lecture, now, room="H 0111")
    assert tell(now) == 4


def test_a_cancelled_lecture_and_its_return(cast: Cast, lecture: Lecture, postbox: Postbox) -> None:
    change(lecture, NOW, state="cancelled")
    tell(NOW + timedelta(minutes=5))
    change(lecture, NOW + timedelta(hours=1), state="planned")
    tell(NOW + timedelta(hours=1, minutes=5))
    assert postbox.mails[0]["Subject"] == "Cancelled: 05 Parallel Execution"
    assert postbox.mails[4]["Subject"].strip().startswith("Takes place after all: 05 Parallel Execution, Thu 23 May")


def test_many_changes_are_one_mail_with_a_count(cast: Cast, lecture: Lecture, postbox: Postbox) -> None:
    for number in range(20, 35):
        LectureFactory.create(course=cast.course, number=str(number), starts_at=START + timedelta(days=number))
    reconcile(cast.course, now=NOW)
    assert tell(NOW + timedelta(minutes=5)) == 4
    assert postbox.mails[0]["Subject"] == "15 new dates"
    assert "and 3 more" in postbox.mails[0].get_body(("plain",)).get_content()


def test_a_mail_of_many_changes_says_what_happened_where_it_is_the_same(
    cast: Cast, lecture: Lecture, postbox: Postbox
) -> None:
    other = LectureFactory.create(course=cast.course, number="06", starts_at=START + timedelta(days=7))
    reconcile(cast.course, now=NOW - timedelta(days=1))
    tell(NOW - timedelta(hours=12))
    said = (
        [{"room": "H 0111"}] * 2,
        [{"state": "cancelled"}] * 2,
        [{"state": "planned"}, {"state": "planned", "room": "H 1"}],
    )
    for hour, values in enumerate((*said, [{"state": "cancelled"}, {"room": "H 2"}])):
        for row, changed in zip((lecture, other), values, strict=True):
            change(row, NOW + timedelta(hours=hour), **changed)
        tell(NOW + timedelta(hours=hour, minutes=5))
    assert [mail["Subject"] for mail in postbox.mails if mail["To"] == postbox.mails[-1]["To"]][-4:] == [
        "2 dates moved", "2 dates cancelled", "2 dates changed", "2 dates changed",
    ]  # fmt: skip
    assert "All times are those of Europe/Berlin." in postbox.mails[-1].get_body(("plain",)).get_content()


@pytest.mark.parametrize("case", ["title", "past", "draft", "archived", "switched off", "quiet"])
def test_what_is_told_to_nobody(cast: Cast, lecture: Lecture, postbox: Postbox, case: str) -> None:
    values: dict[str, object] = {"room": "H 0111"}
    now = NOW
    if case == "title":
        values = {"title": "Parallel Execution, corrected"}
    elif case == "past":
        now = START + timedelta(days=1)
    elif case in ("draft", "archived"):
        Course.objects.update(state=case)
    elif case == "switched off":
        MailSettings.objects.create(course=cast.course, tells_changes=False)
    if case == "quiet":
        with quietly():
            change(lecture, now, **values)
    else:
        change(lecture, now, **values)
    assert tell(now + timedelta(hours=1)) == 0
    assert not Notice.objects.exists()


def test_people_choose(cast: Cast, lecture: Lecture, postbox: Postbox) -> None:
    set_preference(user=cast.student.user, course=cast.course, topic=CHANGES, is_on=False)
    change(lecture, NOW, room="H 0111")
    tell(NOW + timedelta(minutes=5))
    assert sorted(postbox.recipients) == [address for address in EVERYONE if address != "student@example.org"]


def test_the_desk_shows_the_mail_and_can_hold_it(cast: Cast, lecture: Lecture, settings) -> None:  # type: ignore[no-untyped-def]
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    start = timezone.now() + timedelta(days=30)
    Lecture.objects.filter(pk=lecture.pk).update(starts_at=start, ends_at=start + timedelta(hours=2))
    with quietly():
        reconcile(cast.course, now=timezone.now())
    local = start.astimezone(cast.course.zone)
    data = {
        "course": str(cast.course.pk), "part": "", "kind": "lecture", "number": "05", "title": lecture.title,
        "starts_at_0": f"{local:%Y-%m-%d}", "starts_at_1": f"{local:%H:%M:%S}",
        "ends_at_0": f"{local:%Y-%m-%d}", "ends_at_1": "23:59",
        "room": "H 0111", "mode": lecture.mode, "state": "planned", "call_in": "", "abstract": "",
        "materials-TOTAL_FORMS": "0", "materials-INITIAL_FORMS": "0",
    }  # fmt: skip
    address = reverse("admin:lectures_lecture_change", args=[lecture.pk])
    client = cast.client("lecturer")
    page = client.post(address, data).content.decode()
    assert "4 people get this mail" in page
    assert "Moved: 05 Parallel Execution" in page
    agree_to(client, address, {**data, "_quiet": "1"})
    assert not ItemChange.objects.exists()
    agree_to(client, address, {**data, "room": "H 0222"})
    assert ItemChange.objects.get().after["place"] == "H 0222"


def announce(cast: Cast, **values: object) -> Announcement:
    fields: dict = {"title": "Exam review", "text": "On **Monday**.", "publish_at": NOW, **values}
    return Announcement.objects.create(course=cast.course, **fields)


def test_an_announcement_goes_out_once_at_its_time(cast: Cast, postbox: Postbox) -> None:
    announce(cast, audience="students")
    assert mail_announcements(now=NOW - timedelta(seconds=1)) == 0
    assert mail_announcements(now=NOW) == 2
    assert mail_announcements(now=NOW) == 0
    deliver_due(now=NOW)
    assert sorted(postbox.recipients) == ["other@example.org", "student@example.org"]
    assert "On Monday." in postbox.mails[0].get_body(("plain",)).get_content()
    assert "<strong>Monday</strong>" in postbox.mails[0].get_body(("html",)).get_content()


def test_a_withdrawn_announcement_stops(cast: Cast, postbox: Postbox) -> None:
    announcement = announce(cast)
    mail_announcements(now=NOW)
    Announcement.objects.filter(pk=announcement.pk).update(is_withdrawn=True)
    deliver_due(now=NOW)
    assert postbox.mails == []


def test_announcements_stand_on_the_page_for_whom_they_are(cast: Cast) -> None:
    now = timezone.now()
    announce(cast, title="For all", publish_at=now - timedelta(hours=1), on_page_until=now + timedelta(days=1))
    announce(
        cast, title="For students", audience="students", publish_at=now - timedelta(hours=1),
        on_page_until=now + timedelta(days=1),
    )  # fmt: skip
    announce(cast, title="Later", publish_at=now + timedelta(hours=1), on_page_until=now + timedelta(days=1))
    announce(cast, title="Over", publish_at=now - timedelta(days=2), on_page_until=now - timedelta(days=1))
    seen = {}
    for part in ("anonymous", "stranger", "student", "lecturer"):
        page = cast.client(part).get("/amls/").content.decode()
        seen[part] = [title for title in ("For all", "For students", "Later", "Over") if f">{title}<" in page]
    assert seen == {
        "anonymous": ["For all"], "stranger": ["For all"], "student": ["For all", "For students"],
        "lecturer": ["For all", "For students"],
    }  # fmt: skip


def test_new_files_are_told_to_who_asked_in_one_mail(cast: Cast, lecture: Lecture, postbox: Postbox) -> None:
    set_preference(user=cast.student.user, course=cast.course, topic=MATERIALS, is_on=True)
    for kind in ("pdf", "mp4"):
        material = MaterialFactory.create(lecture=lecture, kind=kind)
        for version in (1, 2):
            MaterialFile.objects.create(
                material=material, version=version, file="x", filename=f"05.{kind}", content_type="x", size=1,
                sha256="0" * 64, uploaded_at=timezone.now(),
            )  # fmt: skip
    hidden = MaterialFactory.create(
        lecture=lecture, kind=Material.Kind.PPTX, visible_from=timezone.now() + timedelta(days=2)
    )
    MaterialFile.objects.create(
        material=hidden,
        file="x",
        filename="05.pptx",
        content_type="x",
        size=1,
        sha256="0" * 64,
        uploaded_at=timezone.now(),
    )
    assert deliver_due(now=timezone.now()) == 0
    assert deliver_due(now=timezone.now() + timedelta(minutes=11)) == 2
    assert postbox.recipients == ["student@example.org"]
    assert postbox.mails[0]["Subject"] == "2 new files"
    assert deliver_due(now=timezone.now() + timedelta(days=2, minutes=1)) == 1


def test_a_moved_review_is_told_to_those_in_whose_calendars_it_is(cast: Cast, postbox: Postbox) -> None:
    exam = OpenExamFactory.create(course=cast.course, review_at=datetime(2024, 8, 5, 12, tzinfo=UTC))
    register(enrolment=cast.student, exam_pk=exam.pk, now=exam.opens_at)
    with quietly():
        reconcile(cast.course, now=NOW)
    Exam.objects.filter(pk=exam.pk).update(review_at=datetime(2024, 8, 6, 12, tzinfo=UTC))
    reconcile(cast.course, now=NOW)
    Notice.objects.exclude(kind="mail.changes").delete()
    tell(NOW + timedelta(minutes=5))
    # The staff are concerned by every date, and of the students whoever takes part.
    assert sorted(postbox.recipients) == ["assistant@example.org", "lecturer@example.org", "student@example.org"]
    assert Notice.objects.get(recipient=cast.other_student.user).state == Notice.State.DROPPED
    Exam.objects.filter(pk=exam.pk).update(starts_at=exam.starts_at - timedelta(days=1), duration_minutes=90)
    reconcile(cast.course, now=NOW + timedelta(hours=1))
    postbox.mails.clear()
    tell(NOW + timedelta(hours=1, minutes=5))
    # Who can still sign up for it is told of the exam itself.
    assert "other@example.org" in postbox.recipients
