"""What staff do to an exam or to somebody in it: one view, one address, one form per act."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from amls.core.violations import RuleViolation
from exams.forms import (
    CapacityForm,
    ExamActForm,
    HelperForm,
    LinkForm,
    OrderForm,
    PersonForm,
    ReasonForm,
    StudentForm,
)
from exams.models import AdmissionDecision, Registration
from exams.services.admission import admit_whoever_fulfils_the_rules, decide_admission
from exams.services.door import add_helper, correct_attendance, mark_the_rest_absent, revoke_helper
from exams.services.registration import close_exam, set_capacity, staff_register, staff_withdraw
from exams.services.registration import excuse as excuse_registration
from exams.services.results import freeze as freeze_results
from exams.services.results import unfreeze as unfreeze_results
from exams.services.seating import assign_seats, mend_seats
from exams.views.people import place_of
from exams.views.staff import Staff, open_exam, person_of

View = Callable[[HttpRequest, str, int], HttpResponse]


def act(form_class: type[ExamActForm]) -> Callable[[Callable[[Staff, Any], str]], View]:
    """Make a view of what does one thing and returns what to say; it leads back to where one was on the exam's page.

    Args:
        form_class: what the act needs to know.
    """

    def make(do: Callable[[Staff, Any], str]) -> View:
        @require_POST
        @wraps(do)
        def view(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
            access, exam = open_exam(request, slug, pk)
            form = form_class(request.POST, exam=exam)
            if form.is_valid():
                try:
                    messages.success(request, do(Staff(access, exam, person_of(request)), form))
                except RuleViolation as violation:
                    messages.error(request, str(violation.message))
                except ValidationError as error:
                    messages.error(request, " ".join(error.messages))
            elif form.names_nobody:
                raise Http404
            else:
                messages.error(request, form.problem)
            return redirect(reverse("exams:staff", args=[slug, pk]) + place_of(request))

        return view

    return make


# ── one person ──


@act(StudentForm)
def register(staff: Staff, form: StudentForm) -> str:
    """Register a student by hand."""
    enrolment, reason = form.cleaned_data["enrolment"], form.cleaned_data["reason"]
    made = staff_register(enrolment=enrolment, exam_pk=staff.exam.pk, reason=reason, now=staff.now)
    if made.state == Registration.State.WAITLISTED:
        return _("%(person)s is on the waiting list: every seat is taken.") % {"person": enrolment.user}
    return _("%(person)s is registered.") % {"person": enrolment.user}


@act(PersonForm)
def withdraw(staff: Staff, form: PersonForm) -> str:
    """Withdraw somebody."""
    registration = form.cleaned_data["registration"]
    staff_withdraw(registration_pk=registration.pk, reason=form.cleaned_data["reason"], now=staff.now)
    return _("%(person)s is withdrawn and was told.") % {"person": registration.enrolment.user}


@act(PersonForm)
def excuse(staff: Staff, form: PersonForm) -> str:
    """Excuse somebody."""
    registration = form.cleaned_data["registration"]
    excuse_registration(registration_pk=registration.pk, reason=form.cleaned_data["reason"], now=staff.now)
    return _("%(person)s is excused and was told.") % {"person": registration.enrolment.user}


@act(PersonForm)
def was_there(staff: Staff, form: PersonForm) -> str:
    """Correct that somebody attended."""
    return _correct(staff, form, attended=True, said=_("%(person)s stands as attended now."))


@act(PersonForm)
def was_absent(staff: Staff, form: PersonForm) -> str:
    """Correct that somebody did not attend."""
    return _correct(staff, form, attended=False, said=_("%(person)s stands as absent now."))


def _correct(staff: Staff, form: PersonForm, *, attended: bool, said: str) -> str:
    registration, reason = form.cleaned_data["registration"], form.cleaned_data["reason"]
    correct_attendance(
        registration_pk=registration.pk,
        exam_pk=staff.exam.pk,
        attended=attended,
        reason=reason,
        by=staff.by,
        now=staff.now,
    )
    return said % {"person": registration.enrolment.user}


@act(PersonForm)
def admit(staff: Staff, form: PersonForm) -> str:
    """Admit somebody, whatever the rules say."""
    return _decide(staff, form, AdmissionDecision.Verdict.ADMITTED)


@act(PersonForm)
def refuse(staff: Staff, form: PersonForm) -> str:
    """Revoke somebody's admission."""
    return _decide(staff, form, AdmissionDecision.Verdict.REFUSED)


