"""What an assessor typed on a project's page: found in what the page sends, and put back into its forms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.http import QueryDict
from django.utils.translation import gettext as _

from amls.core.times import say_clock
from amls.courses.models import User
from projects.forms.points import decision_form
from projects.forms.staff import AssessorForm, MergeForm, MoreTimeForm, MoveForm, NoteForm
from projects.models import AssessmentDraft
from projects.queries import TeamView
from projects.services.assessing import version_of

# The page's other forms are empty until somebody types into them.
_EMPTY: dict[str, tuple[str, ...]] = {
    "note": tuple(NoteForm.base_fields),
    "extend": tuple(MoreTimeForm.base_fields),
    "move": tuple(MoveForm.base_fields),
    "merge": tuple(MergeForm.base_fields),
}
_ASSESSOR = tuple(AssessorForm.base_fields)
ACTS = ("assess", "assign", *_EMPTY)


def fields_of(act: str, view: TeamView) -> tuple[str, ...]:
    """Return the fields that the page's action of this name saves."""
    if act == "assess":
        return tuple(decision_form(view=view).fields)
    return _ASSESSOR if act == "assign" else _EMPTY.get(act, ())


def _alike(value: Any) -> str:
    return str("" if value is None else value).replace("\r\n", "\n").strip()


def typed_in(post: QueryDict, view: TeamView, before: Mapping[str, str]) -> dict[str, str]:
    """Return what was typed and differs from what is saved.

    Args:
        post: what the page sent. A field that it doesn't name is as it was `before`.
        view: the project.
        before: what was kept so far.
    """
    form = decision_form(view=view)
    decision = {name: _alike(form[name].value()) for name in form.fields if name != "seen"}
    saved = {name: "" for names in _EMPTY.values() for name in names}
    saved |= {"assessor": _alike(view.project.assessor_id), **decision}
    typed = {name: post.get(name, before.get(name, value)) for name, value in saved.items()}
    typed = {name: value for name, value in typed.items() if _alike(value) != saved[name]}
    if decision.keys() & typed.keys():
        # What the person had before them while they typed.
        typed["seen"] = post.get("seen", before.get("seen", ""))
    return typed


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a person on a project's page.

    Attributes:
        draft: None where all that they typed is saved.
        is_overtaken: somebody decided while they typed: what is saved is not what they had before them.
    """

    draft: AssessmentDraft | None
    is_overtaken: bool

    @classmethod
    def of(cls, view: TeamView, user: User) -> Kept:
        """Return what is kept of a person about a project."""
        draft = AssessmentDraft.objects.filter(project=view.project, author=user).first()
        seen = draft.typed.get("seen") if draft is not None else None
        return cls(draft, seen is not None and seen != version_of(view.assessment))

    @property
    def stored(self) -> dict[str, str]:
        """What is kept, by field."""
        return self.draft.typed if self.draft is not None else {}

    @property
    def typed(self) -> dict[str, str]:
        """What they typed, by field; 'seen' is the page's own."""
        return {name: value for name, value in self.stored.items() if name != "seen"}

    def words(self, zone: ZoneInfo) -> str:
        """Return what is to be said of it, in a course's zone; nothing where nothing is kept."""
        if self.draft is None:
            return ""
        return _("What you typed is kept since %(time)s, for you alone. It is not saved yet.") % {
            "time": say_clock(self.draft.kept_at, zone, to_the_second=True)
        }
