"""An exam's own page for its staff: who is in it, who waits, who is admitted, where they sit."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db.models import Max
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from amls.core.folding import is_found, searchable
from amls.core.meanwhile import exactly
from amls.core.request import htmx_of
from amls.core.text import clean_line
from amls.courses.access import Access, open_course_as_manager
from amls.courses.accounts import user_of, user_or_none
from amls.files.shelf import Shelf
from amls.files.tables.forms import TableForm
from amls.files.tables.pages import ImportPage, show_or_import
from amls.files.tables.plan import Plan
from amls.files.tables.table import Upload
from exams.admission import admissions_of
from exams.candidates import Candidate, candidates_afterwards, candidates_at
from exams.forms import AfterwardsForm, CapacityForm, StudentForm
from exams.models import AdmissionDecision, Exam, HelperLink, Registration, UniversityEntry
from exams.models.exam import tell_apart
from exams.overlaps import overlaps_of
from exams.permissions import helper_token
from exams.queries import HAS_PASSED_ANOTHER
from exams.services.seatcount import name_of_capacity
from exams.services.university import compare_lists, import_university_list
from exams.views.people import GONE, People, is_spare, lists_of, may_return, people_of, place_of

# As many as one reads through in a list; more are found by typing.
_MOST_CANDIDATES = 50


def open_exam(request: HttpRequest, slug: str, pk: int) -> tuple[Access, Exam]:
    """Return the exam for those who may change it, with its course loaded.

    Raises:
        Http404: for everyone else, and where the course has no such exam.
    """
    access = open_course_as_manager(request, slug)
    exam = get_object_or_404(Exam, pk=pk, course=access.course)
    exam.course = access.course
    return access, exam


def open_exam_by_points(request: HttpRequest, slug: str, pk: int) -> tuple[Access, Exam]:
    """Return the exam as `open_exam` does, where it gives points.

    Raises:
        Http404: it is graded without, or as `open_exam`.
    """
    access, exam = open_exam(request, slug, pk)
    if exam.is_graded_directly:
        raise Http404
    return access, exam


@require_safe
def staff(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show the exam's state at a glance, and who is in it, by pages; what can be done with one of them is at `person`."""
    access, exam = open_exam(request, slug, pk)
    return show_staff(request, access, exam)


def show_staff(
    request: HttpRequest,
    access: Access,
    exam: Exam,
    *,
    by_hand: StudentForm | None = None,
    capacity: CapacityForm | None = None,
) -> HttpResponse:
    """Return the exam's page; with what was typed to put somebody on its list, or as its capacity, where that is wrong."""
    people, moves_up = people_of(access, exam), exam.may_withdraw(access.now)
    if by_hand is None:
        by_hand = AfterwardsForm(exam=exam) if exam.closed_at is not None else StudentForm(exam=exam)
    stands, problem = name_of_capacity(exam), capacity.problem if capacity is not None else ""
    context = {
        "access": access,
        "course": access.course,
        "tab": "exams",
        "exam": exam,
        "lists": lists_of(request, people),
        "overlaps": _overlaps(exam, people),
        "figures": people.figures(),
        "rooms": list(exam.rooms.all()),
        "helpers": _helpers(request, exam, access),
        "by_hand": by_hand,
        **_candidates_shown(exam, request.GET.get("who", ""), by_hand["enrolment"].value(), moves_up=moves_up),
        "moves_up": moves_up,
        "comparison": compare_lists(exam),
        "capacity": capacity.data.get("capacity", "") if capacity is not None else stands,
        # Who reads what is there by now has seen it.
        "capacity_seen": stands,
        "capacity_problem": problem,
    }
    return render(request, "exams/staff.html", context, status=422 if by_hand.errors or problem else 200)


def _overlaps(exam: Exam, people: People) -> list[str]:
    """Return what an oral exam runs into, in which somebody has more time than most: slots follow each other closely."""
    is_longer = exam.kind == Exam.Kind.ORAL and any(row.ends_at for row in people.holding)
    return overlaps_of(exam) if is_longer and not exam.is_cancelled else []


def _candidates_shown(exam: Exam, typed: str, chosen: Any, *, moves_up: bool) -> dict[str, Any]:
    """Return whom the page offers to put on the list by hand: as many as one reads through, found by what was typed.

    Who was chosen on a page that is shown again is among them.
    """
    who = clean_line(typed)[:100]
    fitting = list[Candidate]()
    for row in _candidates(exam, moves_up=moves_up):
        said = searchable(f"{row.enrolment.user} {row.enrolment.number} {row.enrolment.user.email}")
        if str(row.enrolment.pk) == str(chosen):
            fitting.insert(0, row)
        elif is_found(who, said):
            fitting.append(row)
    shown = fitting[:_MOST_CANDIDATES]
    return {"candidates": shown, "too_many_candidates": len(fitting) - len(shown), "who": who}


