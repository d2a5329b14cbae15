"""An exam's own page for its staff: who is in it, who waits, who is admitted, where they sit."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from amls.core.keys import primary_key
from amls.core.violations import RuleViolation
from amls.courses.access import Access, open_course_as_manager
from amls.courses.models import Enrolment, User
from amls.files.kept import Shelf
from amls.files.tables.forms import ImportOutcome, Run, TableForm, Upload, preview_or_apply
from amls.files.tables.imports import with_undo
from amls.files.tables.plan import Plan
from exams.admission import AdmissionState, admissions_of
from exams.models import Exam, HelperLink, Registration, UniversityEntry
from exams.permissions import helper_token
from exams.services.admission import admit_whoever_fulfils_the_rules, decide_admission
from exams.services.door import add_helper, correct_attendance, mark_the_rest_absent, revoke_helper
from exams.services.registration import close_exam, excuse, set_capacity, staff_register, staff_withdraw
from exams.services.results import freeze, unfreeze
from exams.services.seating import assign_seats, mend_seats, release_seats
from exams.services.university import compare_lists, import_university_list

_GONE = (Registration.State.WITHDRAWN, Registration.State.EXCUSED)


def open_exam(request: HttpRequest, slug: str, pk: int) -> tuple[Access, Exam]:
    """Return the exam for those who may change it, with its course loaded.

    Raises:
        Http404: for everyone else, and where the course has no such exam.
    """
    access = open_course_as_manager(request, slug)
    exam = get_object_or_404(Exam, pk=pk, course=access.course)
    exam.course = access.course
    return access, exam


@require_safe
def staff(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show the exam's state at a glance, and everyone in it with what can be done."""
    access, exam = open_exam(request, slug, pk)
    people = list(
        Registration.objects.filter(exam=exam).select_related("enrolment__user", "seat__room", "result").by_name()
    )
    here = [one for one in people if one.state not in _GONE]
    enrolments = [one.enrolment for one in here]
    admissions = admissions_of(access.course, enrolments, now=access.now)
    for one in here:
        one.admission = admissions[one.enrolment_id]  # type: ignore[attr-defined]
    holding = sorted((one for one in here if one.holds_seat), key=lambda one: one.enrolment.user.sort_name)
    waiting = sorted((one for one in here if not one.holds_seat), key=lambda one: one.position or 0)
    states = [admissions[one.enrolment_id].state for one in holding]
    context = {
        "access": access,
        "course": access.course,
        "tab": "exams",
        "exam": exam,
        "holding": holding,
        "waiting": waiting,
        "gone": [one for one in people if one.state in _GONE],
        "figures": {
            "admitted": states.count(AdmissionState.ADMITTED),
            "under_reserve": len(states) - states.count(AdmissionState.ADMITTED),
            "contradicted": sum(admissions[one.enrolment_id].is_contradicted for one in holding),
            "seated": sum(hasattr(one, "seat") for one in holding),
            "present": sum(one.state == Registration.State.ATTENDED for one in holding),
            "absent": sum(one.state == Registration.State.ABSENT for one in holding),
            "graded": sum(hasattr(one, "result") for one in holding),
        },
        "rooms": list(exam.rooms.all()),
        "helpers": _helpers(request, exam, access),
        "candidates": Enrolment.objects.students()
        .filter(course=access.course)
        .exclude(exam_registrations__closed_at__isnull=True, exam_registrations__isnull=False)
        .select_related("user")
        .order_by("user__sort_name", "pk"),
        "comparison": compare_lists(exam),
    }
    return render(request, "exams/staff.html", context)


def _helpers(request: HttpRequest, exam: Exam, access: Access) -> list[dict[str, Any]]:
    links = HelperLink.objects.filter(exam=exam, revoked_at__isnull=True)
    door = request.build_absolute_uri(f"/{access.course.slug}/exams/{exam.pk}/check-in/")
    found = []
    for link in links:
        link.exam = exam
        found.append({"link": link, "url": f"{door}?key={helper_token(link)}", "works": link.works_at(access.now)})
    return found


