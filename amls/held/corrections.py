"""Corrections of what people know: they stand at once, are told in five minutes, and are taken back until then."""

from datetime import datetime

from django.http import HttpRequest
from django.utils.translation import gettext as _

from amls.core.violations import RuleViolation
from amls.courses.models import Course, User
from amls.desk.holding import WantedAct
from amls.files.models import TableImport
from amls.files.tables.imports import undo_import
from amls.held.asking import hold_and_say
from amls.held.models import HeldAct

KIND = "held.corrected"


def say_corrected(
    request: HttpRequest,
    made: TableImport,
    *,
    course: Course,
    title: str,
    back: str,
    by: User | None,
    now: datetime,
    at_desk: bool = False,
) -> None:
    """Say that what people know is corrected and when they are told, with the button that takes it back until then.

    Args:
        request: of whoever corrected it.
        made: what was there before, as it was kept.
        course: whose people know it.
        title: what was corrected.
        back: the path of the page where it was.
        by: who corrected it.
        now: the request's clock.
        at_desk: whether that page is one of the desk.
    """
    wanted = WantedAct(course, KIND, f"import:{made.pk}", {"import": made.pk}, title, back)
    hold_and_say(request, wanted, by=by, now=now, at_desk=at_desk)


def let_stand(act: HeldAct, now: datetime) -> str:
    """Let a correction stand: its mails leave by themselves."""
    return _("It stands, and is told.")


def put_back(act: HeldAct, now: datetime) -> str:
    """Put back what people know; what somebody changed since stays, and is named.

    Raises:
        RuleViolation: nothing of it can be put back.
    """
    made = TableImport.objects.filter(pk=act.references["import"], course=act.course_id).first()
    if made is None:
        raise RuleViolation(_("It is not there any more."), code="gone")
    undone = undo_import(table_import=made, by=act.by, now=now)
    if not undone.done:
        why = [f"{label}: {problem}" for label, problem in undone.problems] or [_("It is taken back already.")]
        raise RuleViolation(" ".join(why), code="stands")
    said = [_("It is as it was, and no mail leaves."), *(f"{label}: {problem}" for label, problem in undone.problems)]
    return " ".join(said)
