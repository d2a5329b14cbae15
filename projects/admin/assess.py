"""The page on which one project is assessed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from pghistory.models import Events

from amls.core.keys import primary_key
from amls.core.violations import RuleViolation
from amls.desk.history import describe_events
from projects.admin.bulk import BulkAdmin, preview_letters
from projects.admin.common import add_violation, now_of, user_of
from projects.admin.drafts import ACTS, Kept, fields_of, typed_in
from projects.admin.forms import AssessForm, AssessorForm, MergeForm, MoreTimeForm, MoveForm, NoteForm, staff_of
from projects.desk import compare_attempts, desk_views, for_desk, names_of, stage_of
from projects.exports.archive import archive_response, folder_name
from projects.models import Extension, ExtensionRequest, Project, Submission
from projects.reading import TeamView
from projects.receipts import receipt_code
from projects.services.assessing import assess, assign_assessor, note_for_staff, publish_assessments, version_of
from projects.services.drafts import forget_draft, keep_draft
from projects.services.extensions import extend, revoke_extension
from projects.services.handin import accept_late, restore_submission, withdraw_submission
from projects.services.registration import restore_project, withdraw_project
from projects.services.teams import merge_teams, move_member

_EVENTS = 12
# A form that is shown again with what was typed, by its name on the page.
Forms = dict[str, forms.Form]


class AssessAdmin(BulkAdmin):
    """What is done with one project."""

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        """Show the assessment instead of a form of bare fields."""
        return self.assess_view(request, primary_key(object_id))

    def neighbours(self, request: HttpRequest, project: Project) -> tuple[list[int], int | None, int | None]:
        """Return the keys of the list, and what stands before and after a project in it."""
        raise NotImplementedError

    def _open(self, request: HttpRequest, pk: int) -> TeamView:
        project = for_desk(self.get_queryset(request)).filter(pk=pk).first()
        if project is None:
            raise Http404
        timezone.activate(project.course.zone)
        return desk_views([project])[pk]

    def zip_view(self, request: HttpRequest, object_id: int) -> HttpResponseBase:
        """Send every attempt of one project."""
        view = self._open(request, object_id)
        return archive_response([view], filename=folder_name(view))

    def assess_view(self, request: HttpRequest, object_id: int) -> HttpResponseBase:
        """Show a project with all that was handed in and decided, and do what is asked."""
        view = self._open(request, object_id)
        shown: Forms = {}
        if request.method == "POST":
            # Whatever comes of it: nothing that was typed is lost.
            kept = self._keep(request, view)
            answer = self._move_on(request, view, kept) or self._act(request, view, shown)
            if answer is not None:
                return answer
            view = self._open(request, object_id)
        status = 422 if any(one.errors for one in shown.values()) else 200
        return self.page(request, "admin/projects/assess.html", self._context(request, view, shown), status)

    # ── what is shown ──

    def _context(self, request: HttpRequest, view: TeamView, shown: Forms) -> dict[str, Any]:
        project, course = view.project, view.project.course
        keys, before, after = self.neighbours(request, project)
        events: Any = Events.objects
        stage = stage_of(view)
        standing = [one.row for one in view.attempts]
        kept = Kept.of(view, user_of(request))
        requests = ExtensionRequest.objects.filter(project=project, state="open").select_related("enrolment__user")
        typed = kept.typed
        form = shown.get("assess") or AssessForm(view=view, initial=typed)
        assessor = {"assessor": project.assessor_id, **typed}
        return {
            "title": f"#{project.pk} {project.topic.title}",
            "project": project,
            "view": view,
            "names": names_of(view),
            "stage": stage,
            "course": course,
            "form": form,
            "preview": form["feedback"].value() if "preview" in request.POST else "",
            "letters": self._letters(request, project) if "show_letter" in request.POST else None,
            "kept": kept,
            "kept_said": kept.words(course.zone),
            "seen": version_of(view.assessment),
            "kept_in": {act for act in ACTS if not typed.keys().isdisjoint(fields_of(act, view))},
            "note_form": shown.get("note") or NoteForm(initial=typed),
            "time_form": shown.get("extend") or MoreTimeForm(zone=course.zone, initial=typed),
            "move_form": shown.get("move") or MoveForm(view=view, initial=typed),
            "merge_form": shown.get("merge") or MergeForm(view=view, initial=typed),
            "assessor_form": AssessorForm(people=staff_of([course]), initial=assessor),
            "attempts": [(one, receipt_code(one.row.pk)) for one in view.attempts],
            "comparison": _comparison(request, standing),
            "notes": project.staff_notes.select_related("author"),
            "requests": requests,
            "extensions": _extensions(view),
            "events": describe_events(events.references(project).order_by("-pgh_created_at")[:_EVENTS]),
            "place": keys.index(project.pk) + 1 if project.pk in keys else None,
            "count": len(keys),
            "before": self._address(request, before),
            "after": self._address(request, after),
            "here": self._address(request, project.pk),
        }

    def _letters(self, request: HttpRequest, project: Project) -> dict[str, Any]:
        _count, notices, letter = preview_letters([project], now=now_of(request))
        return {"letter": letter, "people": [str(one.recipient) for one in notices]}

    @staticmethod
    def _address(request: HttpRequest, pk: int | None) -> str:
        if pk is None:
            return ""
        address, filters = reverse("admin:projects_project_assess", args=[pk]), request.GET.get("_changelist_filters")
        return f"{address}?{urlencode({'_changelist_filters': filters})}" if filters else address

    @staticmethod
    def _list_address(request: HttpRequest) -> str:
        return f"{reverse('admin:projects_project_changelist')}?{request.GET.get('_changelist_filters', '')}"

    # ── what is typed ──

    def _keep(self, request: HttpRequest, view: TeamView) -> Kept:
        user = user_of(request)
        typed = typed_in(request.POST, view, Kept.of(view, user).stored)
        keep_draft(project=view.project, by=user, typed=typed, now=now_of(request))
        return Kept.of(view, user)

    def _move_on(self, request: HttpRequest, view: TeamView, kept: Kept) -> HttpResponse | None:
        """Do what only keeps or throws away what was typed; None where the pressed button wants more."""
        project, said = view.project, kept.words(view.project.course.zone)
        if request.POST.get("keep") == "quietly":
            return HttpResponse(said, content_type="text/plain; charset=utf-8")
        here = self._address(request, project.pk)
        if "discard" in request.POST:
            forget_draft(project=project, by=user_of(request))
            messages.success(request, _("What you typed is thrown away; here is what is saved."))
            return redirect(here)
        if "compare" in request.POST:
            asked = urlencode({name: request.POST.get(name, "") for name in ("old", "new")})
            return redirect(f"{here}{'&' if '?' in here else '?'}{asked}#compare")
        if "keep" not in request.POST and "go" not in request.POST:
            return None
        _keys, before, after = self.neighbours(request, project)
        target = {"previous": before, "next": after}.get(request.POST.get("go", ""))
        if target is None:
            target = None if request.POST.get("go") == "list" else project.pk
        if kept.draft is not None and target != project.pk:
            messages.info(request, f"#{project.pk}: {said}", extra_tags=f"open {here}")
        return redirect(self._address(request, target) or self._list_address(request))

    # ── what is done ──

    def _act(self, request: HttpRequest, view: TeamView, shown: Forms) -> HttpResponse | None:
        """Do what the pressed button says; None where the page is to be shown again."""
        if "preview" in request.POST or "show_letter" in request.POST:
            shown["assess"] = AssessForm(request.POST, view=view)
            shown["assess"].full_clean()
            return None
        if "save" in request.POST or "save_next" in request.POST or "save_publish" in request.POST:
            return self._assess(request, view, shown)
        acts: dict[str, Callable[[HttpRequest, TeamView, Forms], bool]] = {
            "publish": self._publish,
            "note": self._note,
            "accept": self._accept,
            "withdraw_attempt": self._withdraw_attempt,
            "restore_attempt": self._restore_attempt,
            "extend": self._extend,
            "revoke": self._revoke,
            "move": self._move,
            "merge": self._merge,
            "assign": self._assign,
            "withdraw": self._withdraw,
            "restore": self._restore,
        }
        for name, act in acts.items():
            if name in request.POST:
                done = act(request, view, shown)
                if done:
                    forget_draft(project=view.project, by=user_of(request), fields=fields_of(name, view))
                return redirect(self._address(request, view.project.pk)) if done or not shown else None
        raise Http404

    def _assess(self, request: HttpRequest, view: TeamView, shown: Forms) -> HttpResponse | None:
        form = AssessForm(request.POST, view=view)
        shown["assess"] = form
        if not form.is_valid():
            return None
        # Where to go next is known before the decision takes the project out of a filtered list.
        _keys, _before, after = self.neighbours(request, view.project)
        data, project = form.cleaned_data, view.project
        try:
            assess(
                project=project,
                outcome=data["outcome"],
                extra_points=data["extra_points"],
                feedback=data["feedback"],
                by=user_of(request),
                now=now_of(request),
                overrides=form.overrides(),
                seen=data["seen"],
            )
            if "save_publish" in request.POST:
                done = publish_assessments(projects=[project], now=now_of(request))
                said = _("Published; the team is told.") if done else _("Saved.")
            else:
                is_out = view.published is not None
                said = _("Saved; the team is told what changed.") if is_out else _("Saved as a draft.")
        except RuleViolation as violation:
            add_violation(form, violation)
            return None
        forget_draft(project=project, by=user_of(request), fields=fields_of("assess", view))
        target, here = after if "save_next" in request.POST else project.pk, self._address(request, project.pk)
        # What left the filtered list is still reached from here.
        messages.success(request, f"#{project.pk}: {said}", extra_tags=f"open {here}" if target != project.pk else "")
        if target is None:
            messages.info(request, _("This was the last one of the list."))
            return redirect(self._list_address(request))
        return redirect(self._address(request, target))

    def _publish(self, request: HttpRequest, view: TeamView, shown: Forms) -> bool:
        done = publish_assessments(projects=[view.project], now=now_of(request))
        messages.success(request, _("Published; the team is told.") if done else _("There was nothing to publish."))
        return True

    def _note(self, request: HttpRequest, view: TeamView, shown: Forms) -> bool:
        form = shown["note"] = NoteForm(request.POST)
        if not form.is_valid():
            return False

        def act() -> str:
            text = form.cleaned_data["text"]
            note_for_staff(project=view.project, text=text, by=user_of(request), now=now_of(request))
            return _("The note is kept.")

        return self.attempt(request, act)

    def _attempt_of(self, view: TeamView, key: str) -> Submission:
        return get_object_or_404(Submission, project=view.project, pk=primary_key(key))

    def _accept(self, request: HttpRequest, view: TeamView, shown: Forms) -> bool:
        row = self._attempt_of(view, request.POST["accept"])

        def act() -> str:
            accept_late(submission=row, by=user_of(request), now=now_of(request))
            return _("Attempt %(attempt)d counts; the team is told.") % {"attempt": row.attempt}

        return self.attempt(request, act)

    def _withdraw_attempt(self, request: HttpRequest, view: TeamView, shown: Forms) -> bool:
        row = self._attempt_of(view, request.POST["withdraw_attempt"])

        def act() -> str:
            withdraw_submission(submission=row, now=now_of(request))
            return _("Attempt %(attempt)d no longer counts. It is kept.") % {"attempt": row.attempt}

        return self.attempt(request, act, undo=f"{self._address(request, view.project.pk)} restore_attempt {row.pk}")

    def _restore_attempt(self, request: HttpRequest, view: TeamView, shown: Forms) -> bool:
        row = self._attempt_of(view, request.POST["restore_attempt"])

        def act() -> str:
            restore_submission(submission=row, now=now_of(request))
            return _("Attempt %(attempt)d is back.") % {"attempt": row.attempt}

        return self.attempt(request, act)

    def _extend(self, request: HttpRequest, view: TeamView, shown: Forms) -> bool:
        form = shown["extend"] = MoreTimeForm(request.POST, zone=view.project.course.zone)
        if not form.is_valid():
            return False
        try:
            extend(
                course=view.project.course,
                projects=[view.project],
                by=user_of(request),
                reason=form.cleaned_data["reason"],
                now=now_of(request),
                **form.given(),
            )
        except RuleViolation as violation:
            add_violation(form, violation)
            return False
        messages.success(request, _("The team has more time and is told."))
        return True

    def _revoke(self, request: HttpRequest, view: TeamView, shown: Forms) -> bool:
        key = request.POST["revoke"]
        row = get_object_or_404(Extension, project=view.project, pk=primary_key(key))

        def act() -> str:
            revoke_extension(extension=row, now=now_of(request))
            return _("The extension is revoked; the team is told.")

        return self.attempt(request, act)

    def _move(self, request: HttpRequest, view: TeamView, shown: Forms) -> bool:
        form = shown["move"] = MoveForm(request.POST, view=view)
        if not form.is_valid():
            return False
        try:
            member = form.cleaned_data["member"]
            to = move_member(enrolment=member, to=form.target(), by=user_of(request), now=now_of(request))
        except RuleViolation as violation:
            add_violation(form, violation)
            return False
        messages.success(
            request, _("%(name)s is now in %(project)s; both teams are told.") % {"name": member.user, "project": to}
        )
        return True

    def _merge(self, request: HttpRequest, view: TeamView, shown: Forms) -> bool:
        form = shown["merge"] = MergeForm(request.POST, view=view)
        if not form.is_valid():
            return False
        try:
            target = form.cleaned_data["target"]
            merge_teams(source=view.project, target=target, by=user_of(request), now=now_of(request))
        except RuleViolation as violation:
            add_violation(form, violation)
            return False
        messages.success(request, _("Everyone is now in %(project)s.") % {"project": target})
        return True

    def _assign(self, request: HttpRequest, view: TeamView, shown: Forms) -> bool:
        form = AssessorForm(request.POST, people=staff_of([view.project.course]))
        if not form.is_valid():
            return True
        assign_assessor(projects=[view.project], assessor=form.user())
        messages.success(request, _("Assessor: %(name)s.") % {"name": form.user() or _("nobody")})
        return True

    def _withdraw(self, request: HttpRequest, view: TeamView, shown: Forms) -> bool:
        def act() -> str:
            withdraw_project(project=view.project, now=now_of(request))
            return _("The project is withdrawn. Everything in it is kept.")

        undo = f"{reverse('admin:projects_project_restore')}?pks={view.project.pk}"
        return self.attempt(request, act, undo=undo)

    def _restore(self, request: HttpRequest, view: TeamView, shown: Forms) -> bool:
        def act() -> str:
            restore_project(project=view.project, now=now_of(request))
            return _("The project is back.")

        return self.attempt(request, act)


def _comparison(request: HttpRequest, rows: list[Submission]) -> dict[str, Any] | None:
    """Return the two attempts to compare: those that are asked for, else the two newest."""
    if len(rows) < 2:
        return None
    by_number = {str(one.attempt): one for one in rows}
    new = by_number.get(request.GET.get("new", "")) or rows[0]
    older = [one for one in rows if one.attempt < new.attempt] or [rows[-1]]
    old = by_number.get(request.GET.get("old", "")) or older[0]
    return {
        "old": old,
        "new": new,
        "files": compare_attempts(old, new),
        "numbers": sorted(int(one) for one in by_number),
    }


def _extensions(view: TeamView) -> list[Extension]:
    """Return what gives the team more time, of its own, its members' and everyone's."""
    rows = Extension.objects.filter(course=view.project.course, revoked_at__isnull=True)
    members = [one.pk for one in view.members]
    wanted = rows.filter(project=view.project) | rows.filter(enrolment__in=members)
    wanted |= rows.filter(project__isnull=True, enrolment__isnull=True)
    return list(wanted.select_related("enrolment__user", "granted_by"))
