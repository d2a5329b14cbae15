"""What the site knows of me, to take along or to have forgotten."""

from allauth.account.adapter import get_adapter
from allauth.account.decorators import reauthentication_required
from django import forms
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from amls.core.request import now_of
from amls.core.violations import RuleViolation
from amls.courses.accounts import user_of
from amls.courses.models import User
from amls.exports.archive import NAME
from amls.exports.views.offer import document
from amls.mail.account_mail import addresses_of
from amls.privacy.registry import delete_account, retentions


class DeleteForm(forms.Form):
    """The person's own address, typed, so that no slip deletes an account."""

    email = forms.EmailField(label=gettext_lazy("Your e-mail address, to confirm"))

    def __init__(self, *args: object, user: User, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self._user = user

    def clean_email(self) -> str:
        """Accept this person's address only."""
        typed: str = self.cleaned_data["email"]
        if typed.casefold() != self._user.email.casefold():
            raise forms.ValidationError(_("This is not the address of your account."), code="other-address")
        return typed


@login_required
@require_safe
@never_cache
def mine(request: HttpRequest) -> HttpResponse:
    """My data: take it along, see how long it is kept, have it forgotten."""
    return render(request, "exports/data.html", {"retentions": retentions()})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def archive(request: HttpRequest) -> HttpResponseBase:
    """Everything as one zip."""
    return document(request, kind=NAME)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def delete(request: HttpRequest) -> HttpResponse:
    """Delete my account, after signing in again and typing its address."""
    response: HttpResponse = _delete(request)
    return response


@reauthentication_required  # type: ignore[untyped-decorator]
def _delete(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    form = DeleteForm(request.POST or None, user=user)
    problem = ""
    if request.method == "POST" and form.is_valid():
        addresses = addresses_of(user)
        try:
            delete_account(user=user, now=now_of(request))
        except RuleViolation as violation:
            problem = str(violation.message)
        else:
            get_adapter().tell_each(addresses, "account/email/account_deleted", {})
            logout(request)
            messages.success(request, _("Your account is deleted. What your team handed in stays, without your name."))
            return redirect("/")
    context = {"form": form, "problem": problem}
    return render(request, "exports/delete.html", context, status=422 if problem or form.errors else 200)
