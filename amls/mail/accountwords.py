"""What every address of an account reads when the account changes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amls.core.browsers import browser_name
from amls.core.markdown import escape_markdown
from amls.core.times import say_time
from amls.courses.models import User
from amls.courses.zones import zone_of

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


@dataclass(frozen=True)
class _Words:
    """What is said of one kind of change.

    Attributes:
        subject: of the mail.
        text: what happened.
        values: where the text's placeholders are found in the mail's context.
    """

    subject: "_StrPromise"
    text: "_StrPromise"
    values: Mapping[str, str] = field(default_factory=dict)


_WORDS: Mapping[str, _Words] = {
    "email_added": _Words(
        gettext_lazy("An address was added to your account"),
        gettext_lazy("%(email)s was added to your account. Whoever reads it can sign in."),
        {"email": "added_email"},
    ),
    "email_entered": _Words(
        gettext_lazy("A new address was entered for your account"),
        gettext_lazy(
            "Whoever runs this site entered %(email)s for your account. As soon as somebody signs in with a code "
            "that is sent there, it takes the place of your present addresses. Until then nothing changes."
        ),
        {"email": "entered_email"},
    ),
    "email_changed": _Words(
        gettext_lazy("The address of your account changed"),
        gettext_lazy("Mail goes to %(new)s from now on, no longer to %(old)s."),
        {"old": "from_email", "new": "to_email"},
    ),
    "email_deleted": _Words(
        gettext_lazy("An address was removed from your account"),
        gettext_lazy("%(email)s was removed from your account. It opens it no longer."),
        {"email": "deleted_email"},
    ),
    "password_changed": _Words(
        gettext_lazy("Your password was changed"), gettext_lazy("The password of your account was changed.")
    ),
    "password_set": _Words(
        gettext_lazy("Your account has a password now"), gettext_lazy("A password was set for your account.")
    ),
    "password_reset": _Words(
        gettext_lazy("Your password was changed"),
        gettext_lazy("The password of your account was chosen anew, with a link that was sent by mail."),
    ),
    "totp_activated": _Words(
        gettext_lazy("An authenticator app was set up"),
        gettext_lazy("An authenticator app is your second factor now. All other sessions were ended."),
    ),
    "totp_deactivated": _Words(
        gettext_lazy("The authenticator app was removed"),
        gettext_lazy("The authenticator app is no longer your second factor. All other sessions were ended."),
    ),
    "webauthn_added": _Words(
        gettext_lazy("A passkey was added to your account"),
        gettext_lazy("A passkey or security key was added to your account. All other sessions were ended."),
    ),
    "webauthn_removed": _Words(
        gettext_lazy("A passkey was removed from your account"),
        gettext_lazy("A passkey or security key was removed from your account. All other sessions were ended."),
    ),
    "recovery_codes_generated": _Words(
        gettext_lazy("New recovery codes were made"),
        gettext_lazy("Your account has new recovery codes; the old ones open nothing any more."),
    ),
    "account_connected": _Words(
        gettext_lazy("Your account was joined with a sign-in of the university"),
        gettext_lazy(
            "Whoever signs in with %(provider)s as you opens it from now on. Your other ways to sign in stay."
        ),
        {"provider": "provider"},
    ),
    "account_disconnected": _Words(
        gettext_lazy("Your account was parted from a sign-in of the university"),
        gettext_lazy("A sign-in with %(provider)s opens it no longer."),
        {"provider": "provider"},
    ),
    "account_deleted": _Words(
        gettext_lazy("Your account was deleted"),
        gettext_lazy("Your account was deleted, with your name, addresses and mails."),
    ),
    "sessions_ended": _Words(
        gettext_lazy("Your other sessions were ended"),
        gettext_lazy("All sessions of your account but one were ended."),
    ),
}


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
    """Return subject and first sentences of the mail about a change; None where the mail is about something else."""
    words = _WORDS.get(name)
    if words is None:
        return None
    values = {placeholder: escape_markdown(str(context.get(key, ""))) for placeholder, key in words.values.items()}
    text = str(words.text)
    return str(words.subject), text % values if values else text
