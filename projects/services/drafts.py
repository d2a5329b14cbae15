"""What staff type while they assess, kept until they save it or throw it away."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from django.db import transaction

from amls.core.text import clean_text
from amls.courses.models import User
from projects.models import AssessmentDraft, Project


def keep_draft(*, project: Project, by: User, typed: Mapping[str, str], now: datetime) -> AssessmentDraft | None:
    """Keep what a person typed about a project in place of what they typed before; nothing typed, nothing kept.

    Args:
        project: any of a course that they teach.
        by: whose draft it is.
        typed: what differs from what is saved, by field.
        now: the request's clock.
    """
    with transaction.atomic():
        if not typed:
            AssessmentDraft.objects.filter(project=project, author=by).delete()
            return None
        values = {"typed": {name: clean_text(value) for name, value in typed.items()}, "kept_at": now}
        draft, _is_new = AssessmentDraft.objects.update_or_create(project=project, author=by, defaults=values)
    return draft


def forget_draft(*, project: Project, by: User, fields: Collection[str] | None = None) -> None:
    """Throw away what a person typed about a project.

    Args:
        project: which.
        by: whose draft it is.
        fields: only these, which were saved; all by default.
    """
    with transaction.atomic():
        draft = AssessmentDraft.objects.select_for_update().filter(project=project, author=by).first()
        if draft is None:
            return
        rest = {} if fields is None else {name: value for name, value in draft.typed.items() if name not in fields}
        if not rest:
            draft.delete()
        else:
            draft.typed = rest
            draft.save(update_fields=["typed"])
