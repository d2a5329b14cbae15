"""What the staff see of a course's mail: who gets what when, how it reads, and what they can do about it."""

import re
from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from amls.agenda.models import AgendaItem
from amls.agenda.services import reconcile
from amls.agenda.sources import Registry, deadline
from amls.core.violations import RuleViolation
from amls.courses.models import Course, Enrolment
from amls.held.models import HeldAct
from amls.held.services import apply_next
from amls.mail.announcements import mail_announcements, most_unseen, release_announcement, seal_announcement
from amls.mail.models import Announcement, MailSettings, Notice, ReminderRule
from amls.mail.reminders import ensure_rules
from amls.mail.send import deliver_due
from amls.privacy.registry import delete_account
from tests.agreement import agree_to
from tests.cast import Cast
from tests.factories import EnrolmentFactory
from tests.mail.conftest import Postbox

pytestmark = pytest.mark.django_db
PAGE = "/amls/staff/mail/"


@pytest.fixture
def item(cast: Cast) -> AgendaItem:
    now = timezone.now()
    Enrolment.objects.update(created_at=now - timedelta(days=90))
    known = Registry()
    known.items.named("tests")(
        lambda course: [deadline(key="tests.due", title="Hand-in", due_at=now + timedelta(days=40))]
    )
    reconcile(cast.course, now=now, known=known)
    return AgendaItem.objects.get(key="tests.due")


def test_a_mail_is_previewed_as_its_rule_will_send_it(cast: Cast, item: AgendaItem, postbox: Postbox) -> None:
    ensure_rules(cast.course)
    rule = ReminderRule.objects.get(course=cast.course, days=7)
    client = cast.client("lecturer")
    address = f"{PAGE}reminder/{item.pk}-{rule.pk}/"
    assert address in client.get(PAGE).content.decode()
    for page in (client.get(address).content.decode(), client.get(f"{address}?html").content.decode()):
        assert "in 7 days" in page
        assert "reminds you of its dates" in page
        assert "Test:" not in page
    client.post(f"{address}test/")
    deliver_due(now=timezone.now())
    assert postbox.recipients == ["lecturer@example.org"]
    assert postbox.mails[0]["Subject"].startswith("Test: Hand-in")
    assert "in 7 days" in postbox.mails[0].get_body(("plain",)).get_content()
    foreign = ReminderRule.objects.create(course=cast.other_course, days=9)
    assert "in 40 days" in client.get(f"{PAGE}reminder/{item.pk}-{foreign.pk}/").content.decode()


def test_looking_at_the_timeline_writes_nothing(cast: Cast, item: AgendaItem) -> None:
    page = BeautifulSoup(cast.client("lecturer").get(PAGE).content, "html.parser")
    said = [way.get_text(" ", strip=True) for way in page.select("li a.btn, li summary")]
    assert len([text for text in said if text.startswith("Preview: Hand-in")]) == 4
    # Nobody who hears them alone takes one for another.
    assert len(set(said)) == len(said)
    assert not ReminderRule.objects.exists()
    assert not MailSettings.objects.exists()


def test_a_course_that_does_not_run_has_no_reminders_to_come(cast: Cast, item: AgendaItem) -> None:
    Course.objects.filter(pk=cast.course.pk).update(state="archived")
    page = cast.client("lecturer").get(PAGE).content.decode()
    assert "Preview: Hand-in" not in page
    assert "nobody is reminded of anything" in page


def test_only_announcements_that_will_go_out_are_said_to(cast: Cast) -> None:
    later = timezone.now() + timedelta(days=1)
    for title, is_withdrawn, by_mail in (
        ("Guest talk", False, True),
        ("Mistake", True, True),
        ("On the page", False, False),
    ):
        Announcement.objects.create(
            course=cast.course, title=title, text="x", publish_at=later, is_withdrawn=is_withdrawn, by_mail=by_mail
        )
    page = cast.client("lecturer").get(PAGE).content.decode()
    assert [title for title in ("Guest talk", "Mistake", "On the page") if title in page] == ["Guest talk"]


