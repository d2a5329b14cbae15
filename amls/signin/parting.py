"""Parting a sign-in of the university from an account that stays open by other ways."""

from typing import Any

from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.account.decorators import reauthentication_required
from allauth.account.models import EmailAddress
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.forms import DisconnectForm
from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.signals import social_account_removed
from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _

from amls.core.times import say_day
from amls.courses.vouched import Vouched
from amls.courses.zones import zone_of


@reauthentication_required(app="allauth.socialaccount")  # type: ignore[untyped-decorator]
def _need_proof(request: HttpRequest) -> None:
    """Raise where the person has to prove first, again, who they are."""


class SignInField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """A choice among the sign-ins that open an account."""

    def label_from_instance(self, obj: SocialAccount) -> str:
        """Return whose sign-in it is, as whom it knows the person, and since when."""
        known, day = Vouched.of_kept(obj.extra_data), say_day(obj.date_joined, zone_of(obj.user))
        return ", ".join(filter(None, [name_of(obj), known.name, known.number, _("joined %(day)s") % {"day": day}]))


class PartForm(DisconnectForm):  # type: ignore[misc]
    """Allauth's form, for accounts that a code by mail opens, and also for a provider that the site has no more."""

    account = SignInField(queryset=SocialAccount.objects.none(), widget=forms.RadioSelect)

    def clean(self) -> dict[str, Any]:
        """Refuse what would close the account: allauth asks for a password, without which people sign in here as well."""
        values = forms.Form.clean(self) or {}
        account = values.get("account")
        if account is not None and not _stays_open(account):
            raise get_adapter().validation_error("no_verified_email")
        return values

    def save(self) -> None:
        """Part it, and tell the account's addresses."""
        account: SocialAccount = self.cleaned_data["account"]
        _need_proof(self.request)
        account.delete()
        social_account_removed.send(sender=SocialAccount, request=self.request, socialaccount=account)
        adapter = get_account_adapter()
        adapter.send_notification_mail(
            "socialaccount/email/account_disconnected", self.request.user, {"provider": name_of(account)}
        )
        adapter.add_message(self.request, messages.INFO, "socialaccount/messages/account_disconnected.txt")


def name_of(account: SocialAccount) -> str:
    """Return the name of a sign-in's provider, as its button says it."""
    names = {provider.id: provider.name for provider in settings.SIGN_IN_PROVIDERS}
    return names.get(account.provider) or _("%(id)s (no longer offered here)") % {"id": account.provider}


def _stays_open(account: SocialAccount) -> bool:
    """Return whether the account can be entered without this sign-in: by another one, or by a code to a proven address."""
    offered = [provider.id for provider in settings.SIGN_IN_PROVIDERS]
    others = SocialAccount.objects.filter(user=account.user_id, provider__in=offered).exclude(pk=account.pk)
    is_proven: bool = EmailAddress.objects.filter(user=account.user_id, verified=True).exists()
    return is_proven or others.exists()
