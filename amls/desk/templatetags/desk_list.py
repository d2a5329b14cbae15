"""The rows of a list of the desk."""

from typing import Any

from django import template
from django.contrib.admin.templatetags.admin_list import result_hidden_fields
from django.contrib.admin.views.main import ChangeList
from unfold.templatetags.unfold_list import result_headers

from amls.desk.listing import listed, way_to_all
from amls.desk.own_changes import shown_in
from amls.desk.problems import FormProblem, problems_in_list

register = template.Library()


@register.simple_tag
def list_problems(cl: ChangeList) -> list[FormProblem]:
    """Return what is to be mended in a list; to be asked before its rows are shown."""
    return problems_in_list(cl.formset) if cl.formset else []


@register.inclusion_tag("admin/desk_rows.html")
def desk_rows(cl: ChangeList) -> dict[str, Any]:
    """Show the head and the rows of a list, or that there are none."""
    shown = listed(cl)
    headers = [header for header, is_shown in zip(result_headers(cl), shown.is_shown, strict=True) if is_shown]
    to_all = way_to_all(cl)
    if to_all is not None:
        headers.append({"text": to_all, "sortable": False, "class_attrib": "desk-way-in"})
    return {
        "cl": cl,
        "result_hidden_fields": result_hidden_fields(cl),
        "result_headers": headers,
        "num_sorted_fields": sum(bool(header.get("sorted")) for header in headers),
        "listed": shown,
        "seen": shown_in(cl.formset.forms) if cl.formset else "",
    }
