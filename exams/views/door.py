"""The door, on a phone: search or scan, mark, take back; with two people at once, and through a lost network."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from django_permissions_policy.decorators import permissions_policy_override

from amls.core.folding import LETTERS, is_found, searchable
from amls.core.request import json_of
from amls.core.violations import RuleViolation
from amls.courses.access import Access, need_manager, open_course
from amls.courses.accounts import user_or_none
from exams.admission import Admission, admissions_of
from exams.candidates import candidates_at
from exams.forms import WalkInForm
from exams.models import Accommodation, CheckInMark, Exam, HelperLink, Registration
from exams.naming import known_by
from exams.permissions import find_by_slip, find_helper, slip_code
from exams.services.door import make_mark
from exams.services.registration import staff_register
from exams.services.standing import say_passed
from exams.views.not_held import show_not_held

# More than this many marks at once are not from a door.
_MOST_MARKS = 500


def _open_door(request: HttpRequest, slug: str, pk: int) -> tuple[Access, Exam, HelperLink | None]:
    """Return the exam to its staff, and to a helper whose link works today; 404 to everyone else."""
    access = open_course(request, slug)
    exam = get_object_or_404(Exam, pk=pk, course=access.course)
    exam.course = access.course
    if access.is_manager:
        return access, exam, None
    helper = find_helper(request.GET.get("key", ""), exam)
    if helper is None or not helper.works_at(access.now):
        need_manager(request, access)
    return access, exam, helper


def _people(exam: Exam) -> list[Registration]:
    """Return who may come, or who could have: once the exam is closed the page is for reading."""
    people = Registration.objects.holding().filter(exam=exam)
    return list(people.select_related("enrolment__user", "enrolment__course", "seat__room").by_name())


@require_safe
@never_cache
@permissions_policy_override({**settings.PERMISSIONS_POLICY, "camera": "self"})
def check_in(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """List who may come, found by name, number or slip."""
    access, exam, helper = _open_door(request, slug, pk)
    if exam.is_cancelled:
        return show_not_held(request, access, exam)
    people = _people(exam)
    admissions = admissions_of(access.course, [person.enrolment for person in people], now=access.now)
    known = known_by([person.enrolment for person in people])
    granted = {
        accommodation.enrolment_id: accommodation
        for accommodation in Accommodation.objects.filter(course=access.course)
    }
    query, scanned = request.GET.get("q", "").strip(), None
    if code := request.GET.get("who", ""):
        scanned = find_by_slip(code, exam)
        people = [person for person in people if scanned is not None and person.pk == scanned.pk]
    rows = [
        _row(person, admissions[person.enrolment_id], granted.get(person.enrolment_id), exam)
        | {"known_by": known[person.enrolment_id]}
        for person in people
    ]
    if query:
        rows = [row for row in rows if is_found(query, row["words"])]
    context = {
        "access": access,
        "course": access.course,
        "tab": "exams",
        "exam": exam,
        "helper": helper,
        "key": request.GET.get("key", "") if helper else "",
        "rows": rows,
        "query": request.GET.get("q", ""),
        "letters": json.dumps(LETTERS, ensure_ascii=False),
        "is_scan": bool(code),
        "is_unknown": bool(code) and scanned is None,
        "counts": _counts(exam),
        "is_over": access.now >= exam.starts_at,
        "candidates": candidates_at(exam) if helper is None and exam.closed_at is None else [],
        "marks_url": _address("exams:marks", slug, pk, helper, request),
    }
    return render(request, "exams/check_in.html", context)


def _row(registration: Registration, admission: Admission, granted: Accommodation | None, exam: Exam) -> dict[str, Any]:
    user = registration.enrolment.user
    return {
        "registration": registration,
        "code": slip_code(registration.pk, exam.pk),
        "name": str(user),
        "words": searchable(f"{user} {registration.enrolment.number}"),
        "admission": admission,
        "seat": getattr(registration, "seat", None),
        "ends_at": granted.own_end(exam) if granted is not None else None,
        "note": granted.for_supervisors if granted is not None else "",
        # A new key for each button on the page: pressed twice it counts once.
        "key": uuid.uuid4(),
    }


def _counts(exam: Exam) -> dict[str, int]:
    states = list(Registration.objects.holding().filter(exam=exam).values_list("state", "left_at"))
    return {
        "all": len(states),
        "present": sum(state == "attended" and left is None for state, left in states),
        "left": sum(left is not None for _state, left in states),
        "absent": sum(state == "absent" for state, _left in states),
        "open": sum(state == "registered" for state, _left in states),
    }


def _address(name: str, slug: str, pk: int, helper: HelperLink | None, request: HttpRequest) -> str:
    address = reverse(name, args=[slug, pk])
    return f"{address}?{urlencode({'key': request.GET.get('key', '')})}" if helper is not None else address


@require_POST
@never_cache
def mark(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Keep one mark made by a form, without JavaScript."""
    access, exam, helper = _open_door(request, slug, pk)
    try:
        values = _read_mark({name: str(value) for name, value in request.POST.items()})
        marked = make_mark(exam_pk=exam.pk, now=access.now, by=user_or_none(request), helper=helper, **values)
        messages.success(request, f"{marked.enrolment.user}: {_said(marked)}")
    except RuleViolation as violation:
        messages.error(request, str(violation.message))
    return redirect(_address("exams:check_in", slug, pk, helper, request))