def test_staff_of_the_course_pause_a_rule_and_let_it_go_on(cast: Cast, item: AgendaItem) -> None:
    ensure_rules(cast.course)
    rule = ReminderRule.objects.get(course=cast.course, days=7)
    client = cast.client("assistant")
    client.post(f"{PAGE}rules/{rule.pk}/", {"pause": "1"})
    assert "Paused" in client.get(PAGE).content.decode()
    client.post(f"{PAGE}rules/{rule.pk}/", {"go": "1"})
    assert "Paused" not in client.get(PAGE).content.decode()
    assert cast.client("foreign lecturer").post(f"{PAGE}rules/{rule.pk}/", {"pause": "1"}).status_code == 404
    assert not Notice.objects.exists()


def test_a_preview_shows_what_was_typed_and_never_runs_it(cast: Cast) -> None:
    typed = "<img src=x onerror=alert(1)> & <script>alert(2)</script> **bold**"
    row = Announcement.objects.create(
        course=cast.course, title="<b>Hello</b>", text=typed, publish_at=timezone.now() + timedelta(days=1)
    )
    client = cast.client("lecturer")
    address = f"{PAGE}announcement/{row.pk}/"
    page, letter = client.get(address).content.decode(), client.get(f"{address}?html").content.decode()
    for text in (page, letter):
        assert "<img src=x" not in text
        assert "<script>alert" not in text
        assert "<b>Hello" not in text
    assert "&lt;img src=x onerror=alert(1)&gt; &amp; &lt;script&gt;alert(2)&lt;/script&gt; bold" in page
    assert "&lt;script&gt;alert(2)&lt;/script&gt; <strong>bold</strong>" in letter


def test_an_announcement_waits_five_minutes_and_is_taken_back_in_time(
    cast: Cast, postbox: Postbox, settings: Settings
) -> None:
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    desk, now = cast.client("lecturer"), timezone.now()
    until = now + timedelta(days=3)
    data = {
        "course": cast.course.pk, "title": "Räume getauscht", "text": "H 0107", "audience": "students", "by_mail": "on",
        "publish_at_0": f"{now:%Y-%m-%d}", "publish_at_1": f"{now:%H:%M}",
        "on_page_until_0": f"{until:%Y-%m-%d}", "on_page_until_1": f"{until:%H:%M}",
    }  # fmt: skip
    page, add = f"/{cast.course.slug}/", reverse("admin:mail_announcement_add")
    for is_taken_back in (True, False):
        agree_to(desk, add, data)
        row, act = Announcement.objects.latest("pk"), HeldAct.objects.latest("pk")
        assert (act.title, mail_announcements(now=act.apply_at)) == ("Announce: Räume getauscht", 0)
        assert "Räume getauscht" not in cast.client("student").get(page).content.decode()
        if is_taken_back:
            desk.post(reverse("held:undo", args=[cast.course.slug, act.pk]))
        assert apply_next(act.apply_at) == (0 if is_taken_back else 1)
        mail_announcements(now=act.apply_at)
        assert Notice.objects.filter(kind="mail.announcement").count() == (0 if is_taken_back else 2)
        row.refresh_from_db()
        act.refresh_from_db()
        assert act.state == ("undone" if is_taken_back else "done")
        assert row.is_waiting == is_taken_back
    assert "Räume getauscht" in cast.client("student").get(page).content.decode()


def test_an_announcement_that_is_corrected_while_it_waits_goes_out_as_it_is_corrected(
    cast: Cast, settings: Settings
) -> None:
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    desk, now = cast.client("lecturer"), timezone.now()
    until = now + timedelta(days=3)
    data = {
        "course": cast.course.pk, "title": "Tippfeler", "text": "H 0107", "audience": "students", "by_mail": "on",
        "publish_at_0": f"{now:%Y-%m-%d}", "publish_at_1": f"{now:%H:%M}",
        "on_page_until_0": f"{until:%Y-%m-%d}", "on_page_until_1": f"{until:%H:%M}",
    }  # fmt: skip
    agree_to(desk, reverse("admin:mail_announcement_add"), data)
    first = HeldAct.objects.get()
    change = reverse("admin:mail_announcement_change", args=[Announcement.objects.get().pk])
    agree_to(desk, change, data | {"title": "Tippfehler"})
    assert "as you see it now and not as it was asked for before" in desk.get(change).content.decode()
    act = HeldAct.objects.get()
    assert (act.pk, act.title) == (first.pk, "Announce: Tippfehler")
    assert act.apply_at > first.apply_at
    assert apply_next(act.apply_at) == 1
    assert HeldAct.objects.get().state == "done"
    assert not Announcement.objects.get().is_waiting
    assert not Notice.objects.filter(kind="held.refused").exists()


