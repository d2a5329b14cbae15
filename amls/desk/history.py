"""The history of rows, in words."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from pghistory.models import Events

from amls.core.times import say_moment
from amls.courses.models import User

_NOTHING: Mapping[str, Callable[[dict[str, Any]], str]] = {}


def describe_events(
    events: Iterable[Any],
    *,
    about: Collection[str] = (),
    said: Collection[str] = (),
    which: Mapping[str, Callable[[dict[str, Any]], str]] = _NOTHING,
) -> list[dict[str, Any]]:
    """Return history rows in words: when, who, what kind, and the fields with old and new value.

    Args:
        events: of `Events`.
        about: the columns of rows that say what a row is about, such as whose it is.
        said: the columns whose values are said also of a row that was added or removed.
        which: by the label of a model, such as 'lectures.Chapter', what returns which one it is from a row's columns.

    A query for the events, one for whoever made them, and one for each model whose rows they name, however many.
    """
    labels = {"insert": _("added"), "update": _("changed"), "delete": _("removed")}
    events = list(events)
    names = _Names(events, about)
    described = []
    for event in events:
        context = event.pgh_context or {}
        model = _model_of(event)
        described.append(
            {
                "when": event.pgh_created_at,
                "who": names.of(User, context["user"], _("a deleted account"))
                if context.get("user")
                else _("the system"),
                "what": labels.get(event.pgh_label, event.pgh_label),
                "model": _named(event, model, about, names, which.get(event.pgh_obj_model)),
                "reason": context.get("reason", ""),
                "diff": [
                    _in_words(model, name, values, names) for name, values in sorted(_differences(event, said).items())
                ],
            }
        )
    return described


def last_change(row: Model, name: str) -> tuple[str, str] | None:
    """Return who changed a field of a row last, and what is there since, in words; None where no history says so."""
    field = _field_of(type(row), name)
    label = capfirst(str(field.verbose_name)) if field is not None and hasattr(field, "verbose_name") else name
    events: Any = Events.objects
    for event in describe_events(events.references(row).order_by("-pgh_created_at")):
        for changed, values in event["diff"]:
            if changed == label:
                return event["who"], "" if values[-1] is None else str(values[-1])
    return None


def last_writer(row: Model, *, of: str = "", **columns: Any) -> str | None:
    """Return who wrote a row last, or one of those that belong to it; None where no history says so.

    Args:
        row: the row.
        of: the label of a model, such as 'lectures.Chapter': who wrote last a row of it that belongs to `row`, or took it away.
        columns: what that row held.
    """
    events: Any = Events.objects
    if of:
        belonging = {f"pgh_data__{name}": value for name, value in columns.items()}
        about = events.references(row).filter(pgh_obj_model=of, **belonging)
    else:
        # What only names the row, such as a file of it, is another's.
        about = events.tracks(row)
    # What one transaction wrote has one time.
    described = describe_events(about.order_by("-pgh_created_at", "-pgh_id")[:1])
    return described[0]["who"] if described else None


class _Names:
    """What the rows that some events name are called, read for all of them at once."""

    def __init__(self, events: Iterable[Any], about: Collection[str] = ()) -> None:
        wanted: dict[type[Model], set[Any]] = defaultdict(set)
        for event in events:
            wanted[User].add((event.pgh_context or {}).get("user"))
            for name, values in (event.pgh_diff or {}).items():
                field = _field_of(_model_of(event), name)
                if field is not None and field.is_relation:
                    wanted[field.related_model].update(values)
            for name in about:
                if (field := _field_of(_model_of(event), name)) is not None:
                    wanted[field.related_model].add((event.pgh_data or {}).get(name))
        self._names = {model: self._read(model, keys - {None}) for model, keys in wanted.items()}

    @staticmethod
    def _read(model: type[Model], keys: Collection[Any]) -> dict[Any, str]:
        if not keys:
            return {}
        rows = model._default_manager.filter(pk__in=keys)  # noqa: SLF001 - Django's documented name
        # What a row is called may name another: its person, its course.
        joined = [field.name for field in model._meta.fields if field.is_relation]  # noqa: SLF001
        return {str(row.pk): str(row) for row in rows.select_related(*joined)}

    def of(self, model: type[Model], key: Any, else_: str) -> str:
        """Return what a row is called."""
        return self._names.get(model, {}).get(str(key), else_)


def _named(
    event: Any,
    model: type[Model],
    about: Collection[str],
    names: _Names,
    which_one: Callable[[dict[str, Any]], str] | None,
) -> str:
    """Return what kind of row it is and, where that is told apart, which."""
    kind = capfirst(str(model._meta.verbose_name))  # noqa: SLF001 - documented
    which = [
        names.of(field.related_model, key, _("one that was removed"))
        for name in about
        if (key := (event.pgh_data or {}).get(name)) is not None and (field := _field_of(model, name)) is not None
    ]
    if which_one is not None and event.pgh_data:
        which.append(which_one(event.pgh_data))
    return f"{kind} ({', '.join(which)})" if which else kind


def _differences(event: Any, said: Collection[str]) -> dict[str, Any]:
    """Return what an event changed, and of a row that was added or removed what it said."""
    if event.pgh_diff or event.pgh_label not in {"insert", "delete"}:
        return dict(event.pgh_diff or {})
    kept = {name: value for name in said if (value := (event.pgh_data or {}).get(name)) not in (None, "")}
    is_new = event.pgh_label == "insert"
    return {name: [None, value] if is_new else [value, None] for name, value in kept.items()}


def _model_of(event: Any) -> type[Model]:
    return apps.get_model(event.pgh_obj_model)


def _field_of(model: type[Model], name: str) -> Any:
    """Return the field that a history keeps by a name; None where the model has it no more."""
    try:
        return model._meta.get_field(name.removesuffix("_id"))  # noqa: SLF001 - Django's documented way
    except FieldDoesNotExist:
        return None


def _in_words(model: type[Model], name: str, values: Iterable[Any], names: _Names) -> tuple[str, list[object]]:
    """Return a field and its values as its forms show them; by its name where the model has it no more."""
    field = _field_of(model, name)
    if field is None:
        return name, [_in_local_time(value) for value in values]
    label = getattr(field, "verbose_name", name)
    return capfirst(str(label)), [_value_in_words(field, value, names) for value in values]


def _value_in_words(field: Any, value: Any, names: _Names) -> object:
    """Return a value as the forms of its field show it: choices by their labels, rows by their names."""
    if isinstance(value, list) and hasattr(field, "base_field"):
        return ", ".join(str(_value_in_words(field.base_field, part, names)) for part in value)
    if field.is_relation and value is not None:
        return names.of(field.related_model, value, _("one that was removed"))
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
