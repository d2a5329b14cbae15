"""New slides and recordings, for those who want to hear of them."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from amls.courses.models import Course, Enrolment
from amls.mail.letters import Letter
from amls.mail.models import Notice
from amls.mail.outbox import notify_enrolled
from amls.mail.wording import bullet_list

KIND = "mail.material"
# Files of one afternoon become one mail; a wrong file is replaced before anybody hears of it.
HOLD_BACK = timedelta(minutes=10)
_WORTHLESS_AFTER = timedelta(days=3)


def tell_of_material(
    *, course: Course, key: str, title: str, path: str, now: datetime, visible_from: datetime | None = None
) -> int:
    """Put a mail about a file that can be opened into the outbox of all who want one; return how many.

    Args:
        course: tells nobody unless it is running.
        key: of the file; a second call with it does nothing.
        title: such as 'Lecture 05, slides as PDF'; public, it may be stored.
        path: address on this site where it is.
        now: when it was uploaded.
        visible_from: nobody hears of it before.
    """
    if course.state != Course.State.RUNNING:
        return 0
    not_before = max(now + HOLD_BACK, visible_from or now)
    return notify_enrolled(
        Enrolment.objects.filter(course=course),
        course=course,
        key=f"material:{key}",
        kind=KIND,
        now=now,
        references={"title": title, "path": path},
        not_before=not_before,
        due_at=not_before + _WORTHLESS_AFTER,
        grouping_key=f"materials:{course.pk}",
    )


def merge_materials(letters: Sequence[tuple[Notice, Letter]], now: datetime) -> Letter:
    """Return one letter of several new files."""
    lines = [letter.line for _notice, letter in letters]
    first, course = letters[0][1], letters[0][0].course
    return Letter(
        subject=ngettext("%(count)d new file", "%(count)d new files", len(lines)) % {"count": len(lines)},
        text=bullet_list(lines),
        action=(_("Open the course"), f"/{course.slug}/") if course is not None else None,
        reason=first.reason,
    )


def write_material(notice: Notice, now: datetime) -> Letter | None:
    """Return the letter about one new file."""
    title, path = str(notice.references["title"]), str(notice.references["path"])
    return Letter(
        subject=_("New: %(what)s") % {"what": title},
        line=title,
        text=_("You can open it now."),
        action=(_("Open it"), path),
        reason=_("You get this mail because you asked to hear of new files of %(course)s.") % {"course": notice.course},
    )