@pytest.mark.parametrize("way", ["later", "no mail", "withdrawn", "deleted"])
def test_an_announcement_that_is_not_to_go_as_it_waits_is_not_waited_for(
    cast: Cast, settings: Settings, way: str
) -> None:
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    desk, now = cast.client("lecturer"), timezone.now()
    until, later = now + timedelta(days=3), now + timedelta(days=1)
    data = {
        "course": cast.course.pk, "title": "Zu früh", "text": "H 0107", "audience": "students", "by_mail": "on",
        "publish_at_0": f"{now:%Y-%m-%d}", "publish_at_1": f"{now:%H:%M}",
        "on_page_until_0": f"{until:%Y-%m-%d}", "on_page_until_1": f"{until:%H:%M}",
    }  # fmt: skip
    agree_to(desk, reverse("admin:mail_announcement_add"), data)
    row, act, page = Announcement.objects.get(), HeldAct.objects.get(), reverse("held:held", args=[cast.course.slug])
    assert "Take back: Announce: Zu früh" in desk.get(page).content.decode()
    change = reverse("admin:mail_announcement_change", args=[row.pk])
    if way == "later":
        agree_to(desk, change, data | {"publish_at_0": f"{later:%Y-%m-%d}", "publish_at_1": f"{later:%H:%M}"})
        said = "it goes out on"
    elif way == "no mail":
        desk.post(change, {name: value for name, value in data.items() if name != "by_mail"})
        said = "it goes out by no mail"
    elif way == "withdrawn":
        desk.post(change, data | {"is_withdrawn": "on"})
        said = "was withdrawn"
    else:
        desk.post(reverse("admin:mail_announcement_delete", args=[row.pk]), {"post": "yes"})
        said = "was deleted"
    assert HeldAct.objects.waiting().count() == 0
    held = desk.get(page).content.decode()
    assert said in held
    assert "Take back" not in held
    # Who had the page before them is told that it goes out after all, or that there is nothing more to take back.
    answer = desk.post(reverse("held:undo", args=[cast.course.slug, act.pk]), follow=True).content.decode()
    assert "Nothing happened." not in answer
    assert said in answer
    assert apply_next(act.apply_at) == 0
    mail_announcements(now=later + timedelta(minutes=1))
    assert Notice.objects.filter(kind="mail.announcement").count() == (2 if way == "later" else 0)
    assert not Notice.objects.filter(kind="held.refused").exists()


def test_an_announcement_that_goes_to_another_course_is_not_asked_for_in_the_former(
    cast: Cast, settings: Settings
) -> None:
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    desk, now = cast.client("lecturer"), timezone.now()
    Enrolment.objects.create(course=cast.other_course, user=cast.lecturer.user, role="lecturer")
    data = {
        "course": cast.course.pk, "title": "Falscher Kurs", "text": "H 0107", "audience": "students", "by_mail": "on",
        "publish_at_0": f"{now:%Y-%m-%d}", "publish_at_1": f"{now:%H:%M}",
    }  # fmt: skip
    agree_to(desk, reverse("admin:mail_announcement_add"), data)
    change = reverse("admin:mail_announcement_change", args=[Announcement.objects.get().pk])
    agree_to(desk, change, data | {"course": cast.other_course.pk})
    assert list(HeldAct.objects.order_by("pk").values_list("course", "state")) == [
        (cast.course.pk, "undone"), (cast.other_course.pk, "waiting"),
    ]  # fmt: skip
    assert apply_next(HeldAct.objects.waiting().get().apply_at) == 1
    assert not Announcement.objects.get().is_waiting


def test_an_announcement_is_tried_on_its_writer_before_it_is_saved(
    cast: Cast, postbox: Postbox, settings: Settings
) -> None:
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    desk, now = cast.client("lecturer"), timezone.now()
    data = {
        "course": cast.course.pk, "title": "Räume für Łukasz", "text": "H **0107**", "audience": "students",
        "by_mail": "on", "publish_at_0": f"{now:%Y-%m-%d}", "publish_at_1": f"{now:%H:%M}",
        "on_page_until_0": f"{now:%Y-%m-%d}", "on_page_until_1": "23:59", "_try": "1",
    }  # fmt: skip
    shown = desk.post(reverse("admin:mail_announcement_add"), data)
    assert f"A test is on its way to {cast.lecturer.user.email}." in shown.content.decode()
    assert not Announcement.objects.exists()
    notice = Notice.objects.get()
    assert "Räume" not in str(notice.references), "What nobody kept is not kept in the outbox either."
    deliver_due(now=timezone.now())
    (mail,) = postbox.mails
    assert postbox.recipients == [cast.lecturer.user.email]
    assert "Test: Räume für Łukasz" in mail["Subject"]
    notice.refresh_from_db()
    assert "sealed" not in notice.references
    # What is shown with it is agreed to as before.
    del data["_try"]
    assert agree_to(desk, reverse("admin:mail_announcement_add"), data, shown).status_code == 302
    assert Announcement.objects.get().title == "Räume für Łukasz"


