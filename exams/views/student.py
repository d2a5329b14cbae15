"""The dates of the exams: see them, register, withdraw, move, wait for one while holding another."""

from collections.abc import Callable
from functools import partial

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from amls.core.violations import RuleViolation
from amls.courses.access import Access, open_course
from amls.courses.models import Enrolment
from amls.pagecache.parts import Shared
from amls.pagecache.signed_in import kept_for_reader
from exams.cards import ExamCard, ExamsOverview
from exams.graded import with_how_graded
from exams.models import Exam, Registration
from exams.queries import exams_for, place_in_line
from exams.services.otherdate import move
from exams.services.registration import register, withdraw
from exams.services.two_dates import hold_beside, wait_beside, why_not_beside
from exams.slots import free_slots, list_dates
from exams.taskpoints import with_task_points


@require_safe
@kept_for_reader
def exams(request: HttpRequest, slug: str) -> HttpResponse:
    """Show each date with its free seats, and what the reader has and still needs."""
    access = open_course(request, slug, along=["exam_rules"], own=["accommodation"])
    overview = with_how_graded(with_task_points(exams_for(access)))
    dates = list_dates(overview, access.course.zone)
    # What is said beside a date is said above the page where the date is only a line.
    context = {**_context(access, overview), "dates": dates, "rows_that_say": [card.exam for card in dates.cards]}
    return render(request, "exams/exams.html", context)


def _context(access: Access, overview: ExamsOverview) -> dict[str, object]:
    return {
        "access": access,
        "course": access.course,
        "tab": "exams",
        "overview": overview,
        "rows_that_say": [card.exam for card in overview.cards],
        "shared": Shared(access),
    }


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def register_page(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Say what registering means; register."""
    # Of a slot others are free mostly, and who waits for one can't take them as they come: it is asked first.
    needs_seat = "needs_seat" in request.POST
    return _step(request, slug, pk, "register", partial(_register, needs_seat=needs_seat))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def withdraw_page(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Say what withdrawing means; withdraw."""
    return _step(request, slug, pk, "withdraw", _withdraw)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def move_page(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Say what moving to this date means; move."""
    return _step(request, slug, pk, "move", _move)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def wait_page(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Say what waiting for this date beside a seat of another one means; join the waiting list."""
    return _step(request, slug, pk, "wait", _wait)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def hold_page(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Say what a seat of this date beside the waiting list of another one means; take it."""
    return _step(request, slug, pk, "hold", _hold)


def _step(
    request: HttpRequest, slug: str, pk: int, name: str, act: Callable[[Access, Enrolment, int], str]
) -> HttpResponse:
    access = open_course(request, slug, along=["exam_rules"], own=["accommodation"])
    if access.enrolment is None:
        raise Http404
    if request.method == "POST":
        try:
            messages.success(request, act(access, access.enrolment, pk), extra_tags=f"at {pk}")
        except Exam.DoesNotExist as error:
            raise Http404 from error
        except RuleViolation as violation:
            return _ask(request, access, pk, name, problem=str(violation.message))
        return redirect("exams:exams", slug=slug)
    return _ask(request, access, pk, name)


def _ask(request: HttpRequest, access: Access, pk: int, name: str, problem: str = "") -> HttpResponse:
    overview = exams_for(access)
    card = next((card for card in overview.cards if card.exam.pk == pk), None)
    if card is None:
        raise Http404
    dates = [card.exam, *([overview.active.exam] if overview.active is not None else [])]
    may, why = name in card.ways, ""
    if name in ("wait", "hold") and not may and access.enrolment is not None:
        why = why_not_beside(enrolment=access.enrolment, exam_pk=pk, now=access.now, waits=name == "wait")
    context = {
        **_context(access, overview),
        "card": card,
        "step": name,
        # Who waits beside a seat does so while somebody moves up here, and the seat there can be given back.
        "wait_ends_at": min(exam.last_moment_to_withdraw for exam in dates),
        "may": may,
        "why": why,
        "may_withdraw": card.exam.may_withdraw(access.now),
        "instead": [way for way in ("hold", "move") if way in card.ways and way != name and name in _COMING],
        "free_days": free_slots(overview, access.course.zone, beside=card.exam) if _is_full_for(card, name) else [],
        "problem": problem,
    }
    return render(request, "exams/step.html", context, status=409 if problem else 200)


# The pages by which one comes to a date, at each of which others may be the way.
_COMING = ("register", "move", "hold", "wait")


def _is_full_for(card: ExamCard, name: str) -> bool:
    """Return whether somebody came for a seat of a slot that has none."""
    return name in _COMING and card.exam.kind == Exam.Kind.ORAL and not card.is_active and not card.look.is_free


def _register(access: Access, enrolment: Enrolment, pk: int, *, needs_seat: bool) -> str:
    registration = register(enrolment=enrolment, exam_pk=pk, now=access.now, needs_seat=needs_seat)
    if registration.state == Registration.State.WAITLISTED:
        if not registration.exam.may_withdraw(access.now):
            return _(
                "All seats are taken. You are on the waiting list, on which nobody moves up by themselves any more."
            )
        return _("All seats are taken. You are number %(place)d on the waiting list and get a mail when you move up.") % {
            "place": place_in_line(registration)
        }  # fmt: skip
    return _("You are registered. A mail confirms it.")


def _withdraw(access: Access, enrolment: Enrolment, pk: int) -> str:
    withdraw(enrolment=enrolment, exam_pk=pk, now=access.now)
    return _("You are no longer registered. A mail confirms it.")


def _move(access: Access, enrolment: Enrolment, pk: int) -> str:
    move(enrolment=enrolment, exam_pk=pk, now=access.now)
    return _("You moved to this date. A mail confirms it.")


def _wait(access: Access, enrolment: Enrolment, pk: int) -> str:
    registration = wait_beside(enrolment=enrolment, exam_pk=pk, now=access.now)
    if registration.state == Registration.State.REGISTERED:
        return _("A seat was free: you moved to this date. A mail confirms it.")
    return _("You are number %(place)d on the waiting list, and keep your seat of the other date until you move up.") % {
        "place": place_in_line(registration)
    }  # fmt: skip


def _hold(access: Access, enrolment: Enrolment, pk: int) -> str:
    hold_beside(enrolment=enrolment, exam_pk=pk, now=access.now)
    return _("You have a seat, and wait on for the other date. A mail confirms it.")
