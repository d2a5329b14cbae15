"""Exports that were made for a person."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from amls.courses.models import User
from amls.exports.models import Export
from amls.exports.services import purge_exports
from amls.privacy.registry import on_account_deletion, personal_data, retention


@personal_data.named("exports")
def tell(user: User) -> Iterator[tuple[str, Any]]:
    """Yield which exports the person made."""
    rows = Export.objects.of_person(user).order_by("created_at")
    yield "exports.json", list(rows.values("kind", "course__slug", "parameters", "state", "created_at", "expires_at"))


@on_account_deletion
def forget(user: User, now: datetime) -> None:
    """Delete the person's exports with their files."""
    Export.objects.of_person(user).delete()


@retention("exports.exports", _("Exports"), _("a week"), tables=["exports.Export"])
def purge(now: datetime, dry_run: bool) -> int:
    """Delete exports that have been kept for a week."""
    return purge_exports(now=now, dry_run=dry_run)
