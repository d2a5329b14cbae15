"""What tells everyone of an exam something: shown first, then held back for five minutes."""

from collections.abc import Callable, Sequence

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from amls.core.preview import without_trace
from amls.core.request import now_of
from amls.core.violations import RuleViolation
from amls.courses.accounts import user_or_none
from amls.desk.holding import WantedAct
from amls.held.asking import ask_and_hold
from exams.services.publication import RESULTS, SEATS, Seen, published, released, seal_seen
from exams.views.staff import open_exam


@require_POST
def release(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show everyone their seat."""
    access, exam = open_exam(request, slug, pk)
    return _ask(
        request,
        lambda: released(exam_pk=pk, now=access.now),
        lambda rows: WantedAct(
            course=access.course, kind=SEATS, about=str(pk), references={"exam": pk, "seal": seal_seen(rows)},
            title=_("Release the seats of %(exam)s") % {"exam": exam.with_day(access.course.zone)},
            back=reverse("exams:staff", args=[slug, pk]),
        ),
        lead=_("Everyone sees their seat on the page and in the calendar, and gets a mail."),
        submit=_("Release in five minutes"),
    )  # fmt: skip


@require_POST
def publish(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Publish all drafts."""
    access, exam = open_exam(request, slug, pk)
    return _ask(
        request,
        lambda: published(exam_pk=pk, by=user_or_none(request), now=access.now),
        lambda rows: WantedAct(
            course=access.course, kind=RESULTS, about=str(pk), references={"exam": pk, "seal": seal_seen(rows)},
            title=_("Publish the results of %(exam)s") % {"exam": exam.with_day(access.course.zone)},
            back=reverse("exams:results", args=[slug, pk]),
        ),
        lead=_("Grades and extra points are fixed, and everyone gets a mail with a link."),
        submit=_("Publish in five minutes"),
    )  # fmt: skip


def _ask(
    request: HttpRequest,
    do: Callable[[], Sequence[Seen]],
    wanted_of: Callable[[Sequence[Seen]], WantedAct],
    *,
    lead: str,
    submit: str,
) -> HttpResponse:
    """Try what would be done, and show it; what can't be done is said on the page that one came from."""
    try:
        rows = without_trace(do)
    except RuleViolation as violation:
        messages.error(request, str(violation.message))
        return redirect(wanted_of([]).back)
    by, now = user_or_none(request), now_of(request)
    return ask_and_hold(request, wanted_of(rows), people=rows, lead=lead, submit=submit, by=by, now=now)
