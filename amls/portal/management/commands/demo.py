"""Make the demo data."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from amls.core import clock
from amls.core.violations import RuleViolation
from amls.portal.demo.accounts import DEMO_ACCOUNTS
from amls.portal.demo.services import make_demo


class Command(BaseCommand):
    """An archived course, AMLS SS2024, one that runs, and accounts of each role."""

    help = "Makes the demo courses and accounts; run again it changes nothing."

    def handle(self, **options: Any) -> None:
        """Make it and say who may sign in.

        Raises:
            CommandError: there are real courses.
        """
        try:
            make_demo(now=clock.now())
        except RuleViolation as refusal:
            raise CommandError(refusal.message) from refusal
        if options["verbosity"]:
            self.stdout.write(f"Accounts, all with the password {settings.DEMO_PASSWORD} (on this machine only):")
            for address, name in DEMO_ACCOUNTS.items():
                self.stdout.write(f"  {address:24} {name}")
