"""Courses that somebody is bringing in."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from amls.core.processes import purge_silent
from amls.courses.models import User
from amls.portal.models import ImportDraft
from amls.portal.takeover.drafts import purge_drafts
from amls.privacy.registry import on_account_deletion, personal_data, retention


@personal_data.named("portal.import-drafts")
def tell(user: User) -> Iterator[tuple[str, Any]]:
    """Yield which pages of courses the person is bringing in."""
    rows = ImportDraft.objects.filter(owner=user).order_by("made_at")
    yield "imports.json", list(rows.values("name", "address", "course__slug", "changes", "made_at"))


@on_account_deletion
def forget(user: User, now: datetime) -> None:
    """Delete what the person was bringing in."""
    ImportDraft.objects.filter(owner=user).delete()


retention("core.processes", _("Programs of this site that fell silent"), _("a day"), tables=["core.RunningProcess"])(
    purge_silent
)


@retention(
    "portal.import-drafts", _("Pages of courses that are being brought in"), _("a week"), tables=["portal.ImportDraft"]
)
def purge(now: datetime, dry_run: bool) -> int:
    """Delete what nobody went on with for a week."""
    return purge_drafts(now, dry_run=dry_run)
