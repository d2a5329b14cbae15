"""What a password must withstand."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from zxcvbn import zxcvbn

from amls.courses.models import User

# More than 10^8 guesses: out of reach where a password is tried online (zxcvbn's own scale goes from 0 to 4).
LEAST_SCORE = 3
# As much as zxcvbn takes: what is longer and weak up to here is weak.
_JUDGED_LENGTH = 72


class StrengthValidator:
    """Refuses what is guessed in few tries, by an estimate and not by rules (NIST SP 800-63B-4, 3.1.1.2).

    Django's own validators know common passwords and the account's own words, but let repeats, rows of keys and
    dates through. The demo's stands in the sources, and opens nothing from another machine.
    """

    def validate(self, password: str, user: User | None = None) -> None:
        """Look at a new password.

        Raises:
            ValidationError: it is too easy to guess (code 'password-weak'), or the demo's ('password-known').
        """
        if password == settings.DEMO_PASSWORD:
            raise ValidationError(
                _("This is the password of the demo, which everyone knows. Take another one."), code="password-known"
            )
        known = ["amls", *settings.SITE_HOST.split(".")]
        if user is not None:
            known += [
                user.email,
                *user.email.replace("@", ".").split("."),
                user.display_name,
                *user.display_name.split(),
            ]
        judged = zxcvbn(
            password[:_JUDGED_LENGTH], user_inputs=[word for word in known if word], max_length=_JUDGED_LENGTH
        )
        if judged["score"] < LEAST_SCORE:
            raise ValidationError(
                _(
                    "This password is too easy to guess: repeats, rows of keys, dates, names and single words are tried "
                    "first. Take four words that have nothing to do with each other, or one that your browser proposes."
                ),
                code="password-weak",
            )

    def get_help_text(self) -> str:
        """Return what the form says before."""
        return _("Four words that have nothing to do with each other are hard to guess and easy to remember.")
