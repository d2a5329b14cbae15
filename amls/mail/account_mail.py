"""Mails of django-allauth (codes, links, alerts): through the same outbox, sealed until they are sent."""

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from allauth.account import app_settings
from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.account.signals import email_added
from allauth.account.utils import get_next_redirect_url
from allauth.core import context as allauth_context
from allauth.core.exceptions import ImmediateHttpResponse
from django.conf import settings
from django.contrib.sites.shortcuts import get_current_site
from django.db import transaction
from django.dispatch import receiver
from django.urls import reverse
from django.utils import translation
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from amls.accounts.adapters import AccountAdapter, opens_again
from amls.accounts.limits import no_more_mail
from amls.accounts.log import owner_of, record
from amls.core.bounds import Bound, spend
from amls.core.clock import database_clock
from amls.core.markdown import escape_markdown
from amls.core.peers import line_of
from amls.core.violations import RuleViolation
from amls.courses.models import AccountEvent, User
from amls.mail.accountwords import changed_words
from amls.mail.letters import Letter
from amls.mail.models import Notice
from amls.mail.outbox import notify
from amls.mail.sealing import SEALED, seal, unseal
from amls.mail.wording import site_path

KIND = "mail.account"
# What somebody asks for who isn't signed in: codes and links, or that there is no account to have one for.
_ASKED = {"login_code", "unknown_account", "password_reset_key", "account_already_exists", "email_confirmation_signup"}
# What allauth sends to the address of an account that is locked, as if there were none, or as if it could be entered.
_OF_LOCKED = {"unknown_account", "account_already_exists"}


# By line and address: by address alone, whoever asks for them would shut its owner out, and fill their mailbox.
_TO_ADDRESS = (
    Bound(
        "accounts.mails-to-address",
        most=5,
        per=timedelta(minutes=10),
        message=gettext_lazy(
            "%(most)s mails were asked for with this address within ten minutes. The newest code or link holds in the "
            "browser in which it was asked for: look for it in the mailbox, also among spam. Another one can be sent in "
            "%(wait)s."
        ),
    ),
    Bound(
        "accounts.mails-to-address-a-day",
        most=20,
        per=timedelta(days=1),
        message=gettext_lazy(
            "%(most)s mails were asked for with this address from your network within a day. Another one can be sent in "
            "%(wait)s. Until then sign in with a password or a passkey, or from another network."
        ),
    ),
)
# A lecture hall is one line.
_FROM_LINE = Bound(
    "accounts.mails-from-line",
    most=300,
    per=timedelta(minutes=1),
    message=gettext_lazy(
        "Very many mails are asked for from your network at this moment. Ask again in %(wait)s, or sign in with a "
        "password or a passkey."
    ),
)


class OutboxAdapter(AccountAdapter):
    """Writes what allauth would send into the outbox, in the transaction of its cause."""

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Seal the mail and put it into the outbox; codes are worthless when they no longer open anything.

        Raises:
            ImmediateHttpResponse: whoever isn't signed in asked for too many: nothing is sent.
        """
        now, name = database_clock.now(), template_prefix.rpartition("/")[2]
        if name in _ASKED:
            self._spend(email, now=now)
        user = owner_of(email)
        language = user.language if user is not None and user.language else translation.get_language() or "en"
        with translation.override(language):
            if user is not None and not user.is_active and name in _OF_LOCKED:
                values = _words_of_locked(user, email)
            else:
                values = changed_words(name, context, user) or self._words(name, template_prefix, email, context)
        is_own = user is not None and user.email == email
        notify(
            key=f"account:{uuid.uuid4()}",
            kind=KIND,
            now=now,
            recipient=user if is_own else None,
            address="" if is_own else email,
            references={SEALED: seal(values), "language": language[:2]},
            due_at=now + _lifetime(template_prefix),
        )
        if name in _ASKED:
            record(AccountEvent.What.CODE_ASKED, user=user, request=allauth_context.request, how=name)

    def _spend(self, email: str, *, now: datetime) -> None:
        line = line_of(self.get_client_ip(self.request))
        try:
            with transaction.atomic():
                spend(_FROM_LINE, who=line, now=now)
                for bound in _TO_ADDRESS:
                    spend(bound, who=f"{line} {email.lower()}", now=now)
        except RuleViolation as violation:
            raise ImmediateHttpResponse(no_more_mail(self.request, str(violation.message))) from violation

    def send_notification_mail(
        self,
        template_prefix: str,
        user: Any,
        context: dict[str, Any] | None = None,
        email: str | None = None,
    ) -> None:
        """Tell a change of an account to each of its proven addresses, and to those that it had until now.

        Whoever has taken a session over must not be the only one who hears of it.
        """
        values = context or {}
        gone = {address for address in (email, values.get("deleted_email")) if address}
        self.tell_each({*addresses_of(user), *gone} - {values.get("added_email")}, template_prefix, values)

    def tell_each(self, addresses: Iterable[str], template_prefix: str, context: dict[str, Any]) -> None:
        """Tell a change of an account to these addresses, with when and from where it was made."""
        values = {**self._where(), **context}
        for address in sorted(addresses):
            self.send_mail(template_prefix, address, values)

    def _where(self) -> dict[str, Any]:
        return {
            "timestamp": database_clock.now(),
            "ip": self.get_client_ip(self.request),
            "user_agent": self.get_http_user_agent(self.request)[:200],
        }

    def _words(self, name: str, prefix: str, email: str, context: dict[str, Any]) -> dict[str, str]:
        """Return what a mail says, by the name of allauth's template."""
        if "code" in context:
            return _words_with_code(name, str(context["code"]))
        not_you = _not_you()
        if name == "password_reset_key":
            return {
                "subject": _("Choose a new password"),
                "text": _("Somebody asked for a new password for your account.") + f" {_how_long_link()}\n\n{not_you}",
                "label": _("Choose a new password"),
                "path": site_path(str(context["password_reset_url"])),
                "reason": _("You get this mail because somebody asked for a new password with this address."),
            }
        if name == "unknown_account":
            return {
                "subject": _("There is no account with this address"),
                "text": _("Somebody tried to sign in with %(email)s, but there is no account with this address.")
                % {"email": escape_markdown(email)}
                + "\n\n"
                + not_you,
                "label": _("Make an account"),
                "path": _way_to_sign_up(str(context["signup_url"]), email),
                "reason": _("You get this mail because somebody tried to sign in with this address."),
            }
        if name == "account_already_exists":
            return {
                "subject": _("You have an account already"),
                "text": _("Somebody tried to make an account with %(email)s, but there is one already.")
                % {"email": escape_markdown(email)}
                + "\n\n"
                + (_way_to_join() if settings.SIGN_IN_PROVIDERS else "")
                + not_you,
                "label": _("Choose a new password"),
                "path": site_path(str(context["password_reset_url"])),
                "reason": _("You get this mail because somebody tried to make an account with this address."),
            }
        request = allauth_context.request
        everything = {"request": request, "email": email, "current_site": get_current_site(request), **context}
        mail = self.render_mail(prefix, email, everything)
        return {
            "subject": mail.subject,
            "text": str(mail.body).strip(),
            "reason": _("You get this mail because something about your account changed."),
        }


