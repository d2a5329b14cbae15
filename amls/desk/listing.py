"""Lists of the desk: rows in few bytes, whose forms are made when they are opened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import date
from html import escape
from typing import TYPE_CHECKING, Any

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.contrib.admin.utils import label_for_field, lookup_field, quote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ObjectDoesNotExist
from django.db import models
from django.forms import BaseModelFormSet, ModelForm
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from unfold.utils import display_for_field, display_for_value
from unfold.views import ChangeList as UnfoldList

from amls.desk.zones import ZONE_COLUMN, by_the_clock_of

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin

# What the address names to be edited: a row's key, or all of them.
OPEN, ALL = "edit", "all"
_CHECKBOX = "action_checkbox"
# What a cell says where there is nothing: django-unfold's, and ours.
_NOTHING = ("-", "–", "")
# The ids of what the box and the pen of each row say before its name.
TICK, PEN = "tick", "pen"
# Of fewer rows a column that says the same in all of them is left where it is.
_MANY = 20


class LeadingList(UnfoldList):  # type: ignore[misc]
    """A list that works out once where its rows lead, and not for each."""

    # The name of the view: without one it is the row's form.
    leads_to = ""

    @cached_property
    def around_key(self) -> tuple[str, str]:
        """What stands in an address before and behind the key of a row."""
        name = self.leads_to or f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
        before, _key, behind = reverse(name, args=[0]).rpartition("0")
        return before, behind

    def url_for_result(self, result: models.Model) -> str:
        """Lead to the row's page."""
        before, behind = self.around_key
        return f"{before}{quote(self.key_of(result))}{behind}"

    def key_of(self, result: models.Model) -> Any:
        """Return what the address names."""
        return result.pk


class CourseList(LeadingList):
    """A list of the rows of the course that is chosen at the desk."""

    root_queryset: models.QuerySet[Any]

    def get_queryset(self, request: HttpRequest, *args: Any, **kwargs: Any) -> models.QuerySet[Any]:
        """Narrow it down to the course before what the address says, which decides where it names a course itself."""
        course = self.model_admin.course_of_list(request)
        if course is not None:
            self.root_queryset = self.root_queryset.filter(**{self.model_admin.course_path: course})
        rows: models.QuerySet[Any] = super().get_queryset(request, *args, **kwargs)
        # Each row says its moments by the clock of its course.
        return rows.select_related(self.model_admin.course_path) if ZONE_COLUMN in self.list_display else rows


class PeopleList(CourseList):
    """A list whose rows lead to the page of the person that each is about."""

    leads_to = "desk_person"

    def key_of(self, result: models.Model) -> Any:
        """Return the key of who it is about."""
        return getattr(result, "enrolment_id", result.pk)


