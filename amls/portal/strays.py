"""Files that no row names, and rows whose file is gone: told to those who run the site."""

import logging
from datetime import datetime

from amls.courses.models import User
from amls.files.rows import Strays, find_strays
from amls.files.storing import delete_stored
from amls.mail.outbox import notify
from projects.models.submissions import FOLDER as HAND_INS

logger = logging.getLogger(__name__)

KIND = "portal.strays"


def report_strays(*, now: datetime) -> int:
    """Put a mail to each superuser into the outbox if there are strays, once a week; return how many there are."""
    strays = find_strays(now=now)
    count = len(strays.unnamed) + len(strays.missing)
    if not count:
        return 0
    year, week, _day = now.isocalendar()
    logger.warning("strays unnamed=%s missing=%s", len(strays.unnamed), len(strays.missing))
    for user in User.objects.filter(is_superuser=True, is_active=True).order_by("pk"):
        notify(
            key=f"strays:{year}-{week}:{user.pk}",
            kind=KIND,
            now=now,
            recipient=user,
            references={"unnamed": len(strays.unnamed), "missing": len(strays.missing)},
        )
    return count


def delete_unnamed(strays: Strays) -> list[str]:
    """Delete stored files that no row names, but never what teams handed in; return which."""
    names = [name for name in strays.unnamed if not name.startswith(f"{HAND_INS}/")]
    delete_stored(names)
    return names
