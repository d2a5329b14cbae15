"""What the page on which one project is assessed shows, for one request."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import Http404, HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from pghistory.models import Events

from amls.courses.models import User
from amls.desk.history import describe_events
from projects.admin.assess.drafts import ACTS, Kept, fields_of
from projects.admin.bulk import preview_letters
from projects.admin.neighbours import neighbours
from projects.admin.pages import KeptAdmin, now_of, user_of
from projects.forms.points import decision_form
from projects.forms.staff import AssessorForm, MergeForm, MoreTimeForm, MoveForm, NoteForm, staff_of
from projects.models import CommentSnippet, Extension, ExtensionRequest, Project, Submission
from projects.progress import compare_attempts, desk_views, for_desk, names_of, state_of
from projects.queries import TeamView
from projects.receipts import receipt_code
from projects.services.assessing import version_of

_EVENTS = 12


def open_team(desk: KeptAdmin, request: HttpRequest, pk: int) -> TeamView:
    """Return the project with its team and attempts, and activate its course's zone.

    Raises:
        Http404: there is none in the person's courses.
    """
    project = for_desk(desk.get_queryset(request)).filter(pk=pk).first()
    if project is None:
        raise Http404
    timezone.activate(project.course.zone)
    return desk_views([project])[pk]


@dataclass
class AssessPage:
    """The page of one project for one request.

    Attributes:
        desk: the admin of the list.
        request: whose page it is.
        view: the project.
        shown: forms that are shown again with what was typed, by their name on the page.
    """

    desk: KeptAdmin
    request: HttpRequest
    view: TeamView
    shown: dict[str, forms.Form] = field(default_factory=dict)

    @property
    def project(self) -> Project:
        """The project."""
        return self.view.project

    @property
    def user(self) -> User:
        """Who is signed in."""
        return user_of(self.request)

    @property
    def kept(self) -> Kept:
        """What is kept of what the person typed."""
        return Kept.of(self.view, self.user)

    @cached_property
    def around(self) -> tuple[list[int], int | None, int | None]:
        """The keys of the list that the person came from, and what stands before and after the project there."""
        return neighbours(self.desk, self.request, self.project)

    def address(self, pk: int | None = None) -> str:
        """Return the address of this page, or of another project's, in the same filtered list."""
        address = reverse("admin:projects_project_assess", args=[pk or self.project.pk])
        filters = self.request.GET.get("_changelist_filters")
        return f"{address}?{urlencode({'_changelist_filters': filters})}" if filters else address

    @property
    def list_address(self) -> str:
        """The address of the filtered list."""
        filters = self.request.GET.get("_changelist_filters", "")
        return f"{reverse('admin:projects_project_changelist')}?{filters}"

    def respond(self) -> TemplateResponse:
        """Return the page, with what is wrong with the forms that were sent."""
        status = 422 if any(form.errors for form in self.shown.values()) else 200
        return self.desk.page(self.request, "admin/projects/assess.html", self._context(), status)

    def _context(self) -> dict[str, Any]:
        request, view, project, course = self.request, self.view, self.project, self.project.course
        keys, before, after = self.around
        kept, shown = self.kept, self.shown
        typed = kept.typed
        form = shown.get("assess") or decision_form(view=view, initial=typed)
        return {
            "title": f"#{project.pk} {project.title}",
            "project": project,
            "view": view,
            "names": names_of(view),
            "stage": state_of(view),
            "course": course,
            "form": form,
            "preview": form["feedback"].value() if "preview" in request.POST else "",
            "letters": self._letters() if "show_letter" in request.POST else None,
            "kept": kept,
            "kept_said": kept.words(course.zone),
            "seen": version_of(view.assessment),
            "kept_in": {act for act in ACTS if not typed.keys().isdisjoint(fields_of(act, view))},
            "note_form": shown.get("note") or NoteForm(initial=typed),
            "time_form": shown.get("extend") or MoreTimeForm(zone=course.zone, initial=typed),
            "move_form": shown.get("move") or MoveForm(view=view, initial=typed),
            "merge_form": shown.get("merge") or MergeForm(view=view, initial=typed),
            "assessor_form": AssessorForm(
                people=staff_of([course]), initial={"assessor": project.assessor_id, **typed}
            ),
            "attempts": [(attempt, receipt_code(attempt.row.pk)) for attempt in view.attempts],
            "comparison": self._comparison(),
            "snippets": CommentSnippet.objects.filter(course=course),
            "notes": project.staff_notes.select_related("author"),
            "requests": ExtensionRequest.objects.filter(project=project, state="open").select_related(
                "enrolment__user"
            ),
            "extensions": _extensions(view),
            "events": _events(project),
            "place": keys.index(project.pk) + 1 if project.pk in keys else None,
            "count": len(keys),
            "before": self.address(before) if before is not None else "",
            "after": self.address(after) if after is not None else "",
            "here": self.address(),
        }

    def _letters(self) -> dict[str, Any]:
        _count, notices, letter = preview_letters([self.project], now=now_of(self.request))
        return {"letter": letter, "people": [str(notice.recipient) for notice in notices]}

    def _comparison(self) -> dict[str, Any] | None:
        """Return the two attempts to compare: those that are asked for, else the two newest."""
        rows: list[Submission] = [attempt.row for attempt in self.view.attempts]
        if len(rows) < 2:
            return None
        by_number = {str(row.attempt): row for row in rows}
        new = by_number.get(self.request.GET.get("new", "")) or rows[0]
        older = [row for row in rows if row.attempt < new.attempt] or [rows[-1]]
        old = by_number.get(self.request.GET.get("old", "")) or older[0]
        return {
            "old": old,
            "new": new,
            "files": compare_attempts(old, new),
            "numbers": sorted(int(number) for number in by_number),
        }


def _events(project: Project) -> Any:
    events: Any = Events.objects
    return describe_events(events.references(project).order_by("-pgh_created_at")[:_EVENTS])


def _extensions(view: TeamView) -> list[Extension]:
    """Return what gives the team more time, of its own, its members' and everyone's."""
    rows = Extension.objects.filter(course=view.project.course, revoked_at__isnull=True)
    members = [member.pk for member in view.members]
    wanted = rows.filter(project=view.project) | rows.filter(enrolment__in=members)
    wanted |= rows.filter(project__isnull=True, enrolment__isnull=True)
    return list(wanted.select_related("enrolment__user", "granted_by"))
