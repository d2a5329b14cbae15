"""What kinds of rows and roles of columns are called, in the reader's language."""

from django.utils.translation import gettext as _

from amls.portal.takeover.understanding import columns, kinds


def kind_label(kind: str) -> str:
    """Return what a kind of row is called."""
    return {
        kinds.LECTURE: _("lecture"),
        kinds.EXERCISE: _("exercise"),
        kinds.LAB: _("lab"),
        kinds.TUTORIAL: _("tutorial"),
        kinds.SEMINAR: _("seminar"),
        kinds.OTHER: _("other session"),
        kinds.FREE: _("no class"),
        kinds.DEADLINE: _("deadline"),
        kinds.EXAM: _("exam"),
    }.get(kind, kind)


def role_label(role: str) -> str:
    """Return what a role of a column is called."""
    group, _colon, kind = role.partition(":")
    if group == "sessions":
        return kind_label(kind)
    return {
        columns.DATE: _("date"),
        columns.WEEKDAY: _("weekday"),
        columns.WEEK: _("week"),
        columns.TIME: _("time"),
        columns.BEGINS: _("begin"),
        columns.ENDS: _("end"),
        columns.NUMBER: _("number"),
        columns.TITLE: _("title"),
        columns.DETAILS: _("description"),
        columns.KIND: _("kind"),
        columns.ROOM: _("room"),
        columns.PEOPLE: _("people"),
        columns.DUE: _("what is due"),
        columns.WORK: _("work to do"),
        columns.STATUS: _("state"),
        columns.MODE: _("mode"),
        columns.GRID: _("day of the week, with its sessions"),
        "materials:slides": _("slides"),
        "materials:notes": _("notes"),
        "materials:recording": _("recording"),
        "materials:reading": _("reading"),
        "materials:code": _("code"),
        "materials:other": _("materials"),
    }.get(role, _("not read"))
