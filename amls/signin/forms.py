"""What somebody types whose provider says too little of them."""

from typing import Any

from allauth.socialaccount.forms import SignupForm
from django.http import HttpRequest

from amls.signin.adapter import wait_for_account


class OwnAddressForm(SignupForm):  # type: ignore[misc]
    """At which address somebody reads mail, where their provider does not say so."""

    def try_save(self, request: HttpRequest) -> Any:
        """Make the account; where there is one with the address, let the sign-in wait until it is proven, as the mail says."""
        if self.account_already_exists:
            wait_for_account(request, self.sociallogin, addresses=[self.cleaned_data["email"]])
        return super().try_save(request)