def _waiting(cast: Cast, audience: str = "students") -> Announcement:
    return Announcement.objects.create(
        course=cast.course, title="A", text="x", audience=audience, publish_at=timezone.now(), is_waiting=True
    )


@pytest.mark.parametrize("change", [{"text": "y"}, {"title": "B"}, {"audience": "all"}])
def test_an_announcement_goes_out_as_its_writer_saw_it_or_not_at_all(cast: Cast, change: dict[str, str]) -> None:
    row = _waiting(cast)
    seen = seal_announcement(row)
    Announcement.objects.filter(pk=row.pk).update(**change)
    with pytest.raises(RuleViolation, match="changed meanwhile"):
        release_announcement(announcement_pk=row.pk, seal=seen, people=2, now=timezone.now())
    assert mail_announcements(now=timezone.now()) == 0


def test_who_joins_and_leaves_while_an_announcement_waits_holds_up_nobody(cast: Cast, settings: Settings) -> None:
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    desk, now = cast.client("lecturer"), timezone.now()
    data = {
        "course": cast.course.pk, "title": "Willkommen", "text": "Größe", "audience": "students", "by_mail": "on",
        "publish_at_0": f"{now:%Y-%m-%d}", "publish_at_1": f"{now:%H:%M}",
    }  # fmt: skip
    agree_to(desk, reverse("admin:mail_announcement_add"), data)
    new = EnrolmentFactory.create(course=cast.course, user__display_name="Łukasz Größe")
    EnrolmentFactory.create(course=cast.course)
    delete_account(user=cast.student.user, now=now)
    stranger = EnrolmentFactory.create(course=cast.other_course)
    act = HeldAct.objects.waiting().get()
    assert apply_next(act.apply_at) == 1
    act.refresh_from_db()
    assert act.state == "done"
    mail_announcements(now=act.apply_at)
    people = set(Notice.objects.filter(kind="mail.announcement").values_list("recipient", flat=True))
    assert new.user_id in people
    assert {cast.student.user.pk, stranger.user_id, cast.lecturer.user.pk}.isdisjoint(people)


def test_an_announcement_goes_to_no_far_larger_audience_than_its_writer_saw(cast: Cast) -> None:
    row = _waiting(cast)
    seen = seal_announcement(row)
    count = Enrolment.objects.filter(course=cast.course, role="student").count()
    for _number in range(most_unseen(count) - count + 1):
        EnrolmentFactory.create(course=cast.course)
    with pytest.raises(RuleViolation, match=f"was to go to {count} people, and would go to {most_unseen(count) + 1}"):
        release_announcement(announcement_pk=row.pk, seal=seen, people=count, now=timezone.now())
    assert mail_announcements(now=timezone.now()) == 0
    Enrolment.objects.filter(course=cast.course, role="student").last().delete()
    release_announcement(announcement_pk=row.pk, seal=seen, people=count, now=timezone.now())
    assert mail_announcements(now=timezone.now()) == most_unseen(count)


def test_a_list_says_once_what_all_rows_say_and_nothing_where_they_say_nothing(cast: Cast, settings: Settings) -> None:
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    now = timezone.now()
    Notice.objects.bulk_create(
        Notice(key=f"n{number}", kind=f"kind{number}", course=cast.course, address=f"p{number}@example.org", not_before=now, created_at=now)
        for number in range(25)
    )  # fmt: skip
    page = cast.client("lecturer").get(reverse("admin:mail_notice_changelist")).content.decode()
    once = re.search(r'class="desk-alike">(.*?)</p>', page, re.DOTALL)
    assert once is not None
    said = re.findall(r"<b>(.*?)</b>", once[1])
    assert "state" in said
    assert not {"last error", "sent"} & set(said)
