"""What had been done before a loss, and is done again as of then."""

from datetime import datetime

from amls.held.services import apply_next
from amls.mail.hold import catch_up


@catch_up
def do_what_was_due(moment: datetime) -> int:
    """Do the acts whose time had come by a moment, as of then: their mails are among those that had been sent."""
    count = 0
    while done := apply_next(moment):
        count += done
    return count
