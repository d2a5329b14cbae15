"""What the staff tell their people, when its time has come."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from amls.core.doorbell import ring
from amls.core.preview import seal_of_shown
from amls.core.times import say_time
from amls.core.violations import RuleViolation
from amls.courses.models import Course, User
from amls.courses.saving import delete_row, save_row
from amls.courses.services import lock_course
from amls.desk.holding import end_waiting
from amls.mail.audiences import people_in
from amls.mail.letters import Letter
from amls.mail.models import Announcement, Notice
from amls.mail.outbox import SWEEP, notify_enrolled
from amls.mail.wording import because_enrolled

KIND = "mail.announcement"
# The kind of held act that lets an announcement go.
RELEASE = "mail.release"


def save_announcement(announcement: Announcement, *, by: User | None, now: datetime) -> None:
    """Keep an announcement, new or changed, with who wrote it first; what is due goes out at once.

    What waited to let it go as it was before ends: the caller holds it back anew, where it is to wait as it is now.

    Raises:
        RuleViolation: nobody would see it.
    """
    if not announcement.is_withdrawn:
        need_readers(by_mail=announcement.by_mail, on_page_until=announcement.on_page_until)
    with transaction.atomic():
        if not announcement.pk:
            announcement.author = by
        save_row(announcement, by=by, now=now)
        asked_anew_in = announcement.course if announcement.is_waiting else None
        became = _became(announcement, now)
        end_waiting(kind=RELEASE, about=str(announcement.pk), why=became, now=now, but_in=asked_anew_in)
        ring(SWEEP)


def delete_announcement(announcement: Announcement, *, by: User | None = None, now: datetime) -> None:
    """Delete an announcement; what waited to let it go ends."""
    with transaction.atomic():
        lock_course(announcement.course_id)
        end_waiting(kind=RELEASE, about=str(announcement.pk), why=_("The announcement was deleted."), now=now)
        delete_row(announcement, by=by, now=now)


def _became(announcement: Announcement, now: datetime) -> str:
    """Say what became of an announcement that was to go out, now that it was changed."""
    if announcement.is_withdrawn:
        return _("The announcement was withdrawn.")
    if not announcement.by_mail:
        return _("The announcement was changed: it goes out by no mail.")
    if announcement.is_waiting:
        return _("The announcement was moved to another course.")
    time = say_time(announcement.publish_at, announcement.course.zone, now=now)
    return _("The announcement was given another time: it goes out on %(time)s.") % {"time": time}


def need_readers(*, by_mail: bool, on_page_until: datetime | None) -> None:
    """Refuse an announcement that goes out by no mail and stands on no page.

    Raises:
        RuleViolation: it is one.
    """
    if not by_mail and on_page_until is None:
        raise RuleViolation(
            _("Nobody would see it: say until when it stands on the course's page, or send it by mail."),
            code="seen-by-nobody",
        )


def seal_announcement(announcement: Announcement) -> str:
    """Return what names an announcement as its writer sees it: its words, to which audience it goes, and when.

    Who belongs to the audience changes by itself, as people join and leave: it goes to those who do when it goes out.
    """
    at = announcement.publish_at.timestamp()
    shown = (announcement.title, announcement.text, announcement.audience, announcement.course_id, at)
    return seal_of_shown((announcement.pk, *shown))


def most_unseen(seen: int) -> int:
    """Return how many may get what was shown as going to so many: what joins in five minutes, and no other crowd.

    Twice as many, and 20 more, so that a small audience may fill: the first who enrol are no reason to look again, while
    what was agreed to for 12 people doesn't go to 600 whom a roster has brought meanwhile.
    """
    return 2 * seen + 20


def release_announcement(*, announcement_pk: int, seal: str, people: int, now: datetime) -> str:
    """Let an announcement go that was held back, to all who belong to its audience now; return what is said of it.

    Args:
        announcement_pk: which.
        seal: what its writer saw.
        people: to how many it was shown to go.
        now: the worker's clock.

    Raises:
        RuleViolation: it is gone, or not what its writer saw, or its audience has become far larger (`most_unseen`).
    """
    with transaction.atomic():
        waiting = Announcement.objects.filter(pk=announcement_pk, is_waiting=True)
        for course in waiting.values_list("course_id", flat=True):
            lock_course(course)
        announcement = waiting.select_for_update(of=("self",)).select_related("course").first()
        if announcement is None or announcement.is_withdrawn:
            raise RuleViolation(_("The announcement is withdrawn or deleted."), code="gone")
        if seal_announcement(announcement) != seal:
            raise RuleViolation(
                _("The announcement changed meanwhile. Look at it, and save it again."), code="changed-meanwhile"
            )
        count = people_in(announcement.audience, announcement.course).count()
        if count > most_unseen(people):
            why = _(
                "It was to go to %(seen)s people, and would go to %(count)s now. Look at the announcement, and save it "
                "again."
            )
            raise RuleViolation(why % {"seen": people, "count": count}, code="many-more-people")
        announcement.is_waiting = False
        save_row(announcement, now=now)
        ring(SWEEP)
    return _("The announcement is on its way.")


def mail_announcements(*, now: datetime) -> int:
    """Put announcements whose time has come into the outbox; return how many mails that makes."""
    count = 0
    for pk in Announcement.objects.to_mail_at(now).values_list("pk", flat=True):
        with transaction.atomic():
            locked = Announcement.objects.to_mail_at(now).select_for_update(skip_locked=True, of=("self",))
            announcement = locked.select_related("course").filter(pk=pk).first()
            if announcement is None or announcement.course.state == Course.State.DRAFT:
                continue
            announcement.mailed_at = now
            announcement.save(update_fields=["mailed_at"])
            count += notify_enrolled(
                people_in(announcement.audience, announcement.course),
                course=announcement.course,
                key=f"announcement:{announcement.pk}",
                kind=KIND,
                now=now,
                references={"announcement": announcement.pk},
            )
    return count


def prepare_announcements(notices: Sequence[Notice], now: datetime) -> None:
    """Load what is announced, for a whole batch."""
    pks = {notice.references["announcement"] for notice in notices}
    announcements = {row.pk: row for row in Announcement.objects.filter(pk__in=pks, is_withdrawn=False)}
    for notice in notices:
        notice.announcement = announcements.get(notice.references["announcement"])  # type: ignore[attr-defined]


def write_announcement(notice: Notice, now: datetime) -> Letter | None:
    """Return the announcement's letter; None if it was withdrawn."""
    announcement: Announcement | None = getattr(notice, "announcement", None)
    return letter_of(announcement, notice.course) if announcement is not None and notice.course is not None else None


def letter_of(announcement: Announcement, course: Course) -> Letter:
    """Return how an announcement reads as a mail."""
    return Letter(subject=announcement.title, text=announcement.text, reason=because_enrolled(course))
