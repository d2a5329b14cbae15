"""Handing in, and what was handed in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from amls.core.clock import database_clock, deadline_closes_at, is_open_until
from amls.core.request import json_of, lead_to
from amls.core.statements import ModelStatement, Parameter
from amls.core.violations import RuleViolation, add_violation
from amls.courses.access import open_course
from amls.files.checks import clean_filename
from amls.files.serving import ServedFile, serve_file
from amls.files.shelf import Shelf, opened
from amls.files.uploads import FormBounds, takes_files
from projects.deadlines import Timeliness
from projects.forms.pages import HandInForm
from projects.models import Assignment, ExtensionRequest, Submission, SubmissionFile
from projects.permissions import may_see_submission
from projects.queries import TeamView, bytes_kept
from projects.receipts import receipt_code
from projects.services.handin import FilesRefused, hand_in
from projects.teamrows import places_taken
from projects.tickets import issue_ticket
from projects.views.access import Mine, open_mine

_SHA256 = re.compile(r"[0-9a-f]{64}")


@cache
def _assignments(*, is_main: bool) -> ModelStatement[Assignment]:
    rows = Assignment.objects.filter(course__slug=Parameter("slug"))
    return ModelStatement.of(rows.filter(is_main=True) if is_main else rows.filter(pk=Parameter("assignment")))


def _form_bounds(request: HttpRequest, slug: str, assignment: int | None = None) -> FormBounds | None:
    asked = _assignments(is_main=assignment is None).first({"slug": slug, "assignment": assignment})
    return FormBounds(asked.max_files * asked.max_bytes, of_one=asked.max_bytes) if asked is not None else None


@takes_files(_form_bounds)
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def submit(request: HttpRequest, slug: str, assignment: int | None = None) -> HttpResponse:
    """Say what handing in now means, take it, and show the receipt."""
    mine = open_mine(request, slug, assignment)
    asked = mine.require_assignment()
    if not asked.is_handed_in_here or (mine.team is None and asked.has_topics):
        raise Http404
    whose = mine.team.project.pk if mine.team is not None else f"assignment-{asked.pk}"
    shelf = Shelf(mine.enrolment.user_id, f"projects.hand-in:{whose}", mine.access.now)
    form = HandInForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        submission = _hand_in(request, mine, form, shelf)
        if submission is not None:
            shelf.drop()
            messages.success(
                request, _("Attempt %(attempt)s is kept. This is its receipt.") % {"attempt": submission.attempt}
            )
            return lead_to(request, reverse("projects:receipt", kwargs={"code": receipt_code(submission.pk)}))
    context = _submit_context(mine, form) | {"kept": shelf.all(), "has_sent_files": bool(request.FILES)}
    return render(request, "projects/submit.html", context, status=422 if form.errors else 200)


def _hand_in(request: HttpRequest, mine: Mine, form: HandInForm, shelf: Shelf) -> Submission | None:
    """Hand in what was sent, and what is ticked of what was kept; if it can't be, keep that for the next try."""
    began: datetime = request.began  # type: ignore[attr-defined]
    sent: list[UploadedFile[Any]] = [upload for upload in request.FILES.getlist("files") if upload]
    # A file that is sent again under its name is the newer one.
    names = {clean_filename(upload.name or "") for upload in sent}
    ticked = [file for file in shelf.find(request.POST.getlist("kept")) if file.filename not in names]
    refused: Sequence[UploadedFile[Any]] = ()
    with opened(ticked) as again:
        try:
            if form.is_valid():
                return hand_in(
                    project=mine.project_or_assignment,
                    by=mine.enrolment,
                    uploads=[*again, *sent],
                    began_at=began,
                    # The body has been read by now: `request.now` is when it began.
                    now=database_clock.now(),
                    **form.cleaned_data,
                )
        except FilesRefused as violation:
            refused = violation.refused
            add_violation(form, violation)
        except RuleViolation as violation:
            add_violation(form, violation)
        shelf.drop(but=[row for row, upload in zip(ticked, again, strict=True) if upload not in refused])
    for upload in sent:
        if upload not in refused and upload.size:
            shelf.keep(upload)
    return None


def _submit_context(mine: Mine, form: HandInForm) -> dict[str, Any]:
    team, now = mine.team, mine.access.now
    due_at = mine.due_at
    standing, teammates = mine.deadlines.standing_at(due_at, now), mine.teammates_to_be()
    return {
        "access": mine.access,
        "course": mine.course,
        "tab": "projects",
        "team": team,
        "title": team.project.title if team is not None else mine.assignment,
        "due_at": due_at,
        "own_base": mine.own_base,
        "is_alone": not teammates if team is None else places_taken(team.members) <= 1,
        "closes_at": mine.deadlines.closes_at(due_at),
        "opens_later": mine.opens_later,
        "teammates": teammates,
        "assignment": mine.assignment,
        "excuse": mine.excuse(),
        "kept_bytes": bytes_kept(team.project) if team is not None else 0,
        "form": form,
        "attempt": (team.attempts[0].row.attempt if team is not None and team.attempts else 0) + 1,
        "standing": standing.value,
        "is_grace": standing == Timeliness.IN_TIME and due_at is not None and not is_open_until(due_at, now),
        "percent": mine.deadlines.deduction_at(due_at, now),
        "is_refused": standing == Timeliness.REFUSED,
        "may_ask_for_time": standing == Timeliness.REFUSED and mine.may_ask_for_time and not _has_asked(team),
        "left": deadline_closes_at(due_at) - now if due_at else None,
        "over": now - due_at if due_at else None,
    }


def _has_asked(team: TeamView | None) -> bool:
    """Return whether a team waits for the answer to its request for more time: 1 query, none without a team."""
    if team is None:
        return False
    return ExtensionRequest.objects.filter(project=team.project, state=ExtensionRequest.State.OPEN).exists()


@login_required
@require_POST
def ticket(request: HttpRequest, slug: str, assignment: int | None = None) -> HttpResponse:
    """Give a ticket that proves when the upload of these files began."""
    mine = open_mine(request, slug, assignment)
    try:
        files = [(int(size), str(sha256)) for size, sha256 in json_of(request)["files"]]
    except (ValueError, TypeError, KeyError, OverflowError):
        return JsonResponse({"error": "Send files as pairs of bytes and SHA-256."}, status=400)
    if len(files) > 100 or not all(size >= 0 and _SHA256.fullmatch(sha256) for size, sha256 in files):
        return JsonResponse({"error": "Send files as pairs of bytes and SHA-256."}, status=400)
    asked = mine.require_assignment()
    if asked.has_topics:
        mine.require_team()
    sealed = issue_ticket(assignment=asked, by=mine.enrolment, files=files, now=mine.access.now)
    return JsonResponse({"ticket": sealed})


@require_safe
def file(request: HttpRequest, slug: str, pk: int, filename: str) -> HttpResponseBase:
    """Serve a handed-in file to its team, whose work it was and the staff, always as a download."""
    access = open_course(request, slug)
    rows = SubmissionFile.objects.filter(submission__project__assignment__course=access.course)
    row = get_object_or_404(rows.select_related("submission__project"), pk=pk)
    if not may_see_submission(access.enrolment, row.submission, is_manager=access.is_manager):
        raise Http404
    return serve_file(
        request,
        ServedFile(
            name=row.file.name or "",
            filename=row.filename,
            content_type=row.content_type,
            size=row.size,
            sha256=row.sha256,
            changed_at=row.submission.received_at,
            is_inline_safe=False,
            is_public=False,
        ),
    )
