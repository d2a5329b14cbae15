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

from amls.core.keys import primary_key
from amls.core.request import now_of
from amls.courses.accounts import user_of
from amls.courses.models import User
from projects.admin.assess.drafts import ACTS, Kept, fields_of
from projects.admin.bulk import preview_letters
from projects.admin.happened import events_of
from projects.admin.neighbours import neighbours
from projects.admin.pages import KeptAdmin
from projects.forms.points import decision_form
from projects.forms.staff import AssessorForm, MergeForm, MoreTimeForm, MoveForm, NoteForm, assessors_for
from projects.heldacts import waiting_for
from projects.models import CommentSnippet, Extension, ExtensionRequest, Project, Submission
from projects.progress import desk_views, names_of, state_of
from projects.queries import TeamView, with_team
from projects.receipts import receipt_code
from projects.services.assessing import version_of

_EVENTS = 12
# So many attempts are offered to compare with.
_COMPARED = 4
# Names in a page's address the project that the person was at before.
CAME_FROM = "from"
# In a page's address: the lists of those who may move are shown.
PEOPLE = "people"


@dataclass(frozen=True, slots=True)
class ReadingLink:
    """A document that is shown beside the decision."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What is read before a decision.

    Attributes:
        row: the attempt.
        files: of it, those that were not refused.
        comparisons: with other attempts, named by their numbers; the one before it first.
    """

    row: Submission
    is_late: bool
    files: list[ReadingLink]
    comparisons: list[ReadingLink]

    @property
    def address(self) -> str:
        """What is shown first; empty where there is nothing to show."""
        return next((link.address for link in (*self.files, *self.comparisons)), "")


def open_team(desk: KeptAdmin, request: HttpRequest, pk: int) -> TeamView:
    """Return the project with its team and attempts, and activate its course's zone.

    Raises:
        Http404: there is none in the person's courses.
    """
    project = with_team(desk.get_queryset(request)).filter(pk=pk).first()
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
        undo: what undoes the act that was just done, as `KeptAdmin.attempt` takes it.
    """

    desk: KeptAdmin
    request: HttpRequest
    view: TeamView
    shown: dict[str, forms.Form] = field(default_factory=dict)
    undo: str = ""

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

    @property
    def last(self) -> int | None:
        """The project that the person was at before this one."""
        number = self.request.GET.get(CAME_FROM, "")
        return primary_key(number) if number.isdecimal() else None

    def address(self, pk: int | None = None) -> str:
        """Return the address of this page, or of another project's, in the same filtered list, with the way back."""
        is_other = pk is not None and pk != self.project.pk
        return self._address(pk or self.project.pk, last=self.project.pk if is_other else self.last)

    @property
    def place(self) -> str:
        """The address of this page in the same filtered list, wherever the person was before."""
        return self._address(self.project.pk, last=None)

    def _address(self, pk: int, *, last: int | None) -> str:
        asked = {"_changelist_filters": self.request.GET.get("_changelist_filters"), CAME_FROM: last}
        asked = {name: value for name, value in asked.items() if value}
        address = reverse("admin:projects_project_assess", args=[pk])
        return f"{address}?{urlencode(asked)}" if asked else address

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
        kept_in = {act for act in ACTS if not typed.keys().isdisjoint(fields_of(act, view))} if typed else set()
        # They name all teams of the assignment with their members.
        is_moving = project.is_active and (
            PEOPLE in request.GET or not {"move", "merge"}.isdisjoint({*kept_in, *shown})
        )
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
            "kept_in": kept_in,
            "is_moving": is_moving,
            "note_form": shown.get("note") or NoteForm(initial=typed),
            "time_form": shown.get("extend") or MoreTimeForm(zone=course.zone, initial=typed),
            "move_form": shown.get("move") or (MoveForm(view=view, initial=typed) if is_moving else None),
            "merge_form": shown.get("merge") or (MergeForm(view=view, initial=typed) if is_moving else None),
            "assessor_form": shown.get("assign")
            or AssessorForm(people=assessors_for(project), initial={"assessor": project.assessor_id, **typed}),
            "attempts": [(attempt, receipt_code(attempt.row.pk)) for attempt in view.attempts],
            "reading": self._reading(),
            "snippets": CommentSnippet.objects.filter(course=course),
            "notes": project.staff_notes.select_related("author"),
            "requests": ExtensionRequest.objects.filter(project=project, state="open").select_related(
                "enrolment__user"
            ),
            "extensions": _extensions(view),
            "events": events_of(project, most=_EVENTS),
            "place": keys.index(project.pk) + 1 if project.pk in keys else None,
            "count": len(keys),
            "before": self.address(before) if before is not None else "",
            "after": self.address(after) if after is not None else "",
            "waiting": waiting_for(project),
            "here": self.address(),
            "last": self.last,
        }

    def _letters(self) -> dict[str, Any]:
        _count, notices, letter = preview_letters([self.project], now=now_of(self.request))
        return {"letter": letter, "people": [str(notice.recipient) for notice in notices]}

    def _reading(self) -> Reading | None:
        """Return what is to be read: the attempt that counts, else the newest, and how it differs from others."""
        attempts = self.view.attempts
        if not attempts:
            return None
        chosen = self.view.counting or attempts[0]
        row = chosen.row
        files = [
            ReadingLink(file.filename, reverse("admin:projects_project_file", args=[self.project.pk, file.pk]))
            for file in row.files.all()
            if not file.refusal
        ]
        compare = reverse("admin:projects_project_compare", args=[self.project.pk])
        others = sorted((other.row.attempt for other in attempts), key=lambda number: (number > row.attempt, -number))
        comparisons = [
            ReadingLink(
                str(number),
                f"{compare}?{urlencode({'old': min(number, row.attempt), 'new': max(number, row.attempt)})}",
            )
            for number in others[:_COMPARED]
            if number != row.attempt
        ]
        return Reading(row, chosen.is_late, files, comparisons)


def _extensions(view: TeamView) -> list[Extension]:
    """Return what gives the team more time, of its own, its members' and everyone's."""
    rows = Extension.objects.filter(course=view.project.course, revoked_at__isnull=True)
    members = [member.pk for member in view.members]
    wanted = rows.filter(project=view.project) | rows.filter(enrolment__in=members)
    wanted |= rows.filter(project__isnull=True, enrolment__isnull=True)
    return list(wanted.select_related("enrolment__user", "granted_by"))
