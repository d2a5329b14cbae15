"""What is done to many projects at once: each shows first what it will do."""

from __future__ import annotations

from collections.abc import Callable, Container
from datetime import datetime
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from amls.core.preview import Preview, preview_of, without_trace
from amls.core.request import now_of
from amls.core.times import say_moment
from amls.core.violations import RuleViolation, add_violation
from amls.courses.accounts import user_of
from amls.courses.models import Course
from amls.exports.services import make_order, request_export
from amls.mail.letters import Letter, letter_kinds
from amls.mail.models import Notice
from projects.admin.pages import KeptAdmin
from projects.exports.archive import HAND_INS, archive_name, archive_response, is_long
from projects.exports.results import results_response
from projects.forms.staff import AssessorForm, MoreTimeForm, SplitForm, staff_of
from projects.heldacts import TeamAct
from projects.models import Extension, Project, Submission
from projects.moretime import say_more_time
from projects.progress import desk_views, label_of, names_of, said_result, with_names
from projects.publication import publication_of
from projects.publishing import hold_publication
from projects.queries import TeamView, read_points_of, with_team
from projects.services.assessing import assign_assessor, pass_undecided, publish_assessments, split_assessors
from projects.services.extensions import extend

LETTER = "projects.result"


def preview_letters(projects: list[Project], *, now: datetime) -> tuple[int, list[Notice], Letter | None]:
    """Publish, look at the mails, and roll it all back.

    Returns:
        How many decisions would be published, the notices with their recipients, and the
        first one's letter in its recipient's language.
    """
    return without_trace(lambda: _publish(projects, now))


def _publish(projects: list[Project], now: datetime) -> tuple[int, list[Notice], Letter | None]:
    """Publish, and return how many decisions that are, the notices, and the first one's letter."""
    published = publish_assessments(projects=projects, now=now)
    pks = [assessment.pk for assessment in published]
    rows = Notice.objects.filter(kind=LETTER, created_at=now, references__assessment__in=pks)
    notices = list(rows.select_related("recipient", "course").order_by("pk"))
    letter = None
    if notices:
        first = notices[0].recipient
        with translation.override(first.language if first and first.language else translation.get_language()):
            letter = letter_kinds[LETTER].writer(notices[0], now)
    return len(published), notices, letter


def _count(number: int) -> str:
    return ngettext("%(count)d project", "%(count)d projects", number) % {"count": number}


def _say_left_out(request: HttpRequest, projects: list[Project], given: Container[int | None]) -> None:
    left = [str(project) for project in projects if project.pk not in given]
    if left:
        messages.warning(
            request, _("Left out, as they have as much time already: %(what)s.") % {"what": ", ".join(left)}
        )


def _list_of(course: Course) -> str:
    """Return the address of a course's list."""
    return f"{reverse('admin:projects_project_changelist')}?{urlencode({'course': course.pk})}"


def _views(queryset: QuerySet[Project]) -> list[TeamView]:
    views = list(desk_views(with_team(queryset)).values())
    read_points_of([view.project for view in views])
    return views


def _course(request: HttpRequest, projects: list[Project]) -> Course | None:
    """Return the one course of the projects; of several none, and of no projects, and say so."""
    if not projects:
        messages.info(request, _("There is nothing of this kind."))
        return None
    courses = {project.course.pk: project.course for project in projects}
    if len(courses) != 1:
        messages.error(request, _("Choose projects of one course: deadlines and staff differ between courses."))
        return None
    course = next(iter(courses.values()))
    timezone.activate(course.zone)
    return course


def _as_shown(
    request: HttpRequest, form: BaseForm, act: Callable[[], dict[int, str]]
) -> tuple[Preview | None, dict[int, str]]:
    """Do what a form asks for where its sender has seen this very outcome; else only try it.

    Returns:
        What is shown, None before the form says what to do; and what becomes of each project, by its key.
    """
    if not form.is_bound or not form.is_valid():
        return None, {}
    try:
        with transaction.atomic():
            outcome = act()
            preview = preview_of(request.POST, (form.cleaned_data, outcome))
            if not preview.is_agreed:
                transaction.set_rollback(True)
    except RuleViolation as violation:
        add_violation(form, violation)
        return None, {}
    return preview, outcome


