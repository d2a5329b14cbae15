"""Checking a receipt."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from amls.core.request import now_of
from amls.courses.permissions import enrolment_of, may_manage
from amls.exports.views.offer import document
from projects.deadlines import said_by_receipt, standing_of
from projects.hooks.exports import RECEIPT
from projects.models import Submission
from projects.permissions import is_member, may_see_submission
from projects.receipts import receipt_code, submission_pk_of


@require_safe
def receipt(request: HttpRequest, code: str) -> HttpResponse:
    """Show attempt, server time and hashes to whoever has the code; names to the team and the staff."""
    pk = submission_pk_of(code)
    if pk is None:
        raise Http404
    rows = Submission.objects.select_related(
        "project__topic", "project__assignment__course", "submitted_by__user"
    ).prefetch_related("files")
    submission = get_object_or_404(rows, pk=pk)
    course = submission.project.course
    timezone.activate(course.zone)
    enrolment = enrolment_of(request.user, course)
    is_manager = may_manage(request.user, course, enrolment)
    in_team = is_member(enrolment, submission.project)
    standing = standing_of(submission)
    context = {
        "submission": submission,
        "project": submission.project,
        "assignment": submission.project.assignment,
        "course_of_receipt": course,
        "code": receipt_code(pk),
        "files": list(submission.files.all()),
        **said_by_receipt(submission, standing),
        "now": now_of(request),
        "is_member": in_team,
        "sees_names": in_team or may_see_submission(enrolment, submission, is_manager=is_manager),
    }
    return render(request, "projects/receipt.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def receipt_pdf(request: HttpRequest, code: str) -> HttpResponseBase:
    """The receipt to keep or to print, with names: for the team and the staff."""
    pk = submission_pk_of(code)
    if pk is None:
        raise Http404
    course = get_object_or_404(
        Submission.objects.select_related("project__topic", "project__assignment__course"), pk=pk
    ).project.course
    return document(request, kind=RECEIPT, course=course, parameters={"submission": pk})