def _candidates(exam: Exam, *, moves_up: bool) -> list[Candidate]:
    """Return who may be put on the list by hand: nobody once the results are frozen, or the date is cancelled."""
    if exam.frozen_at is not None or exam.is_cancelled:
        return []
    if exam.closed_at is not None:
        return candidates_afterwards(exam)
    # Who waits moves up by themselves, as long as anybody does.
    return [row for row in candidates_at(exam) if not (moves_up and row.waits)]


@require_safe
def person(request: HttpRequest, slug: str, pk: int, registration_pk: int) -> HttpResponse:
    """Show what can be done with somebody of the exam; to htmx the form alone, which stands in the list then."""
    access, exam = open_exam(request, slug, pk)
    return show_person(request, access, exam, registration_pk)


def show_person(
    request: HttpRequest, access: Access, exam: Exam, registration_pk: int, *, reason: str = "", status: int = 200
) -> HttpResponse:
    """Return the page of somebody of the exam, with a reason that was typed there already."""
    rows = (
        Registration.objects.with_people()
        .select_related("result", "enrolment__accommodation")
        .annotate(has_passed_another=HAS_PASSED_ANOTHER)
    )
    registration = get_object_or_404(rows, exam=exam, pk=registration_pk)
    context = {
        "access": access,
        "course": access.course,
        "tab": "exams",
        "exam": exam,
        "registration": registration,
        "own_end": registration.own_end(exam),
        "admission": admissions_of(access.course, [registration.enrolment], now=access.now)[registration.enrolment_id],
        # Who was excused can be corrected to absent or attended once the exam has begun.
        "is_gone": registration.state in GONE and not may_return(registration, exam, access.now),
        "is_spare": is_spare(registration),
        "dates": _dates_to_move_to(registration, exam, access.now),
        "target": request.POST.get("target", ""),
        "place": place_of(request),
        "decided": AdmissionDecision.objects.filter(enrolment=registration.enrolment_id).aggregate(newest=Max("pk"))[
            "newest"
        ],
        "points": exactly(registration.result.entered) if hasattr(registration, "result") else "",
        "reason": reason,
    }
    template = "exams/_person.html" if htmx_of(request) else "exams/person.html"
    answer = render(request, template, context, status=status)
    patch_vary_headers(answer, ["HX-Request"])
    return answer


def _dates_to_move_to(registration: Registration, exam: Exam, now: datetime) -> list[Exam]:
    """Return the other dates to come, for who can be moved to one: at most 2 queries."""
    if registration.closed_at is not None or registration.has_been or registration.keeps_seat:
        return []
    others = Exam.objects.filter(
        course=exam.course, closed_at__isnull=True, cancelled_at__isnull=True, starts_at__gt=now
    ).exclude(pk=exam.pk)
    dates = list(others.order_by("starts_at", "pk"))
    tell_apart(dates)
    return dates


def _helpers(request: HttpRequest, exam: Exam, access: Access) -> list[dict[str, Any]]:
    links = HelperLink.objects.filter(exam=exam, revoked_at__isnull=True)
    door = request.build_absolute_uri(f"/{access.course.slug}/exams/{exam.pk}/check-in/")
    helpers = []
    for link in links:
        link.exam = exam
        helpers.append({"link": link, "url": f"{door}?key={helper_token(link)}", "works": link.works_at(access.now)})
    return helpers


def shelf_of(request: HttpRequest, access: Access, purpose: str) -> Shelf:
    """Return where a table that somebody of the staff sent is kept while they look at what it changes."""
    return Shelf(user_of(request).pk, purpose, access.now)


@require_http_methods(["GET", "HEAD", "POST"])
def university(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show who would stand on the university's list, then replace it."""
    access, exam = open_exam(request, slug, pk)
    shelf = shelf_of(request, access, f"exams.university:{pk}")
    form = TableForm(request.POST or None, request.FILES or None, shelf=shelf)

    def run(upload: Upload, *, dry_run: bool, expected: str) -> Plan:
        return import_university_list(
            exam_pk=pk, upload=upload, by=user_or_none(request),
            now=access.now, dry_run=dry_run, expected=expected,
        )  # fmt: skip

    def said(count: int) -> str:
        count = UniversityEntry.objects.filter(exam=exam).count()
        text = ngettext("%(count)d person stands on the university's list.", "%(count)d people stand on the university's list.", count)  # fmt: skip
        return text % {"count": count}

    back = reverse("exams:staff", args=[slug, pk])
    place = import_page(access, exam, title=_("The university's list"), back=back, tab="staff", said=said)
    return show_or_import(request, form, run, place)


def import_page(
    access: Access, exam: Exam, *, title: str, back: str, tab: str, said: Callable[[int], str]
) -> ImportPage:
    """Return the page on which a table of an exam is read.

    Args:
        access: to the course.
        exam: to which the table belongs.
        title: of the page.
        back: address of the page from which the form comes.
        tab: of the exam, to which it belongs.
        said: tells how many lines were imported.
    """
    context = {"access": access, "course": access.course, "tab": "exams", "exam": exam, "title": title, "page": tab}
    return ImportPage(
        template="exams/table_import.html", slug=access.course.slug, back=back, said=said, context=context
    )