def _assessors(projects: list[Project]) -> dict[int, str]:
    """Say of those projects that have another assessor now who it is: also where a list is of those without one."""
    before = {project.pk: project.assessor_id for project in projects}
    rows = with_names(Project.objects.filter(pk__in=before)).select_related("topic", "assignment__course", "assessor")
    return {
        project.pk: f"{label_of(project)}: {project.assessor or '–'}"
        for project in rows.order_by("topic", "pk")
        if project.assessor_id != before[project.pk]
    }


def _decision(view: TeamView) -> str:
    """Say what is published of a team: its members, the decision, and the points."""
    return f"#{view.project.pk} {', '.join(names_of(view))}: {said_result(view)}{_what_is_missing(view)}"


def _what_is_missing(view: TeamView) -> str:
    """Say of a team whose result is for nothing that counts why, where hand-ins are taken here; else nothing."""
    if view.counting is not None or not view.project.assignment.is_handed_in_here:
        return ""
    return "; " + (_("late, not accepted yet") if view.waiting_late else _("nothing handed in"))


@admin.action(description=gettext_lazy("Publish the decisions"))
def publish(desk: KeptAdmin, request: HttpRequest, queryset: QuerySet[Project]) -> HttpResponseBase | None:
    """Publish what is decided, after showing the mail and who gets it."""
    projects, now = list(queryset.select_related("topic", "assignment__course")), now_of(request)
    by_course: dict[Course, list[Project]] = {}
    for project in projects:
        by_course.setdefault(project.course, []).append(project)
    asked = [publication_of(rows, course=course, back=_list_of(course)) for course, rows in by_course.items()]
    wanted = [publication for publication in asked if publication is not None]
    preview = preview_of(request.POST, [publication.references for publication in wanted])
    if preview.is_agreed:
        for publication in wanted:
            hold_publication(request, publication, by=user_of(request), now=now, at_desk=True)
        return None
    count, notices, letter = preview_letters(projects, now=now)
    people = sorted({f"{notice.recipient} <{notice.recipient.email}>" for notice in notices if notice.recipient})
    left = len(projects) - count
    drafts = [view for view in _views(queryset) if view.assessment and view.assessment.outcome and not view.published]
    return desk.ask(
        request,
        outcome={view.project.pk: _decision(view) for view in drafts},
        title=_("Publish %(what)s") % {"what": _count(count)},
        submit=_("Publish in five minutes"),
        action="publish",
        rows=projects,
        may=count > 0,
        notes=[
            _("%(what)s stay as they are: not decided yet, or published before.") % {"what": _count(left)},
        ]
        if left
        else [],
        letter=letter,
        people=people,
        preview=preview,
    )


@admin.action(description=gettext_lazy("Pass"))
def pass_all(desk: KeptAdmin, request: HttpRequest, queryset: QuerySet[Project]) -> HttpResponseBase | None:
    """Pass, as drafts, what is handed in, as far as that is done here, and not decided."""
    views = _views(queryset)
    fit = [
        view
        for view in views
        if (view.counting or not view.project.assignment.is_handed_in_here)
        and not (view.assessment and view.assessment.outcome)
        and view.project.is_active
    ]
    preview = preview_of(request.POST, [view.project.pk for view in fit])
    if preview.is_agreed:
        passed = pass_undecided(projects=[view.project for view in fit], by=user_of(request), now=now_of(request))
        messages.success(
            request,
            _("Passed as drafts: %(what)s. Nobody is told before you publish.") % {"what": _count(len(passed))},
        )
        return None
    left = len(views) - len(fit)
    return desk.ask(
        request,
        title=_("Pass %(what)s") % {"what": _count(len(fit))},
        submit=_("Pass, as drafts"),
        action="pass_all",
        rows=[view.project for view in fit],
        may=bool(fit),
        lead=_("Points and feedback stay as they are. Nobody is told before you publish."),
        notes=[_("%(what)s are left out: decided before, or without a hand-in that counts.") % {"what": _count(left)}]
        if left
        else [],
        preview=preview,
    )