@never_cache
def marks(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Take the marks that a device has kept, each counted once, and answer how everyone stands.

    GET tells only how everyone stands, so that two people at the door see each other's marks.
    """
    access, exam, helper = _open_door(request, slug, pk)
    refused: dict[str, str] = {}
    if request.method == "POST":
        entries, sent_at = _read_marks(request)
        # What the device's clock is behind or ahead; its marks are ordered by ours.
        skew = access.now - sent_at if sent_at is not None else timedelta(0)
        for entry in entries:
            key = str(entry.get("key", ""))
            try:
                values = _read_mark(entry, skew=skew)
                make_mark(exam_pk=exam.pk, now=access.now, by=user_or_none(request), helper=helper, **values)
            except RuleViolation as violation:
                refused[key] = str(violation.message)
    states = {
        registration.pk: [registration.state if registration.left_at is None else "left", registration.actual_seat]
        for registration in Registration.objects.holding().filter(exam=exam)
    }
    return JsonResponse({"states": states, "refused": refused, "counts": _counts(exam)})


def _read_marks(request: HttpRequest) -> tuple[list[dict[str, Any]], datetime | None]:
    """Return the marks as a device sent them, and what its clock said then."""
    try:
        sent = json_of(request)
    except ValueError as error:
        raise Http404 from error
    entries = sent.get("marks") if isinstance(sent, dict) else None
    if (
        not isinstance(entries, list)
        or len(entries) > _MOST_MARKS
        or not all(isinstance(entry, dict) for entry in entries)
    ):
        raise Http404
    return entries, _moment(str(sent.get("sent_at", "")))


def _read_mark(entry: dict[str, Any], *, skew: timedelta = timedelta(0)) -> dict[str, Any]:
    """Return the parameters of a mark as a device sent it.

    Raises:
        RuleViolation: it is not one.
    """
    number, action = str(entry.get("registration", "")), str(entry.get("action", ""))
    try:
        key = UUID(str(entry.get("key", "")))
    except ValueError as error:
        raise RuleViolation(_("This mark can't be read. Make it again."), code="mark-form") from error
    if action not in CheckInMark.Action.values or not number.isdecimal() or len(number) > 18:
        raise RuleViolation(_("This mark can't be read. Make it again."), code="mark-form")
    return {
        "registration_pk": int(number),
        "action": action,
        "key": key,
        "seat": str(entry.get("seat", ""))[:100],
        "made_at": _moment(str(entry.get("made_at", "")), skew),
    }


def _moment(text: str, skew: timedelta = timedelta(0)) -> datetime | None:
    try:
        moment = parse_datetime(text)
        return moment.astimezone(UTC) + skew if moment is not None and moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _said(registration: Registration) -> str:
    if registration.left_at is not None:
        return _("left")
    return {
        Registration.State.ATTENDED: _("present"),
        Registration.State.ABSENT: _("absent"),
        Registration.State.REGISTERED: _("taken back"),
    }.get(Registration.State(registration.state), "")


@require_POST
@never_cache
def walk_in(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Register somebody who came without a registration, and note them as present; for staff, not for helpers."""
    access, exam, helper = _open_door(request, slug, pk)
    if helper is not None:
        raise Http404
    form = WalkInForm(request.POST, exam=exam)
    if not form.is_valid():
        raise Http404
    enrolment = form.cleaned_data["enrolment"]
    try:
        made = staff_register(
            enrolment=enrolment, exam_pk=exam.pk, reason=_("Came to the door without a registration"), now=access.now,
            is_walk_in=True,
        )  # fmt: skip
        make_mark(
            registration_pk=made.pk, exam_pk=exam.pk, action=CheckInMark.Action.PRESENT, key=uuid.uuid4(),
            now=access.now, by=user_or_none(request), seat=form.cleaned_data["seat"],
        )  # fmt: skip
        said = _("%(person)s is registered and present.") % {"person": enrolment.user}
        messages.success(request, f"{said} {say_passed(enrolment)}".strip())
    except RuleViolation as violation:
        messages.error(request, str(violation.message))
    return redirect("exams:check_in", slug=slug, pk=pk)
