"""What happened to an account, for its owner: sign-ins, failures, factors, addresses, passwords."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from amls.core.constraints import RowCheck
from amls.core.text import LineField
from amls.core.times import say_moment


class AccountEvent(models.Model):
    """One thing that happened to an account; kept for 90 days, without an address in clear."""

    class What(models.TextChoices):
        SIGNED_UP = "signed-up", _("Account made")
        SIGNED_IN = "signed-in", _("Signed in")
        SIGNED_OUT = "signed-out", _("Signed out")
        FAILED = "failed", _("Sign-in failed")
        CODE_ASKED = "code-asked", _("A code or link was asked for")
        FACTOR_ADDED = "factor-added", _("Second factor added")
        FACTOR_REMOVED = "factor-removed", _("Second factor removed")
        FACTOR_RENEWED = "factor-renewed", _("Recovery codes made anew")
        FACTOR_USED = "factor-used", _("Second factor used")
        ADDRESS_ENTERED = "address-entered", _("New address entered at the desk")
        ADDRESS_ADDED = "address-added", _("Address added")
        ADDRESS_CONFIRMED = "address-confirmed", _("Address confirmed")
        ADDRESS_CHANGED = "address-changed", _("Main address changed")
        ADDRESS_REMOVED = "address-removed", _("Address removed")
        PASSWORD_CHANGED = "password-changed", _("Password changed")
        PASSWORD_RESET = "password-reset", _("Password chosen anew by mail")
        JOINED = "joined", _("Joined with a sign-in of the university")
        PARTED = "parted", _("Parted from a sign-in of the university")
        LOCKED = "locked", _("Locked: not known to the university any more")
        UNLOCKED = "unlocked", _("Opened again by a sign-in of the university")
        SESSION_ENDED = "session-ended", _("Signed out on another device")

    # None: somebody tried an address that has no account. It costs and leaves the same.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        null=True,
        related_name="account_events",
        verbose_name=_("person"),
    )
    what = models.CharField(_("what"), max_length=20, choices=What)
    # Such as 'password', 'totp': never an address or a code.
    how = models.CharField(_("how"), max_length=30, blank=True)
    at = models.DateTimeField(_("when"))
    network = models.CharField(_("from"), max_length=50, blank=True)
    browser = LineField(_("browser"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("event of an account")
        verbose_name_plural = _("events of accounts")
        ordering = ["-at", "-pk"]
        indexes = [models.Index(fields=["user", "-at"], name="accountevent_of_user")]
        constraints = [
            RowCheck(
                name="accountevent_what_valid",
                condition=models.Q(
                    what__in=[
                        "signed-up", "signed-in", "signed-out", "failed", "code-asked", "factor-added",
                        "factor-removed", "factor-renewed", "factor-used", "address-entered", "address-added",
                        "address-confirmed", "address-changed", "address-removed", "password-changed",
                        "password-reset", "session-ended", "joined", "parted", "locked", "unlocked",
                    ]
                ),
            )
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.get_what_display()}, {say_moment(self.at)}"
