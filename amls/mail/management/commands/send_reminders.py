"""`manage.py send_reminders`: what beat does, by hand."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.db.models import Count, Min
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from amls.core import clock
from amls.mail.connection import Postman
from amls.mail.models import Notice
from amls.mail.reminders import KIND, plan_reminders
from amls.mail.send import deliver_due


class Command(BaseCommand):
    """Plans the reminders that are due and sends what is due."""

    help = "Plans and sends the reminders that are due, as beat does."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take another clock, and whether to show only."""
        parser.add_argument(
            "--dry-run", action="store_true", help="Show what would be planned; change and send nothing."
        )
        parser.add_argument("--now", help="An ISO time to go by instead of the clock, such as 2024-07-05T23:59+02:00.")

    def handle(self, **options: Any) -> None:
        """Plan, show, send."""
        now = _moment(options["now"])
        with transaction.atomic():
            count = plan_reminders(now=now)
            self._show(now, count)
            if options["dry_run"]:
                transaction.set_rollback(True)
        if options["dry_run"]:
            self.stdout.write("Nothing was changed or sent.")
            return
        sent, postman = 0, Postman()
        try:
            while handled := deliver_due(now=now, postman=postman):
                sent += handled
        finally:
            postman.close()
        self.stdout.write(f"{sent} notices handled.")

    def _show(self, now: datetime, count: int) -> None:
        self.stdout.write(f"{count} reminders planned at {now.isoformat()}.")
        waiting = Notice.objects.filter(kind=KIND, state=Notice.State.DUE, due_at__isnull=False).order_by()
        rows = waiting.values("course__slug", "references__item", "due_at").annotate(
            people=Count("pk"), first=Min("not_before")
        )
        for row in rows.order_by("first", "due_at"):
            self.stdout.write(
                f"  {row['first'].isoformat()}  {row['course__slug']}  {row['references__item']}"
                f"  due {_text(row['due_at'])}  {row['people']} people"
            )


def _text(moment: datetime | None) -> str:
    return moment.isoformat() if moment is not None else "never"


def _moment(text: str | None) -> datetime:
    if not text:
        return clock.now()
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None:
        raise CommandError(f"'{text}' is not an ISO time, such as 2024-07-05T23:59+02:00.")
    return moment if timezone.is_aware(moment) else moment.replace(tzinfo=timezone.get_current_timezone())