@admin.action(description=gettext_lazy("Accept late hand-ins"))
def accept_late_ones(desk: KeptAdmin, request: HttpRequest, queryset: QuerySet[Project]) -> HttpResponseBase | None:
    """Let the newest late attempt of each team count."""
    waiting = [view for view in _views(queryset) if view.project.is_active and view.waiting_late]
    if _course(request, [view.project for view in waiting]) is None:
        return None
    attempts = [view.waiting_late[0].row for view in waiting]
    projects = [view.project for view in waiting]
    what = _("Attempt %(attempt)d, %(time)s")
    return desk.hold(
        request,
        TeamAct(
            name="accept-late",
            values={"attempts": [attempt.pk for attempt in attempts]},
            course=projects[0].course,
            title=_("Accept the late hand-ins of %(what)s") % {"what": _count(len(waiting))},
            by=user_of(request),
        ),
        back=_list_of(projects[0].course),
        action="accept_late_ones",
        rows=projects,
        lead=_("The newest late attempt of each team counts then."),
        outcome={
            view.project.pk: f"#{view.project.pk} {', '.join(names_of(view))}: "
            + what % {"attempt": attempt.attempt, "time": say_moment(attempt.began_at)}
            + _what_stops(view, attempt)
            for view, attempt in zip(waiting, attempts, strict=True)
        },
    )


def _what_stops(view: TeamView, accepted: Submission) -> str:
    """Say which attempt counts no longer once a late one is accepted, or that it goes on counting."""
    if view.counting is None:
        return ""
    counting = view.counting.row
    is_replaced = accepted.attempt > counting.attempt or accepted.pk == view.project.picked_id
    said = (
        _("attempt %(attempt)d, which counts now, counts no longer")
        if is_replaced
        else _("attempt %(attempt)d is newer, and goes on counting")
    )
    return "; " + said % {"attempt": counting.attempt}


@admin.action(description=gettext_lazy("Extend the deadline"))
def extend_all(desk: KeptAdmin, request: HttpRequest, queryset: QuerySet[Project]) -> HttpResponseBase | None:
    """Give teams more time."""
    projects = list(queryset.active().select_related("topic", "assignment__course"))  # type: ignore[attr-defined]
    course = _course(request, projects)
    if course is None:
        return None
    form = MoreTimeForm(request.POST if "_confirmed" in request.POST else None, zone=course.zone)

    given: list[Extension] = []

    def act() -> dict[int, str]:
        given[:] = extend(
            projects=projects,
            by=user_of(request),
            reason=form.cleaned_data["reason"],
            now=now_of(request),
            **form.given(),
        )
        pks = {extension.project_id for extension in given}
        return {
            view.project.pk: f"{view.project}, {', '.join(names_of(view))}: {say_moment(view.due_at) if view.due_at else '–'}"
            for view in _views(queryset)
            if view.project.pk in pks
        }

    preview, outcome = _as_shown(request, form, act)
    if preview is not None and preview.is_agreed:
        title = _("More time for %(what)s") % {"what": _count(len(outcome))}
        back = request.get_full_path()
        say_more_time(request, given, title=title, back=back, by=user_of(request), now=now_of(request))
        _say_left_out(request, projects, outcome)
        return None
    return desk.ask(
        request,
        title=_("Extend the deadline of %(what)s") % {"what": _count(len(projects))},
        submit=_("Extend, and tell the teams"),
        action="extend_all",
        rows=projects,
        form=form,
        preview=preview,
        outcome=outcome,
    )


@admin.action(description=gettext_lazy("Give to an assessor"))
def assign(desk: KeptAdmin, request: HttpRequest, queryset: QuerySet[Project]) -> HttpResponseBase | None:
    """Let one person assess them."""
    projects = list(queryset.select_related("topic", "assignment__course"))
    course = _course(request, projects)
    if course is None:
        return None
    form = AssessorForm(request.POST if "_confirmed" in request.POST else None, people=staff_of([course]))

    def act() -> dict[int, str]:
        assign_assessor(projects=projects, assessor=form.user())
        return _assessors(projects)

    preview, outcome = _as_shown(request, form, act)
    if preview is not None and preview.is_agreed:
        messages.success(request, _("Another assessor for %(what)s.") % {"what": _count(len(outcome))})
        return None
    return desk.ask(
        request,
        title=_("Who assesses %(what)s?") % {"what": _count(len(projects))},
        submit=_("Give"),
        action="assign",
        rows=projects,
        form=form,
        preview=preview,
        outcome=outcome,
    )


