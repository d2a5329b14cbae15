"""The history of rows, in words."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from amls.core.times import say_moment
from amls.courses.models import User


def describe_events(events: Iterable[Any]) -> list[dict[str, Any]]:
    """Return history rows in words: when, who, what kind, and the fields with old and new value."""
    labels = {"insert": _("added"), "update": _("changed"), "delete": _("removed")}
    people = {}
    described = []
    for event in events:
        context = event.pgh_context or {}
        user_pk = context.get("user")
        if user_pk and user_pk not in people:
            people[user_pk] = str(User.objects.filter(pk=user_pk).first() or _("a deleted account"))
        described.append(
            {
                "when": event.pgh_created_at,
                "who": people.get(user_pk, _("the system")),
                "what": labels.get(event.pgh_label, event.pgh_label),
                "model": capfirst(_model_of(event)._meta.verbose_name),  # noqa: SLF001 - documented
                "reason": context.get("reason", ""),
                "diff": [
                    _in_words(_model_of(event), name, values) for name, values in sorted((event.pgh_diff or {}).items())
                ],
            }
        )
    return described


def _model_of(event: Any) -> type[Model]:
    return apps.get_model(event.pgh_obj_model)


def _in_words(model: type[Model], name: str, values: Iterable[Any]) -> tuple[str, list[object]]:
    """Return a field and its values as its forms show them; by its name where the model has it no more."""
    try:
        field: Any = model._meta.get_field(name.removesuffix("_id"))  # noqa: SLF001 - Django's documented way
    except FieldDoesNotExist:
        return name, [_in_local_time(value) for value in values]
    label = getattr(field, "verbose_name", name)
    return capfirst(str(label)), [_value_in_words(field, value) for value in values]


def _value_in_words(field: Any, value: Any) -> object:
    """Return a value as the forms of its field show it: choices by their labels, rows by their names."""
    if isinstance(value, list) and hasattr(field, "base_field"):
        return ", ".join(str(_value_in_words(field.base_field, part)) for part in value)
    if field.is_relation and value is not None:
        return str(field.related_model._default_manager.filter(pk=value).first() or _("one that was removed"))  # noqa: SLF001
    words = {**dict(getattr(field, "flatchoices", ())), True: _("yes"), False: _("no")}
    said = words.get(value, value) if isinstance(value, str | bool) else value
    return _in_local_time(str(said) if isinstance(said, Promise) else said)


def _in_local_time(value: object) -> object:
    """Return what a row held as people read it: the history keeps moments as UTC in ISO 8601."""
    try:
        moment: datetime | None = parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        return value
    if moment is None or moment.tzinfo is None:
        return value
    return say_moment(moment, to_the_second=True)
