"""Deleting many rows without holding anybody up."""

from typing import Any

from django.db import models, transaction

BATCH = 1000


def delete_in_batches(rows: "models.QuerySet[Any]", *, dry_run: bool = False, batch: int = BATCH) -> int:
    """Delete rows with what hangs on them, some at a time, each time in a transaction of its own; return how many.

    Args:
        rows: which; what comes to be one of them meanwhile is deleted too.
        dry_run: only count them.
        batch: how many are locked at once.
    """
    if dry_run:
        return rows.count()
    deleted = 0
    while pks := list(rows.order_by("pk").values_list("pk", flat=True)[:batch]):
        with transaction.atomic():
            models.QuerySet(rows.model).filter(pk__in=pks).delete()
        deleted += len(pks)
    return deleted
