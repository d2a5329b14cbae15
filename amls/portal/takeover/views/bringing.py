"""A course comes in: brought, understood, answered and corrected, and then made, or changed after what changes was seen."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial, wraps
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from amls.core.preview import Preview, preview_of
from amls.core.request import htmx_of, now_of
from amls.core.violations import RuleViolation, add_violation
from amls.courses.access import Access, need_course_maker, open_course_as_manager
from amls.courses.accounts import user_of, user_or_none
from amls.courses.models import Course, Role, User
from amls.courses.participation import enrol
from amls.courses.services import publish_course
from amls.courses.zones import zone_of
from amls.portal.models import ImportDraft
from amls.portal.takeover import drafts
from amls.portal.takeover.apply import import_course
from amls.portal.takeover.course_files import spec_of
from amls.portal.takeover.diff import Diff
from amls.portal.takeover.export import export_course
from amls.portal.takeover.forms import SourceForm
from amls.portal.takeover.joining import make_slug
from amls.portal.takeover.sources import read_source
from amls.portal.takeover.spec import CourseFileError, CourseSpec
from amls.portal.takeover.toml import dump_toml, load_toml
from amls.portal.takeover.understanding.slots import WEEKDAYS
from amls.portal.takeover.upstream import follow_page
from amls.portal.takeover.workbench import Workbench, open_workbench, weekday_name

# At once; a calendar of many years has thousands, each with the forms that correct it.
_LINES, _ROWS = 250, 100


@login_required
def bring_new(request: HttpRequest) -> HttpResponse:
    """Bring a new course in; who makes it becomes its lecturer."""
    maker = need_course_maker(request)
    return _bring(request, maker, None, {"heading": _("New course")})


@login_required
def bring_into(request: HttpRequest, slug: str) -> HttpResponse:
    """Bring into a course what is to change it."""
    access = open_course_as_manager(request, slug)
    context = {"access": access, "course": access.course, "heading": _("Import the course page")}
    return _bring(request, user_of(request), access.course, context)


@login_required
@require_safe
def course_file(request: HttpRequest, slug: str) -> HttpResponse:
    """Return the course as its course.toml, to be edited and brought in again: the text that `export_course` prints.

    It is small and there at once, and whoever edits it wants the course as it is now, so that it is none of the
    exports which are made and kept.
    """
    course = open_course_as_manager(request, slug).course
    response = HttpResponse(dump_toml(export_course(course)), content_type="application/toml; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{course.slug}.toml"'
    # It names the enrolment code and call-in links.
    response["Cache-Control"] = "private, no-store"
    return response


def _bring(request: HttpRequest, owner: User, course: Course | None, context: dict[str, Any]) -> HttpResponse:
    form = SourceForm(request.POST or None, request.FILES or None)
    status = 200
    if request.method == "POST":
        if form.is_valid():
            try:
                return redirect("portal:import_draft", _start(form.cleaned_data, owner, course, now_of(request)).token)
            except CourseFileError as error:
                for problem in error.problems:
                    form.add_error(None, problem)
            except RuleViolation as violation:
                add_violation(form, violation)
        status = 422
    mine = ImportDraft.objects.filter(owner=owner, course=course).order_by("-made_at", "-pk")[:5]
    return render(request, "portal/takeover/bring.html", {**context, "form": form, "drafts": mine}, status=status)


def _start(given: dict[str, Any], owner: User, course: Course | None, now: Any) -> ImportDraft:
    if given["address"].strip():
        return drafts.start_fetched_draft(owner=owner, course=course, address=given["address"].strip(), now=now)
    upload: UploadedFile[Any] | None = given["file"]
    if upload is not None:
        name = upload.name or ""
        source = read_source(upload.read(), name=name)
    else:
        # The clipboard's HTML says the same with its links.
        name, source = "", read_source(given["html"].strip() or given["text"])
    return drafts.start_draft(owner=owner, course=course, source=source, name=name, now=now)


class _Opened:
    """A draft of the person, with whom its course lets in."""

    def __init__(self, request: HttpRequest, token: UUID) -> None:
        owner = user_or_none(request)
        if owner is None:
            raise Http404
        self.request, self.owner = request, owner
        rows = ImportDraft.objects.select_related("course")
        self.draft: ImportDraft = get_object_or_404(rows, token=token, owner=owner)
        self.access: Access | None = None
        if self.draft.course is not None:
            self.access = open_course_as_manager(request, self.draft.course.slug)
        else:
            need_course_maker(request)
        self.now = now_of(request)
        self._bench: Workbench | None = None

    @property
    def pages(self) -> str:
        """The part of its address that says which lines and rows are shown."""
        chosen = {name: self.request.GET[name] for name in ("lines", "rows") if name in self.request.GET}
        return f"?{urlencode(chosen)}" if chosen else ""

    @property
    def is_toml(self) -> bool:
        return drafts.source_of(self.draft).container == "toml"

    def workbench(self) -> Workbench:
        """Return what is understood of the draft as it is now; understood once."""
        if self._bench is None or self._bench.draft is not self.draft:
            zone = self.draft.course.zone if self.draft.course is not None else zone_of(self.owner)
            self._bench = open_workbench(self.draft, today=timezone.localdate(self.now, zone))
        return self._bench

    def spec(self, bench: Workbench | None) -> CourseSpec:
        """Return what is to be made.

        Raises:
            CourseFileError: something is missing.
        """
        slug = self.draft.course.slug if self.draft.course is not None else self.draft.answers.get("slug") or None
        if bench is None:
            return load_toml(drafts.source_of(self.draft).text)
        if bench.missing:
            raise CourseFileError(
                [_("Answer this first: %(question)s") % {"question": question.words} for question in bench.missing]
            )
        spec = spec_of(bench.understood, drafts.source_of(self.draft), slug=slug)
        course = self.draft.course
        if course is not None and "".join(spec.term.split()) == "".join(course.term.split()):
            # The same term, written with other spaces.
            spec = replace(spec, term=course.term)
        return spec

    def show(self, *, status: int = 200, **more: Any) -> HttpResponse:
        """Return its page; only the part that changes where htmx asked for it."""
        draft = self.draft
        context: dict[str, Any] = {
            "draft": draft, "access": self.access, "course": draft.course, "followed": True,
            "heading": _("Import the course page") if draft.course is not None else _("New course"), **more,
        }  # fmt: skip
        if draft.is_waiting or draft.problem:
            template = "portal/takeover/_fetching.html" if htmx_of(self.request) else "portal/takeover/fetching.html"
            return render(self.request, template, context, status=status)
        if not self.is_toml:
            bench = self.workbench()
            context["bench"] = bench
            context["lines"] = Paginator(bench.understood.lines, _LINES).get_page(self.request.GET.get("lines"))
            context["rows"] = Paginator(bench.rows, _ROWS).get_page(self.request.GET.get("rows"))
            context["pages"] = self.pages
            context["weekdays"] = [(name, weekday_name(number)) for number, name in enumerate(WEEKDAYS)]
            context["slug"] = draft.answers.get("slug") or make_slug(bench.understood.title, bench.understood.term)
        context.setdefault("diff", None)
        template = "portal/takeover/_workbench.html" if htmx_of(self.request) else "portal/takeover/workbench.html"
        return render(self.request, template, context, status=status)


def _posted(act: Callable[[_Opened], HttpResponse]) -> Callable[[HttpRequest, UUID], HttpResponse]:
    """Make a view of what is done with a draft; whoever only opens its address, as by loading anew, sees the draft."""

    @login_required
    @wraps(act)
    def view(request: HttpRequest, token: UUID) -> HttpResponse:
        if request.method != "POST":
            return redirect("portal:import_draft", token)
        return act(_Opened(request, token))

    return view


@login_required
def draft_page(request: HttpRequest, token: UUID) -> HttpResponse:
    """Show what was understood, what is open, and what it comes from."""
    return _Opened(request, token).show()


@_posted
def change(opened: _Opened) -> HttpResponse:
    """Answer a question, or correct what was understood."""
    if opened.draft.source is None or opened.is_toml:
        return opened.show()
    try:
        changes = opened.workbench().changes(opened.request.POST.dict())
    except RuleViolation as violation:
        return opened.show(status=422, problems=[str(violation.message)])
    return _written(opened, partial(drafts.change_draft, changes=changes))


@_posted
def take_back(opened: _Opened) -> HttpResponse:
    """Take the last answer or correction back."""
    return _written(opened, drafts.take_back_change)


@_posted
def start_again(opened: _Opened) -> HttpResponse:
    """Take all answers and corrections back."""
    return _written(opened, drafts.start_again)


def _written(opened: _Opened, write: Callable[..., ImportDraft]) -> HttpResponse:
    try:
        opened.draft = write(draft=opened.draft)
    except RuleViolation as violation:
        return opened.show(status=422, problems=[str(violation.message)])
    if htmx_of(opened.request):
        return opened.show()
    return redirect(reverse("portal:import_draft", args=[opened.draft.token]) + opened.pages)


@_posted
def discard(opened: _Opened) -> HttpResponse:
    """Forget what was brought."""
    drafts.delete_draft(draft=opened.draft)
    messages.success(opened.request, _("What you brought was thrown away. Nothing of it was saved."))
    slug = opened.draft.course.slug if opened.draft.course is not None else None
    return redirect(reverse("portal:import", args=[slug]) if slug else reverse("portal:new_course"))


@_posted
def make(opened: _Opened) -> HttpResponse:
    """Make the course as a draft; or show what changes in one that is there, and then change it."""
    if opened.draft.source is None:
        return opened.show()
    bench = None if opened.is_toml else opened.workbench()
    try:
        spec = opened.spec(bench)
        if opened.draft.course is None:
            return _made(opened, spec)
        removes = "removes" in opened.request.POST
        shown, diff = _changed(opened, spec, opened.draft.course, removes=removes)
    except CourseFileError as error:
        return opened.show(status=422, problems=error.problems)
    if shown.is_agreed:
        messages.success(opened.request, _("Imported. Everyone's calendar follows."))
        return redirect(opened.draft.course)
    return opened.show(diff=diff, preview=shown, removes=removes, followed="follow" in opened.request.POST)


def _made(opened: _Opened, spec: CourseSpec) -> HttpResponse:
    with transaction.atomic():
        import_course(spec=spec, slug=spec.slug, now=opened.now, must_be_new=True)
        course = Course.objects.get(slug=spec.slug)
        enrol(user=opened.owner, course=course, role=Role.LECTURER)
        _follow(opened, course, spec)
        drafts.delete_draft(draft=opened.draft)
    messages.success(opened.request, _("The course was made as a draft: only you can see it until you publish it."))
    return redirect(course)


def _follow(opened: _Opened, course: Course, spec: CourseSpec) -> None:
    """Read the page again from now on, where it came from an address and its maker wants that."""
    draft = opened.draft
    if draft.address and "follow" in opened.request.POST:
        source = drafts.source_of(draft)
        follow_page(
            course=course, address=draft.address, source=source, answers=draft.answers, spec=spec, now=opened.now
        )


def _changed(opened: _Opened, spec: CourseSpec, course: Course, *, removes: bool) -> tuple[Preview, Diff]:
    diff = import_course(spec=spec, slug=course.slug, now=opened.now, dry_run=True, removes=removes)
    shown = preview_of(opened.request.POST, (spec, diff, removes))
    if shown.is_agreed:
        with transaction.atomic():
            import_course(spec=spec, slug=course.slug, now=opened.now, removes=removes)
            course.refresh_from_db()
            _follow(opened, course, spec)
            drafts.delete_draft(draft=opened.draft)
    return shown, diff


@login_required
@require_POST
def publish(request: HttpRequest, slug: str) -> HttpResponse:
    """Let everyone see a course that was made as a draft."""
    access = open_course_as_manager(request, slug)
    try:
        publish_course(course=access.course, now=access.now)
    except RuleViolation as violation:
        messages.error(request, str(violation.message))
    else:
        messages.success(request, _("Published: everyone sees the course now, and its calendar can be subscribed to."))
        if access.course.enrolment_policy == Course.EnrolmentPolicy.CLOSED:
            messages.warning(request, _("Nobody can join it yet: the settings say who may enrol."))
    return redirect(access.course)
