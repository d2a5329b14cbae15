"""Purging by the retention of each kind of data."""

import logging
from datetime import datetime

from django.db import DatabaseError

from amls.privacy.registry import retentions

logger = logging.getLogger(__name__)


def purge_everything(*, now: datetime) -> int:
    """Delete what has been kept long enough; return how many rows. One kind that fails holds up no other."""
    total = 0
    for retention in retentions():
        try:
            # In transactions of its own, some rows at a time.
            count = retention.purge(now, False)
        except DatabaseError:
            logger.exception("purge failed kind=%s", retention.name)
            continue
        if count:
            logger.info("purged kind=%s rows=%s", retention.name, count)
        total += count
    return total
