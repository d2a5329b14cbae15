"""What the desk's pages for projects have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.contrib import messages
from django.forms import BaseForm
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from amls.core.preview import Preview, preview_of, sent_before
from amls.core.request import now_of
from amls.core.violations import RuleViolation
from amls.desk.holding import hold_at_desk
from amls.desk.site import CourseScopedAdmin
from amls.desk.writes import BY_PAGES
from projects.heldacts import TeamAct
from projects.models import Project
from projects.progress import label_of, with_names


def _in_words(rows: Sequence[Any]) -> list[str]:
    """Return what each row is called, projects with who is in them: all teams of a sheet have its title. 2 queries."""
    pks = [row.pk for row in rows if isinstance(row, Project)]
    labels = (
        {project.pk: label_of(project) for project in with_names(Project.objects.filter(pk__in=pks))} if pks else {}
    )
    return [labels[row.pk] if isinstance(row, Project) else str(row) for row in rows]


class KeptAdmin(CourseScopedAdmin):
    """Rows that nobody deletes at the desk: deleting is withdrawing, revoking or declining."""

    writes = BY_PAGES
    previews = False

    def page(self, request: HttpRequest, template: str, context: dict[str, Any], status: int = 200) -> TemplateResponse:
        """Return a page of the desk."""
        request.current_app = self.admin_site.name
        context = {**self.admin_site.each_context(request), "opts": self.opts, "now": now_of(request), **context}
        return TemplateResponse(request, template, context, status=status)

    def attempt(self, request: HttpRequest, act: Callable[[], str], *, undo: str = "") -> bool:
        """Do one thing and say what came of it; return whether it was done.

        Args:
            request: whose action it is.
            act: does it, and returns what to say.
            undo: the address that undoes it by POST, and after spaces a field's name and value.
        """
        try:
            said = act()
        except RuleViolation as violation:
            messages.error(request, str(violation.message))
            return False
        messages.success(request, said, extra_tags=f"undo {undo}" if undo else "")
        return True

    def hold(
        self,
        request: HttpRequest,
        act: TeamAct,
        *,
        back: str,
        action: str = "",
        rows: Sequence[Any] = (),
        **context: Any,
    ) -> TemplateResponse | None:
        """Hold an act back where its maker has seen who gets what; what tells nobody is done at once.

        Args:
            request: whose action it is.
            act: what is wanted.
            back: the path of the page where it is asked for.
            action: the list's action that goes on after it; without one the answer sends along what was sent.
            rows: what it happens to.
            **context: more for the page, as in `ask`.

        Returns:
            The page that shows it; None where it is held back or done.

        Raises:
            RuleViolation: it is refused.
        """
        now = now_of(request)
        trial = act.tried(now)
        if not trial.told:
            messages.success(request, act.do(now))
            return None
        preview = preview_of(request.POST, (act.name, act.values, trial.seal))
        if preview.is_agreed:
            hold_at_desk(request, act.wanted(trial, back=back))
            return None
        context = {"notes": [_("When it is done: %(what)s") % {"what": trial.said}], **context}
        return self.ask(
            request,
            title=act.title,
            submit=_("Do it in five minutes"),
            action=action,
            rows=rows,
            preview=preview,
            people=[f"{person}: {what}" for person, what in trial.people],
            back=back,
            posted=() if action else sent_before(request.POST),
            **context,
        )

    def ask(
        self,
        request: HttpRequest,
        *,
        title: str,
        submit: str,
        action: str = "",
        rows: Sequence[Any] = (),
        form: BaseForm | None = None,
        preview: Preview | None = None,
        outcome: Mapping[int, str] | None = None,
        posted: Sequence[tuple[str, str]] = (),
        **context: Any,
    ) -> TemplateResponse:
        """Return a page that shows what is going to happen, and asks.

        Args:
            request: whose action it is.
            title: of the page.
            submit: what the button says.
            action: the list's action that goes on after it.
            rows: what it happens to.
            form: what is still to be said.
            preview: of what is done as it is shown; without one the page only asks for what is still to be said.
            outcome: what becomes of each row by what the form says, where that is shown before it is done.
            posted: names and values that its answer sends along.
            **context: more for the template: `lead`, `notes`, `letter`, `people`, `may`, `back`.
        """
        sent = [*posted, *([("action", action)] if action else [])]
        sent += [("_confirmed", "1")] if preview is None or form is not None else []
        sent += [("_selected_action", str(row.pk)) for row in rows]
        status = 422 if form is not None and form.errors else 200
        context = {
            "title": title,
            "submit": submit if outcome is None or preview is not None else _("Show what it does"),
            "posted": sent,
            "rows": _in_words(rows),
            "form": form,
            "preview": preview,
            "outcome": list((outcome or {}).values()),
            "may": preview is None or outcome is None or bool(outcome),
            **context,
        }
        return self.page(request, "admin/projects/ask.html", context, status)