def _way_to_sign_up(address: str, email: str) -> str:
    """Return the path at which an account is made with an address, from which one comes to where one wanted."""
    wanted = get_next_redirect_url(allauth_context.request)
    return f"{site_path(address)}?{urlencode({'email': email} | ({'next': wanted} if wanted else {}))}"


def _words_of_locked(user: User, email: str) -> dict[str, str]:
    """Return what whoever asks for a way into a locked account reads: by what it opens again."""
    tried = _("Somebody tried to sign in with %(email)s, but the account is locked.") % {
        "email": escape_markdown(email)
    }
    locked_by = opens_again(user)
    if locked_by:
        said = _(
            "The university has not confirmed it for a long time. Sign in with %(locked_by)s to open it again. If you can't "
            "any more, write to the staff of your course: nothing was deleted."
        ) % {"locked_by": escape_markdown(locked_by)}
    else:
        said = _("Write to whoever runs this site if you need it.")
    words = {
        "subject": _("This account is locked"),
        "text": f"{tried} {said}\n\n{_not_you()}",
        "reason": _("You get this mail because somebody tried to sign in with this address."),
    }
    return words | ({"label": _("To the sign-in"), "path": reverse("account_login")} if locked_by else {})


def _words_with_code(name: str, code: str) -> dict[str, str]:
    if name == "login_code":
        return {
            "subject": _("Your code to sign in"),
            "text": _("Type this code where you are signing in.") + f" {_how_long()}\n\n{_not_you()}",
            "code": code,
            "reason": _("You get this mail because somebody asked for a code to sign in with this address."),
        }
    return {
        "subject": _("Your code to confirm this address"),
        "text": _("Type this code on the page that asks for it.") + f" {_how_long()}\n\n{_not_you()}",
        "code": code,
        "reason": _("You get this mail because somebody gave this address for an account."),
    }


def _not_you() -> str:
    return _("If it wasn't you, ignore this mail: nothing happens.")


def _how_long() -> str:
    """Return what the pages say as well of how long a code is valid."""
    minutes = settings.CODE_MINUTES
    said = ngettext("It is valid for %(minutes)s minute.", "It is valid for %(minutes)s minutes.", minutes)
    return said % {"minutes": minutes}


def _how_long_link() -> str:
    days = timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT).days
    return ngettext("The link is valid for %(days)s day.", "The link is valid for %(days)s days.", days) % {
        "days": days
    }


def _way_to_join() -> str:
    said = _(
        "If you came by your university: open %(address)s in the same browser and sign in; then the two are joined."
    )
    return said % {"address": f"{settings.SITE_URL}{reverse('signin:join')}"} + "\n\n"


def addresses_of(user: User) -> list[str]:
    """Return the proven addresses of an account; the one that it was made with where none is proven."""
    proven = EmailAddress.objects.filter(user=user, verified=True)
    return list(proven.order_by("email").values_list("email", flat=True)) or [user.email]


@receiver(email_added)
def _tell_of_new_address(user: User, email_address: EmailAddress, **kwargs: Any) -> None:
    """Tell the other addresses of one that was added; it was proven already."""
    if email_address.pk:
        added = {"added_email": email_address.email}
        get_adapter().send_notification_mail("account/email/email_added", user, added)


def write_account_mail(notice: Notice, now: datetime) -> Letter | None:
    """Return the account's letter as it was sealed; None once its seal can't be opened any more."""
    sealed = notice.references.get(SEALED)
    if not sealed:
        return None
    words = unseal(sealed)
    return Letter(
        subject=words["subject"],
        text=words["text"],
        action=(words["label"], words["path"]) if "path" in words else None,
        code=words.get("code", ""),
        reason=words["reason"],
    )


def _lifetime(prefix: str) -> timedelta:
    name = prefix.rpartition("/")[2]
    if name == "login_code":
        return timedelta(seconds=app_settings.LOGIN_BY_CODE_TIMEOUT)
    if name.startswith("email_confirmation"):
        return timedelta(seconds=app_settings.EMAIL_VERIFICATION_BY_CODE_TIMEOUT)
    if name == "password_reset_key":
        return timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)
    return timedelta(days=1)