@act(PersonForm)
def by_rules(staff: Staff, form: PersonForm) -> str:
    """Let the rules decide on somebody again."""
    return _decide(staff, form, AdmissionDecision.Verdict.BY_RULES)


def _decide(staff: Staff, form: PersonForm, verdict: str) -> str:
    enrolment = form.cleaned_data["registration"].enrolment
    decide_admission(
        enrolment=enrolment, verdict=verdict, reason=form.cleaned_data["reason"], by=staff.by, now=staff.now
    )
    return _("The decision on %(person)s is kept, and they were told.") % {"person": enrolment.user}


# ── the exam ──


@act(ExamActForm)
def admit_all(staff: Staff, form: ExamActForm) -> str:
    """Write down the admission of everyone who fulfils the rules."""
    count = admit_whoever_fulfils_the_rules(course=staff.access.course, now=staff.now)
    said = ngettext("%(count)d admission was written down.", "%(count)d admissions were written down.", count)
    return said % {"count": count}


@act(CapacityForm)
def capacity(staff: Staff, form: CapacityForm) -> str:
    """Change how many seats there are."""
    promoted = set_capacity(exam_pk=staff.exam.pk, capacity=form.cleaned_data["capacity"], now=staff.now)
    moved = ngettext("%(count)d person moved up.", "%(count)d people moved up.", len(promoted)) % {"count": len(promoted)}  # fmt: skip
    return _("The capacity is changed.") + (f" {moved}" if promoted else "")


@act(OrderForm)
def assign(staff: Staff, form: OrderForm) -> str:
    """Give everyone a seat."""
    done = assign_seats(exam_pk=staff.exam.pk, order=form.chosen(), now=staff.now)
    said = _("%(given)d seats are given; %(without)d people found no room.")
    return said % {"given": done.given, "without": done.without_seat}


@act(ExamActForm)
def mend(staff: Staff, form: ExamActForm) -> str:
    """Give a seat to who has none."""
    done = mend_seats(exam_pk=staff.exam.pk, now=staff.now)
    said = _("%(given)d seats are given, %(kept)d stay as they are; %(without)d people found no room.")
    return said % {"given": done.given, "kept": done.kept, "without": done.without_seat}


@act(HelperForm)
def helper(staff: Staff, form: HelperForm) -> str:
    """Make a link for a helper at the door."""
    link = add_helper(exam=staff.exam, name=form.cleaned_data["name"], by=staff.by, now=staff.now)
    return _("The link for %(name)s works on the day of the exam.") % {"name": link.name}


@act(LinkForm)
def revoke(staff: Staff, form: LinkForm) -> str:
    """Revoke a helper's link."""
    revoke_helper(link_pk=form.cleaned_data["link"].pk, exam_pk=staff.exam.pk, now=staff.now)
    return _("The link no longer works.")


@act(ExamActForm)
def absent(staff: Staff, form: ExamActForm) -> str:
    """Note whoever is left as absent."""
    count = mark_the_rest_absent(exam_pk=staff.exam.pk, now=staff.now)
    said = ngettext("%(count)d person is noted as absent.", "%(count)d people are noted as absent.", count)
    return said % {"count": count}


@act(ExamActForm)
def close(staff: Staff, form: ExamActForm) -> str:
    """Close the exam."""
    count = close_exam(exam_pk=staff.exam.pk, now=staff.now)
    return ngettext(
        "The exam is closed: %(count)d person may register for a later date.",
        "The exam is closed: %(count)d people may register for a later date.",
        count,
    ) % {"count": count}


@act(ExamActForm)
def freeze(staff: Staff, form: ExamActForm) -> str:
    """Freeze the results for the examination office."""
    freeze_results(exam_pk=staff.exam.pk, now=staff.now)
    return _("The results are frozen: nothing changes until somebody unfreezes them.")


@act(ReasonForm)
def unfreeze(staff: Staff, form: ReasonForm) -> str:
    """Let results change again."""
    unfreeze_results(exam_pk=staff.exam.pk, by=staff.by, reason=form.cleaned_data["reason"], now=staff.now)
    return _("The results can be changed again.")
