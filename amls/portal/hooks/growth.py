"""How long is kept what grows with use and belongs to no app alone: histories, counts, versions that were replaced."""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.db.models import Exists, F, Manager, OuterRef, Q
from django.utils.translation import gettext_lazy as _
from pghistory.models import Context

from amls.agenda.models import FeedUse
from amls.core.batches import delete_in_batches
from amls.courses.models import Invalidation
from amls.files.versions import FileVersion
from amls.portal.growth import HISTORY_YEARS, histories, set_up_histories
from amls.privacy.registry import retention
from lectures.models import MaterialCount, MaterialFile
from projects.models import HandoutFile

_CONTEXTS_KEPT = timedelta(days=30)
_VERSIONS_KEPT = timedelta(days=365)
# No page is kept as long, and no transaction takes as long.
_INVALIDATIONS_KEPT = timedelta(days=1)
# Versions of files, and of what they are versions.
_VERSIONED: tuple[tuple[type[FileVersion], str], ...] = ((MaterialFile, "material"), (HandoutFile, "handout"))


def _before(now: datetime) -> datetime:
    return now - timedelta(days=round(settings.KEEP_HISTORY_YEARS * 365.25))


@retention("portal.histories", _("Who changed how courses are set up"), HISTORY_YEARS, tables=["admin.LogEntry"])
def purge_histories(now: datetime, dry_run: bool) -> int:
    """Delete what was changed long ago in what the staff set up; grades and decisions go with the course's people."""
    deleted = delete_in_batches(LogEntry.objects.filter(action_time__lt=_before(now)), dry_run=dry_run)
    for model in set_up_histories():
        deleted += delete_in_batches(model.objects.filter(pgh_created_at__lt=_before(now)), dry_run=dry_run)
    return deleted


@retention(
    "portal.history-contexts", _("From which request a change came"), _("as long as the change"),
    tables=["pghistory.Context"],
)  # fmt: skip
def purge_contexts(now: datetime, dry_run: bool) -> int:
    """Delete contexts to which no history leads any more."""
    rows = Context.objects.filter(updated_at__lt=now - _CONTEXTS_KEPT)
    for model in histories():
        rows = rows.filter(~Exists(model.objects.filter(pgh_context=OuterRef("pk"))))
    return delete_in_batches(rows, dry_run=dry_run)


@retention(
    "portal.counts", _("How often feeds and slides were fetched, without whose they are"), HISTORY_YEARS,
    tables=["agenda.FeedUse", "lectures.MaterialCount"],
)  # fmt: skip
def purge_counts(now: datetime, dry_run: bool) -> int:
    """Delete counts of days long ago."""
    day = _before(now).date()
    return sum(
        delete_in_batches(model.objects.filter(day__lt=day), dry_run=dry_run) for model in (FeedUse, MaterialCount)
    )


@retention(
    "portal.old-versions", _("Slides, recordings and sheets that were replaced"), _("a year after they were replaced"),
    tables=["lectures.MaterialFile", "projects.HandoutFile"],
)  # fmt: skip
def purge_versions(now: datetime, dry_run: bool) -> int:
    """Delete versions of files, with what was read from them, that another one replaced a year ago."""
    return sum(_purge_versions(model, of, now, dry_run) for model, of in _VERSIONED)


def _purge_versions(model: type[FileVersion], of: str, now: datetime, dry_run: bool) -> int:
    rows: Manager[FileVersion] = model._default_manager  # noqa: SLF001 - Django's public name for it
    replaced = {of: OuterRef(of), "version__gt": OuterRef("version"), "uploaded_at__lt": now - _VERSIONS_KEPT}
    old = rows.filter(Exists(rows.filter(**replaced))).exclude(Q(**{f"{of}__current": F("pk")}))
    return delete_in_batches(old, dry_run=dry_run)


@retention(
    "portal.invalidations", _("Whose pages a write has changed"), _("a day"), tables=["courses.Invalidation"],
)  # fmt: skip
def purge_invalidations(now: datetime, dry_run: bool) -> int:
    """Delete what was noted of pages that are not kept any more."""
    return delete_in_batches(Invalidation.objects.filter(at__lt=now - _INVALIDATIONS_KEPT), dry_run=dry_run)
