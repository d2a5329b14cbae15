"""The page on which staff invite people by mail."""

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods

from amls.core.preview import preview_of
from amls.core.violations import RuleViolation
from amls.courses.access import open_course_as_manager
from amls.courses.accounts import user_of
from amls.courses.models import Course
from amls.desk.holding import WantedAct
from amls.held.asking import hold_and_say
from amls.portal.inviting.people import (
    KIND,
    InvitedStanding,
    act_title,
    name_invited,
    put_on_roster,
    read_people,
    standings_of,
)


class PeopleToInviteForm(forms.Form):
    """Addresses as somebody pastes them."""

    people = forms.CharField(
        label=gettext_lazy("People"),
        max_length=200_000,
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false"}),
        help_text=gettext_lazy("Addresses, one per line or with semicolons; names and matriculation numbers beside them, also as columns of a table."),
    )  # fmt: skip


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def invite_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Take what is pasted, show who is there already and who gets a mail, then hold the mails back."""
    access = open_course_as_manager(request, slug)
    course = access.course
    form = PeopleToInviteForm(request.POST or None)
    context = {"access": access, "course": course, "form": form}
    if request.method != "POST" or not form.is_valid():
        return render(request, "portal/invite.html", context, status=422 if form.errors else 200)
    people, problems = read_people(form.cleaned_data["people"])
    standings = standings_of(course, people)
    count = sum(standing != InvitedStanding.ENROLLED for _person, standing in standings)
    preview = preview_of(request.POST, (course.pk, people, [standing.name for _person, standing in standings]))
    if preview.is_agreed and count:
        back = reverse("portal:invite", args=[slug])
        try:
            entries, plan = put_on_roster(course=course, people=people, by=user_of(request), now=access.now)
        except RuleViolation as violation:
            form.add_error("people", str(violation.message))
            return render(request, "portal/invite.html", context, status=422)
        for problem in plan.problems:
            messages.warning(request, str(problem))
        if entries and course.state == Course.State.DRAFT:
            said = ngettext(
                "%(count)d person is on the roster. Nobody is told yet: invite them here once the course is published.",
                "%(count)d people are on the roster. Nobody is told yet: invite them here once the course is published.",
                len(entries),
            )
            messages.success(request, said % {"count": len(entries)})
        elif entries:
            references = {"entries": entries, "import": plan.recorded.pk if plan.recorded is not None else None}
            wanted = WantedAct(course, KIND, name_invited(entries), references, act_title(len(entries)), back)
            hold_and_say(request, wanted, by=user_of(request), now=access.now, at_desk=False)
        return redirect(back)
    context |= {
        "people": standings,
        "problems": problems,
        "count": count,
        "title": act_title(count),
        "preview": preview,
    }
    return render(request, "portal/invite.html", context)
