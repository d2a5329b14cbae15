"""How long is kept what grows with use and belongs to no app alone: histories, counts, versions that were replaced."""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _
from pghistory.models import Context

from amls.agenda.models import FeedUse
from amls.core.batches import delete_in_batches
from amls.portal.growth import HISTORY_YEARS, histories, set_up_histories
from amls.privacy.registry import retention
from lectures.models import MaterialCount, MaterialFile

_CONTEXTS_KEPT = timedelta(days=30)
_VERSIONS_KEPT = timedelta(days=365)


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
    "portal.old-versions", _("Slides and recordings that were replaced"), _("a year after they were replaced"),
    tables=["lectures.MaterialFile"],
)  # fmt: skip
def purge_versions(now: datetime, dry_run: bool) -> int:
    """Delete versions of files, with what was read from them, that another one replaced a year ago."""
    newer = MaterialFile.objects.filter(
        material=OuterRef("material"), version__gt=OuterRef("version"), uploaded_at__lt=now - _VERSIONS_KEPT
    )
    rows = MaterialFile.objects.filter(Exists(newer)).exclude(Q(material__current=F("pk")))
    return delete_in_batches(rows, dry_run=dry_run)
