"""What every address of an account reads when the account changes."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from amls.core.browsers import browser_name
from amls.core.markdown import escape_markdown
from amls.core.times import say_time
from amls.courses.models import User
from amls.courses.zones import zone_of


def changed_words(name: str, context: dict[str, Any], user: User | None = None) -> dict[str, str] | None:
    """Return subject, text, way on and reason of the mail about a change, in the active language.

    Args:
        name: what django-allauth calls the mail, such as 'password_changed'.
        context: its values: 'timestamp', 'ip' and 'user_agent', and the addresses that it is about.
        user: whose account changed, if it is known.

    Returns:
        The words, or None where the mail is about something else.
    """
    if name == "email_to_prove":
        return {
            "subject": _("Your account gets this address"),
            "text": _(
                "Whoever runs this site entered this address for your account. Sign in with a code that is sent to it: "
                "then it takes the place of your old ones. If you know nothing of it, ignore this mail: nothing happens."
            ),
            "label": _("Sign in with a code"),
            "path": reverse("account_request_login_code"),
            "reason": _("You get this mail because somebody gave this address for an account."),
        }
    said = _said(name, context)
    if said is None:
        return None
    subject, text = said
    where = _("It happened %(time)s, from the IP address %(ip)s, with %(browser)s.") % {
        "time": say_time(context["timestamp"], zone_of(user)),
        "ip": context["ip"],
        "browser": escape_markdown(browser_name(str(context["user_agent"])) or _("a browser without a name")),
    }
    not_you = _(
        "If it wasn't you, somebody else is in your account: choose a new password at once, which ends all sessions, "
        "then look at your addresses and passkeys. If you can't get in any more, write to the staff of your course."
    )
    return {
        "subject": subject,
        "text": f"{text}\n\n{where}\n\n{not_you}",
        "label": _("Choose a new password"),
        "path": reverse("account_reset_password"),
        "reason": _("You get this mail because something about your account changed."),
    }


def _said(name: str, context: dict[str, Any]) -> tuple[str, str] | None:
    def email(key: str) -> dict[str, str]:
        return {"email": escape_markdown(str(context.get(key, "")))}

    def moved() -> dict[str, str]:
        return {"old": email("from_email")["email"], "new": email("to_email")["email"]}

    words = {
        "email_added": lambda: (
            _("An address was added to your account"),
            _("%(email)s was added to your account. Whoever reads it can sign in.") % email("added_email"),
        ),
        "email_entered": lambda: (
            _("A new address was entered for your account"),
            _(
                "Whoever runs this site entered %(email)s for your account. As soon as somebody signs in with a code "
                "that is sent there, it takes the place of your present addresses. Until then nothing changes."
            )
            % email("entered_email"),
        ),
        "email_changed": lambda: (
            _("The address of your account changed"),
            _("Mail goes to %(new)s from now on, no longer to %(old)s.") % moved(),
        ),
        "email_deleted": lambda: (
            _("An address was removed from your account"),
            _("%(email)s was removed from your account. It opens it no longer.") % email("deleted_email"),
        ),
        "password_changed": lambda: (_("Your password was changed"), _("The password of your account was changed.")),
        "password_set": lambda: (_("Your account has a password now"), _("A password was set for your account.")),
        "password_reset": lambda: (
            _("Your password was changed"),
            _("The password of your account was chosen anew, with a link that was sent by mail."),
        ),
        "totp_activated": lambda: (
            _("An authenticator app was set up"),
            _("An authenticator app is your second factor now. All other sessions were ended."),
        ),
        "totp_deactivated": lambda: (
            _("The authenticator app was removed"),
            _("The authenticator app is no longer your second factor. All other sessions were ended."),
        ),
        "webauthn_added": lambda: (
            _("A passkey was added to your account"),
            _("A passkey or security key was added to your account. All other sessions were ended."),
        ),
        "webauthn_removed": lambda: (
            _("A passkey was removed from your account"),
            _("A passkey or security key was removed from your account. All other sessions were ended."),
        ),
        "recovery_codes_generated": lambda: (
            _("New recovery codes were made"),
            _("Your account has new recovery codes; the old ones open nothing any more."),
        ),
        "account_connected": lambda: (
            _("Your account was joined with a sign-in of the university"),
            _("Whoever signs in with %(provider)s as you opens it from now on. Your other ways to sign in stay.")
            % {"provider": escape_markdown(str(context["provider"]))},
        ),
        "account_disconnected": lambda: (
            _("Your account was parted from a sign-in of the university"),
            _("A sign-in with %(provider)s opens it no longer.")
            % {"provider": escape_markdown(str(context["provider"]))},
        ),
        "account_deleted": lambda: (
            _("Your account was deleted"),
            _("Your account was deleted, with your name, addresses and mails."),
        ),
        "sessions_ended": lambda: (
            _("Your other sessions were ended"),
            _("All sessions of your account but one were ended."),
        ),
    }
    return words[name]() if name in words else None
