"""Accounts at the desk."""

from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.translation import gettext as _

from amls.accounts.forms import UserForm
from amls.accounts.services import enter_address, save_account
from amls.courses.models import User
from amls.courses.vouched import vouched_number
from amls.desk.site import SuperuserAdmin
from amls.desk.writes import Writes
from amls.privacy.registry import delete_account


def forget_account(account: User, *, by: User | None, now: datetime) -> None:
    """Forget a person as they can themselves: what a team made together stays, without the name."""
    delete_account(user=account, now=now)


@admin.register(User)
class UserAdmin(SuperuserAdmin):
    """Accounts; for those who run the installation."""

    writes = Writes(save=save_account, delete=forget_account)
    list_display = ("email", "display_name", "matriculation_number", "is_active", "is_superuser")
    ordering = ("email",)
    list_filter = ("is_active", "is_superuser")
    search_fields = ("email", "display_name", "matriculation_number")
    fields = (
        "email", "display_name", "matriculation_number", "language", "is_active",
        "is_superuser", "date_joined", "last_login",
    )  # fmt: skip
    readonly_fields = ("date_joined", "last_login")
    form = UserForm

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """Let alone what a provider of sign-ins says of the person: it changes it."""
        fields = super().get_readonly_fields(request, obj)
        if obj is None:
            return (*fields,)
        said = {"display_name": obj.is_name_verified, "matriculation_number": bool(vouched_number(obj))}
        return (*fields, *(name for name, is_said in said.items() if is_said))

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Save; a new address of an account waits until it is proven."""
        wanted = obj.email
        if change:
            obj.email = form.initial["email"]
        super().save_model(request, obj, form, change)
        if change and wanted != obj.email and enter_address(user=obj, email=wanted, request=request):
            said = _(
                "A mail asks for a sign-in with a code that is sent to %(email)s; then it takes the place of the "
                "present address, to which this is told. Until then nothing changes."
            )
            messages.warning(request, said % {"email": wanted})