@require_POST
def act(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Do one thing to the exam or to somebody in it, named by the button."""
    access, exam = open_exam(request, slug, pk)
    do = _ACTS.get(request.POST.get("act", ""))
    if do is None:
        raise Http404
    try:
        messages.success(request, do(request, access, exam))
    except RuleViolation as violation:
        messages.error(request, str(violation.message))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("exams:staff", slug=slug, pk=pk)


def _registration(request: HttpRequest, exam: Exam) -> Registration:
    number = request.POST.get("registration", "")
    return get_object_or_404(Registration.objects.with_people(), pk=primary_key(number), exam=exam)


def _reason(request: HttpRequest) -> str:
    return request.POST.get("reason", "")


def _by(request: HttpRequest) -> User | None:
    return request.user if isinstance(request.user, User) else None


def shelf_of(request: HttpRequest, access: Access, purpose: str) -> Shelf:
    """Return where a table that somebody of the staff sent is kept while they look at what it changes."""
    assert isinstance(request.user, User)  # noqa: S101 - `open_exam` says so
    return Shelf(request.user.pk, purpose, access.now)


def _register(request: HttpRequest, access: Access, exam: Exam) -> str:
    number = request.POST.get("enrolment", "")
    enrolment = get_object_or_404(
        Enrolment.objects.students().select_related("user", "course"),
        pk=primary_key(number),
        course=access.course,
    )
    made = staff_register(enrolment=enrolment, exam_pk=exam.pk, reason=_reason(request), now=access.now)
    if made.state == Registration.State.WAITLISTED:
        return _("%(person)s is on the waiting list: every seat is taken.") % {"person": enrolment.user}
    return _("%(person)s is registered.") % {"person": enrolment.user}


def _withdraw(request: HttpRequest, access: Access, exam: Exam) -> str:
    found = _registration(request, exam)
    staff_withdraw(registration_pk=found.pk, reason=_reason(request), now=access.now)
    return _("%(person)s is withdrawn and was told.") % {"person": found.enrolment.user}


def _excuse(request: HttpRequest, access: Access, exam: Exam) -> str:
    found = _registration(request, exam)
    excuse(registration_pk=found.pk, reason=_reason(request), now=access.now)
    return _("%(person)s is excused and was told.") % {"person": found.enrolment.user}


def _correct(attended: bool) -> Callable[[HttpRequest, Access, Exam], str]:
    def do(request: HttpRequest, access: Access, exam: Exam) -> str:
        found = _registration(request, exam)
        correct_attendance(
            registration_pk=found.pk, exam_pk=exam.pk, attended=attended, reason=_reason(request), by=_by(request),
            now=access.now,
        )  # fmt: skip
        said = _("%(person)s stands as attended now.") if attended else _("%(person)s stands as absent now.")
        return said % {"person": found.enrolment.user}

    return do


def _decide(verdict: str) -> Callable[[HttpRequest, Access, Exam], str]:
    def do(request: HttpRequest, access: Access, exam: Exam) -> str:
        found = _registration(request, exam)
        decide_admission(
            enrolment=found.enrolment, verdict=verdict, reason=_reason(request), by=_by(request), now=access.now
        )
        return _("The decision on %(person)s is kept, and they were told.") % {"person": found.enrolment.user}

    return do


def _admit_all(request: HttpRequest, access: Access, exam: Exam) -> str:
    count = admit_whoever_fulfils_the_rules(course=access.course, now=access.now)
    return ngettext("%(count)d admission was written down.", "%(count)d admissions were written down.", count) % {
        "count": count
    }


def _capacity(request: HttpRequest, access: Access, exam: Exam) -> str:
    text = request.POST.get("capacity", "").strip()
    if text and (not text.isdecimal() or len(text) > 6):
        raise RuleViolation(_("Give the capacity as a number, or nothing for no limit."), code="capacity-form")
    promoted = set_capacity(exam_pk=exam.pk, capacity=int(text) if text else None, now=access.now)
    moved = ngettext("%(count)d person moved up.", "%(count)d people moved up.", len(promoted)) % {"count": len(promoted)}  # fmt: skip
    return _("The capacity is changed.") + (f" {moved}" if promoted else "")


def _assign(request: HttpRequest, access: Access, exam: Exam) -> str:
    order = Exam.SeatOrder.NAME if request.POST.get("order") == "name" else Exam.SeatOrder.RANDOM
    done = assign_seats(exam_pk=exam.pk, order=order, now=access.now)
    return _("%(given)d seats are given; %(without)d people found no room.") % {
        "given": done.given,
        "without": done.without_seat,
    }


def _mend(request: HttpRequest, access: Access, exam: Exam) -> str:
    done = mend_seats(exam_pk=exam.pk, now=access.now)
    return _("%(given)d seats are given, %(kept)d stay as they are; %(without)d people found no room.") % {
        "given": done.given,
        "kept": done.kept,
        "without": done.without_seat,
    }


def _release(request: HttpRequest, access: Access, exam: Exam) -> str:
    count = release_seats(exam_pk=exam.pk, now=access.now)
    return ngettext("%(count)d person sees their seat now.", "%(count)d people see their seats now.", count) % {
        "count": count
    }


def _helper(request: HttpRequest, access: Access, exam: Exam) -> str:
    link = add_helper(exam=exam, name=request.POST.get("name", ""), by=_by(request), now=access.now)
    return _("The link for %(name)s works on the day of the exam.") % {"name": link.name}


def _revoke(request: HttpRequest, access: Access, exam: Exam) -> str:
    number = request.POST.get("link", "")
    revoke_helper(link_pk=primary_key(number), exam_pk=exam.pk, now=access.now)
    return _("The link no longer works.")


def _absent(request: HttpRequest, access: Access, exam: Exam) -> str:
    count = mark_the_rest_absent(exam_pk=exam.pk, now=access.now)
    return ngettext("%(count)d person is noted as absent.", "%(count)d people are noted as absent.", count) % {
        "count": count
    }


def _close(request: HttpRequest, access: Access, exam: Exam) -> str:
    count = close_exam(exam_pk=exam.pk, now=access.now)
    return ngettext(
        "The exam is closed: %(count)d person may register for a later date.",
        "The exam is closed: %(count)d people may register for a later date.",
        count,
    ) % {"count": count}


def _freeze(request: HttpRequest, access: Access, exam: Exam) -> str:
    freeze(exam_pk=exam.pk, now=access.now)
    return _("The results are frozen: nothing changes until somebody unfreezes them.")


def _unfreeze(request: HttpRequest, access: Access, exam: Exam) -> str:
    unfreeze(exam_pk=exam.pk, by=_by(request), reason=_reason(request), now=access.now)
    return _("The results can be changed again.")


@require_http_methods(["GET", "HEAD", "POST"])
def university(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show who would stand on the university's list, then replace it."""
    access, exam = open_exam(request, slug, pk)
    shelf = shelf_of(request, access, f"exams.university:{pk}")
    form = TableForm(request.POST or None, request.FILES or None, shelf=shelf)

    def run(upload: Upload, *, dry_run: bool, expected: str) -> Plan:
        return import_university_list(
            exam_pk=pk, content=upload.content, filename=upload.filename, how=upload.how, by=_by(request),
            now=access.now, dry_run=dry_run, expected=expected,
        )  # fmt: skip

    def said(count: int) -> str:
        count = UniversityEntry.objects.filter(exam=exam).count()
        text = ngettext("%(count)d person stands on the university's list.", "%(count)d people stand on the university's list.", count)  # fmt: skip
        return text % {"count": count}

    title, back = _("The university's list"), reverse("exams:staff", args=[slug, pk])
    return show_or_import(request, access, exam, form, run, said=said, title=title, back=back, page="staff")


def show_or_import(
    request: HttpRequest,
    access: Access,
    exam: Exam,
    form: TableForm,
    run: Run,
    *,
    said: Callable[[int], str],
    title: str,
    back: str,
    page: str,
) -> HttpResponse:
    """Answer the form of a table: with what it would change, or with the page `back` once it is imported.

    Args:
        request: with the form.
        access: to the course.
        exam: to which the table belongs.
        form: bound.
        run: reads the table and compares, or writes.
        said: tells how many lines were imported.
        title: of the page.
        back: address of the page from which the form comes.
        page: the tab of the exam to which it belongs.
    """
    outcome = preview_or_apply(form, run) if request.method == "POST" else ImportOutcome()
    if outcome.is_done and outcome.plan is not None:
        text = said(len(outcome.plan.lines))
        messages.success(request, text if outcome.plan.is_replacement else with_undo(text, access.course.slug))
        return redirect(back)
    context = {
        "access": access, "course": access.course, "tab": "exams", "exam": exam, "form": form, "title": title, "back": back,
        "page": page, "preview": outcome.preview,
    }  # fmt: skip
    return render(request, "exams/table_import.html", context, status=outcome.status)


_ACTS: dict[str, Callable[[HttpRequest, Access, Exam], str]] = {
    "register": _register,
    "withdraw": _withdraw,
    "excuse": _excuse,
    "was_there": _correct(attended=True),
    "was_absent": _correct(attended=False),
    "admit": _decide("admitted"),
    "refuse": _decide("refused"),
    "by_rules": _decide("by_rules"),
    "admit_all": _admit_all,
    "capacity": _capacity,
    "assign": _assign,
    "mend": _mend,
    "release": _release,
    "helper": _helper,
    "revoke": _revoke,
    "absent": _absent,
    "close": _close,
    "freeze": _freeze,
    "unfreeze": _unfreeze,
}
