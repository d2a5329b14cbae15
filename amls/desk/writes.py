"""By which services the desk writes: every admin class says so, and saves and deletes through nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms import BaseModelFormSet
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from amls.core.preview import AGREED, SEAL
from amls.core.request import now_of
from amls.core.sent_twice import add_once
from amls.core.violations import RuleViolation
from amls.courses.accounts import user_or_none

# The row, as the form has filled it; `by` whom it is saved, and `now`.
Write = Callable[..., Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Writes:
    """The services that write the rows of an admin class, each called as `service(row, by=…, now=…)`.

    `by` is who writes, of the desk's staff: for services that keep it in a row or a log. History notes it in any case.

    Attributes:
        save: keeps a new or changed row; None: nobody adds or changes any with the desk's own form.
        delete: None: nobody deletes any.
        has_pages: pages of the class write rows, each through a service of its own.
    """

    save: Write | None = None
    delete: Write | None = None
    has_pages: bool = False

    @property
    def keeps(self) -> bool:
        """Whether rows are added or changed at the desk."""
        return self.save is not None or self.has_pages


# Rows that the desk shows.
NOTHING = Writes()
# Rows that pages of the admin class write, each through a service.
BY_PAGES = Writes(has_pages=True)


class ThroughServices(ModelAdmin):  # type: ignore[misc]
    """What the desk's forms save and delete goes through the services of `writes`; what has none is not offered.

    Attributes:
        agreed_by: what a form sends to agree to what was shown; it says nothing of the row.
    """

    writes: Writes
    agreed_by: tuple[str, ...] = (AGREED, SEAL)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let nobody add what nothing saves."""
        return self.writes.keeps and super().has_add_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let nobody change what nothing saves."""
        return self.writes.keeps and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let nobody delete what nothing deletes."""
        return self.writes.delete is not None and super().has_delete_permission(request, obj)

    def told(self, request: HttpRequest, row: Any, result: Any) -> None:
        """Tell what a service returned, where that says something."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Keep a row through its service; a new one once, also where its form is sent twice.

        Raises:
            SentTwice: it was added before.
        """
        if not change:
            add_once(request, but=self.agreed_by)
        self.told(request, obj, call(self.writes.save, request, obj))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete a row through its service."""
        self.told(request, obj, call(self.writes.delete, request, obj))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Delete rows through their service, all or none."""
        for row in queryset.order_by("pk"):
            self.delete_model(request, row)

    def save_formset(self, request: HttpRequest, form: Any, formset: BaseModelFormSet[Any, Any], change: bool) -> None:
        """Keep and delete what belongs to a row through the services of its inline."""
        writes = next(inline.writes for inline in self.inlines if inline.model is formset.model)
        rows = formset.save(commit=False)
        for row in formset.deleted_objects:
            call(writes.delete, request, row)
        for row in rows:
            call(writes.save, request, row)
        formset.save_m2m()


def call(service: Write | None, request: HttpRequest, row: Any) -> Any:
    """Write a row through a service, as whoever is signed in.

    Raises:
        RuleViolation: the service refuses.
    """
    if service is None:
        raise TypeError(f"Nothing at the desk writes {row._meta.label}.")  # noqa: SLF001 - Django's public name for it
    now = now_of(request)
    try:
        return service(row, by=user_or_none(request), now=now)
    except ValidationError as error:
        raise RuleViolation(" ".join(error.messages), code="invalid") from error


@register()
def check_writes(app_configs: object, **kwargs: object) -> Iterable[CheckMessage]:
    """Find classes of the desk that don't say what saves and deletes their rows."""
    return list(without_services(admin.site._registry.values()))  # noqa: SLF001 - Django offers no other way


def without_services(admins: Iterable[admin.ModelAdmin[Any]]) -> Iterator[CheckMessage]:
    """Name the classes that don't say by which services they write, and those of their inlines."""
    for model_admin in admins:
        for admin_class in (type(model_admin), *model_admin.inlines):
            if not isinstance(getattr(admin_class, "writes", None), Writes):
                yield Error(
                    f"{admin_class.__module__}.{admin_class.__qualname__} does not say by which services it writes.",
                    hint="Give it `writes = Writes(save=…, delete=…)`, NOTHING or BY_PAGES (amls/desk/writes.py).",
                    obj=admin_class,
                    id="desk.E001",
                )