class OpenedList(CourseList):
    """A list in which nothing is edited but the row that the address names, or all where it says so."""

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self.opened = request.GET.get(OPEN, "")
        self.can_open = bool(self.model_admin.list_editable) and self.model_admin.has_change_permission(request)
        if request.method == "GET" and not self.opened:
            self.list_editable = ()

    @cached_property
    def around_opened(self) -> tuple[SafeString, SafeString]:
        """What stands before and behind the key of a row in the link that opens it, without the row's place on the page."""
        kept = self.get_query_string({OPEN: None})
        before = format_html('<td class="desk-way-in"><a href="{}{}{}=', kept, "" if kept == "?" else "&", OPEN)
        return before, format_html('" aria-labelledby="{} ', PEN)

    def get_filters_params(self, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Take what is opened for no filter."""
        filters: dict[str, Any] = super().get_filters_params(params)
        filters.pop(OPEN, None)
        return filters


def list_as_left(desk: ModelAdmin[Any], request: HttpRequest) -> str:
    """Return the address of a desk's list with the filters, the search and the page from which one of its rows was opened."""
    address = reverse(f"admin:{desk.opts.app_label}_{desk.opts.model_name}_changelist")
    kept: dict[str, Any] = {"opts": desk.opts, "preserved_filters": desk.get_preserved_filters(request)}
    return str(add_preserved_filters(kept, address))


class OpensRows:
    """An admin class whose `list_editable` is edited row by row; to be named before the admin class."""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Use the list that knows what is opened."""
        return OpenedList

    def get_changelist_formset(self, request: HttpRequest, **kwargs: Any) -> Any:
        """Make forms for what is opened; what is sent says itself which rows it is about."""
        formset: type[BaseModelFormSet[Any, Any]] = super().get_changelist_formset(request, **kwargs)  # type: ignore[misc]
        opened = request.GET.get(OPEN, "")
        if request.method != "GET" or opened == ALL:
            return formset

        class OpenedRows(formset):  # type: ignore[misc, valid-type]
            def get_queryset(self) -> Any:
                return [row for row in super().get_queryset() if str(row.pk) == opened]

        return OpenedRows


@dataclass(frozen=True, slots=True)
class _ListColumn:
    """What is the same in all cells of a column.

    Attributes:
        label: what its head says.
        start: the cell's tag, with its class, still open for its id.
        is_link: whether it leads to the row's form.
        names: whether a row's box, pen and fields are named by what it says: what leads to its form, and what tells it from
            others that say the same there.
        field: of the model, where it shows one.
        method: of the admin class, where that says what it shows.
        look: what says how that reads which no field says: the method, or what the model has of this name.
        said: what its values read in a zone, as HTML: most columns say the same few in all rows.
    """

    name: str
    label: str
    start: SafeString
    end: SafeString
    is_link: bool
    names: bool
    field: Any = None
    method: Any = None
    look: Any = None
    said: dict[Any, SafeString] = dataclass_field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listed:
    """The rows of a list, with columns only for what differs.

    Attributes:
        rows: each a `<tr>`.
        is_shown: whether there is a column, for each that the list has.
        alike: what a column says that says the same in every row, with its label; it is told once, unless it is nothing.
        labels: what phones say before each cell, as styles: once for a list and not once for a cell.
    """

    rows: list[SafeString]
    is_shown: list[bool]
    alike: list[tuple[str, SafeString]]
    labels: SafeString


def listed(cl: ChangeList) -> Listed:
    """Return the rows of a list: what columns have in common is worked out once, not per row."""
    columns = list(_columns(cl))
    forms = {form.instance.pk: form for form in cl.formset.forms} if cl.formset else {}
    opens = cl if isinstance(cl, OpenedList) and cl.can_open else None
    said = _AllRows(
        format_html('<input type="checkbox" class="action-select" name="{}" value="', ACTION_CHECKBOX_NAME),
        format_html('" aria-labelledby="{} ', TICK),
        [place for place, column in enumerate(columns) if column.names],
        cl.model_admin.get_empty_value_display(),
    )
    table = [_cells(cl, columns, row, forms.get(row.pk), said) for row in cl.result_list]
    # What groups rows is told once also of few, where there is one group.
    once = (ZONE_COLUMN, *getattr(cl.model_admin, "told_once", ()))
    is_shown = [
        bool(forms)
        or column.names
        or (len(table) < _MANY and column.name not in once)
        or not table
        or any(cells[place] != table[0][place] for cells in table)
        for place, column in enumerate(columns)
    ]
    shown = [(place, column) for place, column in enumerate(columns) if is_shown[place]]
    rows = []
    for row, cells in zip(cl.result_list, table, strict=True):
        form, key = forms.get(row.pk), escape(str(row.pk))
        idents = [f' id="{place}-{key}"' if column.names else "" for place, column in shown]
        parts = [
            f"{column.start}{ident}>{cells[place]}{column.end}"
            for ident, (place, column) in zip(idents, shown, strict=True)
        ]
        if opens is not None:
            parts.append(_way_in(opens, row, form, said))
        if form is not None and form.non_field_errors():
            rows.append(format_html('<tr><td colspan="{}">{}</td></tr>', len(parts), form.non_field_errors()))
        rows.append(SafeString(f"<tr>{''.join(parts)}</tr>\n"))
    return Listed(
        rows,
        is_shown,
        [
            (column.label, table[0][place])
            for place, column in enumerate(columns)
            if not is_shown[place] and table[0][place] not in _NOTHING
        ],
        _labels([column.label for _place, column in shown]),
    )


def _labels(labels: list[str]) -> SafeString:
    """Return the styles that say before each cell of a phone's card what it is."""
    said = "".join(
        f'#result_list tbody>tr>:nth-child({place})::before{{content:"{_in_css(label)}"}}'
        for place, label in enumerate(labels, start=1)
        if label
    )
    return mark_safe(f"@media screen and (width<64rem){{{said}}}")  # noqa: S308 - escaped for CSS


def _in_css(text: str) -> str:
    # What isn't a letter, a digit or a space is written by its number, which no style and no tag can break out of.
    return "".join(sign if sign.isalnum() or sign == " " else f"\\{ord(sign):x} " for sign in text)


def way_to_all(cl: ChangeList) -> SafeString | None:
    """Return the link that opens all rows of a list that opens some, or None."""
    if not (isinstance(cl, OpenedList) and cl.can_open):
        return None
    if cl.opened == ALL:
        return mark_safe(conditional_escape(_("Edit")))  # noqa: S308 - escaped
    return format_html(
        '<a href="{}" title="{}" aria-label="{}"></a>', cl.get_query_string({OPEN: ALL}), *[_("Edit all")] * 2
    )


def _columns(cl: ChangeList) -> Iterator[_ListColumn]:
    links, is_first_link = list(cl.list_display_links), True
    told_apart_by = getattr(cl.model_admin, "told_apart_by", ())
    has_controls = _CHECKBOX in cl.list_display or bool(cl.model_admin.list_editable)
    for name in map(str, cl.list_display):
        if name == _CHECKBOX:
            start, end = mark_safe('<td class="action-checkbox"'), mark_safe("</td>")
            yield _ListColumn(name, "", start, end, is_link=False, names=False)
            continue
        label = label_for_field(name, cl.model, model_admin=cl.model_admin)
        is_link = name in links or (is_first_link and not links)
        tag = "th" if is_link and is_first_link else "td"
        is_first_link = is_first_link and not is_link
        scope = mark_safe(' scope="row"') if tag == "th" else ""
        start = format_html('<{}{} class="field-{}"', tag, scope, name)
        field = _field_of(cl.model, name)
        method = getattr(cl.model_admin, name, None) if field is None and name != "__str__" else None
        look = method or getattr(cl.model, name, None)
        names = has_controls and (is_link or name in told_apart_by)
        yield _ListColumn(name, str(label), start, format_html("</{}>", tag), is_link, names, field, method, look)


def _field_of(model: type[models.Model], name: str) -> Any:
    """Return the field that a column shows, or None where it shows something else."""
    fields = model._meta.fields  # noqa: SLF001 - Django's documented name
    return next((field for field in fields if field.name == name and not field.auto_created), None)


@dataclass(frozen=True, slots=True)
class _AllRows:
    """What is the same in all rows.

    Attributes:
        before_key: the box to tick, up to the key of its row.
        behind_key: the box from there up to the name of its row.
        naming: the places of the columns that name a row.
        empty: what stands for nothing.
    """

    before_key: SafeString
    behind_key: SafeString
    naming: list[int]
    empty: str

    def name_of(self, row: models.Model) -> str:
        """Return the ids of the cells that name a row."""
        key = escape(str(row.pk))
        return " ".join(f"{place}-{key}" for place in self.naming)


def _cells(
    cl: ChangeList, columns: list[_ListColumn], row: models.Model, form: ModelForm[Any] | None, said: _AllRows
) -> list[SafeString]:
    """Return what stands in the cells of a row; where rows are of several zones, by the clock of its course."""
    desk: Any = cl.model_admin
    with by_the_clock_of(desk.course_of(row) if ZONE_COLUMN in cl.list_display else None):
        return [_cell(cl, column, row, form, said) for column in columns]


def _cell(
    cl: ChangeList, column: _ListColumn, row: models.Model, form: ModelForm[Any] | None, said: _AllRows
) -> SafeString:
    """Return what stands in a cell, as HTML."""
    if column.name == _CHECKBOX:
        return SafeString(f'{said.before_key}{escape(str(row.pk))}{said.behind_key}{said.name_of(row)}">')
    if form is not None and column.name in form.fields:
        field = form[column.name]
        # Named by itself and by its row.
        idents = f"{field.id_for_label} {said.name_of(row)}"
        named: dict[str, str | bool] = {"aria-label": capfirst(column.label), "aria-labelledby": idents}
        errors = format_html('<div class="desk-wrong">{}</div>', field.errors) if field.errors else ""
        return format_html("{}{}", field.as_widget(attrs=named), errors)
    text = _shown(cl, column, row, said.empty)
    if column.is_link:
        chosen = row.serializable_value(cl.to_field) if cl.to_field else row.pk
        opener = format_html(' data-popup-opener="{}"', chosen) if cl.is_popup else ""
        text = SafeString(f'<a href="{escape(_address(cl, row))}"{opener}>{text}</a>')
    return text


def _shown(cl: ChangeList, column: _ListColumn, row: models.Model, empty: str) -> SafeString:
    """Return what a cell says, as the admin of Django says it."""
    try:
        if column.field is not None:
            value = getattr(row, column.name)
        elif column.method is not None:
            value = column.method(row)
        else:
            _field, _attribute, value = lookup_field(column.name, row, cl.model_admin)
    except ObjectDoesNotExist:
        return conditional_escape(empty)
    if isinstance(value, SafeString):
        return value
    if column.field is None and not isinstance(value, str | bool | date):
        # Of other kinds, values that are equal may read differently.
        return conditional_escape(_said(column, value, empty))
    key = (timezone.get_current_timezone(), value)
    try:
        return column.said[key]
    except KeyError:
        column.said[key] = text = conditional_escape(_said(column, value, empty))
        return text
    except TypeError:
        # Lists can't be looked up.
        return conditional_escape(_said(column, value, empty))


def _said(column: _ListColumn, value: Any, empty: str) -> Any:
    """Return what a value of a column reads."""
    if column.field is None:
        empty = getattr(column.look, "empty_value_display", empty)
        return display_for_value(value, empty, getattr(column.look, "boolean", False))
    if isinstance(column.field.remote_field, models.ManyToOneRel):
        return empty if value is None else value
    return display_for_field(value, column.field, empty)


def _address(cl: ChangeList, row: models.Model) -> str:
    address, kept = cl.url_for_result(row), cl.preserved_filters
    return f"{address}?{kept}" if kept and not isinstance(cl, PeopleList) else address


def _way_in(cl: OpenedList, row: models.Model, form: ModelForm[Any] | None, said: _AllRows) -> str:
    if form is not None:
        return '<td class="desk-way-in"></td>'
    (before, behind), named = cl.around_opened, said.name_of(row)
    return f'{before}{escape(str(row.pk))}#{named.partition(" ")[0]}{behind}{named}"></a></td>'
