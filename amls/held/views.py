"""What is held back in a course, and taking it back."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from amls.core.violations import RuleViolation
from amls.courses.access import open_course_as_manager
from amls.held.models import HeldAct
from amls.held.services import LATE
from amls.held.services import undo as take_back

_SHOWN = 30


@login_required
@require_safe
def held(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what waits in a course, and what became of what did."""
    access = open_course_as_manager(request, slug)
    acts = list(HeldAct.objects.filter(course=access.course).select_related("by")[:_SHOWN])
    late = [act for act in acts if act.ended_at is None and act.apply_at + LATE < access.now]
    return render(request, "held/held.html", {"access": access, "course": access.course, "acts": acts, "late": late})


@login_required
@require_POST
def undo(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Take an act back, whoever of the staff asked for it."""
    access = open_course_as_manager(request, slug)
    act = get_object_or_404(HeldAct.objects.select_related("course"), course=access.course, pk=pk)
    try:
        said = take_back(act=act, now=access.now)
    except RuleViolation as violation:
        messages.error(request, f"{act}: {violation.message}")
    else:
        messages.success(request, _("%(what)s: taken back. %(said)s") % {"what": act, "said": said})
    return redirect(act.back)
