"""What staff do to an exam or to somebody in it: one view, one address, one form per act."""

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from amls.core.meanwhile import CODE
from amls.core.preview import sent_before
from amls.core.violations import RuleViolation, add_violation
from amls.courses.access import Access
from amls.courses.accounts import user_or_none
from amls.held.asking import ask_and_hold
from amls.held.trials import tried
from exams.forms import CapacityForm, ExamActForm, StudentForm
from exams.services.acts import Staff, acts, wanted_act
from exams.views.people import place_of
from exams.views.staff import open_exam, show_person, show_staff

View = Callable[[HttpRequest, str, int], HttpResponse]

# What is typed into these stays on the exam's page where it is wrong.
_IN_PAGE = (StudentForm, CapacityForm)


def _show_again(request: HttpRequest, access: Access, form: StudentForm | CapacityForm) -> HttpResponse:
    form.exam.refresh_from_db()
    form.exam.course = access.course
    if isinstance(form, StudentForm):
        return show_staff(request, access, form.exam, by_hand=form)
    return show_staff(request, access, form.exam, capacity=form)


def act_view(name: str, form_class: type[ExamActForm]) -> View:
    """Return the view of an act: it does what tells nobody, shows and holds back what does, and leads back.

    Args:
        name: of the act.
        form_class: what it needs to know.
    """
    act = acts[name]

    @require_POST
    def view(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
        access, exam = open_exam(request, slug, pk)
        staff = Staff(exam, user_or_none(request), access.now)
        form = form_class(request.POST, exam=exam)
        back = reverse("exams:staff", args=[slug, pk]) + place_of(request)
        if form.is_valid():
            data = form.cleaned_data
            try:
                trial = tried(lambda: act.do(staff, data), course=exam.course, now=staff.now)
                if act.waits(trial):
                    return ask_and_hold(
                        request,
                        wanted_act(name, staff, data, trial, back=back),
                        people=trial.people,
                        lead=_("When it is done: %(what)s") % {"what": trial.said},
                        submit=_("Do it in five minutes"),
                        by=staff.by,
                        now=staff.now,
                        posted=sent_before(request.POST),
                    )
                messages.success(request, act.do(staff, data))
            except RuleViolation as violation:
                if isinstance(form, _IN_PAGE):
                    add_violation(form, violation)
                    return _show_again(request, access, form)
                messages.error(request, str(violation.message))
                if "registration" in data and (violation.code == CODE or violation.field == "target"):
                    # It comes back with what was typed, and how the person stands by now.
                    return show_person(
                        request, access, exam, data["registration"].pk, reason=data["reason"], status=422
                    )
            except ValidationError as error:
                messages.error(request, " ".join(error.messages))
        elif form.names_nobody:
            raise Http404
        elif isinstance(form, _IN_PAGE):
            return _show_again(request, access, form)
        else:
            messages.error(request, form.problem)
        return redirect(back)

    return view
