"""What is printed of an exam."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_http_methods

from amls.core.keys import primary_key
from amls.courses.access import open_course
from amls.exports.views.offer import document
from exams.models import Exam, Registration
from exams.oralday import Extent
from exams.views.staff import open_exam


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def slip(request: HttpRequest, slug: str, pk: int) -> HttpResponseBase:
    """One's own admission slip, with the code that the door scans."""
    access = open_course(request, slug)
    own = Registration.objects.active().filter(enrolment=access.enrolment, exam_id=pk).first()
    if access.enrolment is None or own is None:
        raise Http404
    return document(request, kind="exams.slip", course=access.course, parameters={"registration": own.pk})


@require_http_methods(["GET", "HEAD", "POST"])
def door_list(request: HttpRequest, slug: str, pk: int) -> HttpResponseBase:
    """The list for the door, by name."""
    access, exam = open_exam(request, slug, pk)
    return document(request, kind="exams.door", course=access.course, parameters={"exam": exam.pk})


@require_http_methods(["GET", "HEAD", "POST"])
def attendees(request: HttpRequest, slug: str, pk: int) -> HttpResponseBase:
    """Who is to come, for a door without a network: to sign on paper, or (`?format=xlsx`) as a spreadsheet."""
    access, exam = open_exam(request, slug, pk)
    kind = "exams.attendees-sheet" if request.GET.get("format") == "xlsx" else "exams.attendees"
    return document(request, kind=kind, course=access.course, parameters={"exam": exam.pk})


@require_http_methods(["GET", "HEAD", "POST"])
def minutes(request: HttpRequest, slug: str, pk: int) -> HttpResponseBase:
    """Minutes to be filled in by hand: of one person (`?who=`), of a date, or (`?of=day`, `?of=room`) of its day or room."""
    access, exam = open_exam(request, slug, pk)
    parameters: dict[str, Any] = {"exam": exam.pk}
    who = request.GET.get("who", "")
    if who:
        parameters["registration"] = get_object_or_404(Registration, pk=primary_key(who), exam=exam).pk
    elif request.GET.get("of") in list(Extent):
        parameters["of"] = request.GET["of"]
    return document(request, kind="exams.minutes", course=access.course, parameters=parameters)


@require_http_methods(["GET", "HEAD", "POST"])
def day_plan(request: HttpRequest, slug: str, pk: int) -> HttpResponseBase:
    """Who comes when to the oral exams of the day of a date, or (`?of=room`) to those of its room alone."""
    access, exam = open_exam(request, slug, pk)
    if exam.kind != Exam.Kind.ORAL:
        raise Http404
    extent = Extent.ROOM if request.GET.get("of") == Extent.ROOM else Extent.DAY
    parameters = {"exam": exam.pk, "of": str(extent)}
    return document(request, kind="exams.day-plan", course=access.course, parameters=parameters)


@require_http_methods(["GET", "HEAD", "POST"])
def seat_plan(request: HttpRequest, slug: str, pk: int) -> HttpResponseBase:
    """Who sits where, a page for each room."""
    access, exam = open_exam(request, slug, pk)
    return document(request, kind="exams.seats", course=access.course, parameters={"exam": exam.pk})