@admin.action(description=gettext_lazy("Split among assessors"))
def split(desk: KeptAdmin, request: HttpRequest, queryset: QuerySet[Project]) -> HttpResponseBase | None:
    """Give the open ones out evenly."""
    projects = list(queryset.select_related("topic", "assignment__course"))
    course = _course(request, projects)
    if course is None:
        return None
    people = staff_of([course])
    # Among all of them, unless somebody says otherwise.
    form = SplitForm(request.POST if "_confirmed" in request.POST else {"assessors": list(people)}, people=people)

    def act() -> dict[int, str]:
        split_assessors(course=course, assessors=form.users(), projects=projects)
        return _assessors(projects)

    preview, outcome = _as_shown(request, form, act)
    if preview is not None and preview.is_agreed:
        messages.success(request, _("Given out: %(what)s.") % {"what": _count(len(outcome))})
        return None
    return desk.ask(
        request,
        title=_("Split %(what)s evenly") % {"what": _count(len(projects))},
        submit=_("Split"),
        action="split",
        rows=projects,
        form=form,
        lead=_(
            "Only those without an assessor and without a decision are given out; whoever has the fewest gets the next."
        ),
        preview=preview,
        outcome=outcome,
    )


@admin.action(description=gettext_lazy("Withdraw"))
def withdraw_all(desk: KeptAdmin, request: HttpRequest, queryset: QuerySet[Project]) -> HttpResponseBase | None:
    """Withdraw projects, after showing who is told."""
    projects = list(queryset.active().select_related("topic", "assignment__course").order_by("topic", "pk"))  # type: ignore[attr-defined]
    course = _course(request, projects)
    if course is None:
        return None
    return desk.hold(
        request,
        TeamAct(
            name="withdraw",
            values={"projects": [project.pk for project in projects]},
            course=course,
            title=_("Withdraw %(what)s") % {"what": _count(len(projects))},
            by=user_of(request),
        ),
        back=_list_of(course),
        action="withdraw_all",
        rows=projects,
        lead=_("The slots are free again then. Hand-ins, decisions and notes are kept, and projects can be restored."),
    )


@admin.action(description=gettext_lazy("Download all attempts (ZIP)"))
def download(desk: KeptAdmin, request: HttpRequest, queryset: QuerySet[Project]) -> HttpResponseBase | None:
    """Send every attempt of these projects as one archive."""
    return _archive(request, queryset, is_complete=True)


@admin.action(description=gettext_lazy("Download only what counts (ZIP)"))
def download_counting(desk: KeptAdmin, request: HttpRequest, queryset: QuerySet[Project]) -> HttpResponseBase | None:
    """Send the attempt that counts of each of these projects as one archive."""
    return _archive(request, queryset, is_complete=False)


def _archive(request: HttpRequest, queryset: QuerySet[Project], *, is_complete: bool) -> HttpResponseBase | None:
    """Send an archive at once; a long one is made in the background, and its page shows how far it is."""
    views = _views(queryset)
    courses = {view.project.course.pk: view.project.course for view in views}
    name = archive_name(views, is_complete=is_complete, on=timezone.localdate(now_of(request)))
    if len(courses) != 1 or not is_long(views, is_complete=is_complete):
        return archive_response(views, filename=name, is_complete=is_complete)
    projects = sorted(view.project.pk for view in views)
    parameters = {"projects": projects, "is_complete": is_complete, "name": name}
    (course,) = courses.values()
    order = make_order(kind=HAND_INS, now=now_of(request), user=user_of(request), course=course, parameters=parameters)
    return redirect(request_export(order=order))


@admin.action(description=gettext_lazy("Results as CSV"))
def to_csv(desk: KeptAdmin, request: HttpRequest, queryset: QuerySet[Project]) -> HttpResponseBase:
    """Send the decisions as a table that can be corrected and imported."""
    return results_response(_views(queryset), kind="csv", now=now_of(request))


@admin.action(description=gettext_lazy("Results as XLSX"))
def to_xlsx(desk: KeptAdmin, request: HttpRequest, queryset: QuerySet[Project]) -> HttpResponseBase:
    """Send the decisions as a spreadsheet that can be corrected and imported."""
    return results_response(_views(queryset), kind="xlsx", now=now_of(request))


# In the order of the menu.
ACTIONS = (
    publish,
    pass_all,
    accept_late_ones,
    extend_all,
    assign,
    split,
    withdraw_all,
    download,
    download_counting,
    to_csv,
    to_xlsx,
)
