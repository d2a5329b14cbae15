"""What can be exported of a whole course: its schedule to pin to a door, all my dates as a calendar file."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from icalendar import Calendar

from amls.agenda.feeds import own_entries, personal_feed_url
from amls.agenda.ical import render_feed
from amls.agenda.models import AgendaItem, ItemKind
from amls.core.decimals import say_decimal
from amls.courses.models import Course, Enrolment
from amls.courses.permissions import may_manage
from amls.exports.kinds import ICS, PDF, ExportKind, Order, Progress, may_see_course, offer
from amls.exports.pdf import render_pdf
from amls.portal.gradebook.columns import columns_of
from amls.portal.gradebook.paper import sheets_of
from amls.portal.gradebook.rows import whole_sum
from amls.portal.gradebook.standings import GRADEBOOK, BookQuery, is_any_late, standings
from exams.admission import LABELS, AdmissionState
from lectures.queries import lectures_of
from projects.models import Assignment
from projects.states import ProjectState

SHORT, LONG, MY_DATES = "portal.schedule", "portal.schedule-long", "portal.my-dates"


def _revision(order: Order) -> str:
    return str(order.course.revision) if order.course is not None else ""


def _schedule_context(order: Order) -> dict[str, Any]:
    course = order.course
    assert course is not None  # noqa: S101 - `allows` says so
    lectures = lectures_of(course)
    ordered = sorted(lectures, key=lambda lecture: lecture.part.position if lecture.part else -1)
    agenda = AgendaItem.objects.visible_to(None).filter(course=course).present()
    dates = sorted(
        agenda.filter(kind__in=[ItemKind.DEADLINE, ItemKind.EXAM, ItemKind.OPENING]),
        key=lambda item: (item.moment, item.key),
    )
    return {
        # Days of the year in which the course begins stand without it.
        "year": next((day for lecture in lectures if (day := lecture.held_on)), None),
        "parts": [(part, list(group)) for part, group in groupby(ordered, key=lambda lecture: lecture.part)],
        "key_dates": dates,
        "staff": list(course.staff.all()),
        "office_hours": list(course.office_hours.all()),
        "assignment": Assignment.objects.main_of(course),
    }


def _write_short(order: Order, progress: Progress) -> Iterator[bytes]:
    yield _render(order, _schedule_context(order), progress, on_one_page=True)


def _write_long(order: Order, progress: Progress) -> Iterator[bytes]:
    yield _render(order, {**_schedule_context(order), "is_long": True}, progress)


def _render(order: Order, context: dict[str, Any], progress: Progress, *, on_one_page: bool = False) -> bytes:
    progress(1, 3)
    title = _("Schedule: %(course)s") % {"course": order.course}
    content = render_pdf("portal/pdf/schedule.html", context, title=title, order=order, on_one_page=on_one_page)
    progress(3, 3)
    return content


def _my_enrolments(order: Order) -> list[Enrolment]:
    rows = Enrolment.objects.filter(user=order.user).exclude(course__state=Course.State.DRAFT, role="student")
    return list(rows.select_related("course", "user").order_by("course__first_day", "pk"))


def _write_my_dates(order: Order, progress: Progress) -> Iterator[bytes]:
    enrolments = _my_enrolments(order)
    whole: Calendar | None = None
    zones: set[str] = set()
    for done, enrolment in enumerate(enrolments, start=1):
        course = enrolment.course
        entries = own_entries(enrolment, now=order.now)
        source = personal_feed_url(enrolment)
        calendar = Calendar.from_ical(
            render_feed(
                course,
                entries,
                name=_("My courses"),
                source=source,
                shows_call_in=True,
                with_refresh=False,
                names_course=len(enrolments) > 1,
            )
        )
        if whole is None:
            whole = Calendar()
            for name in ("version", "prodid", "calscale", "name", "x-wr-calname"):
                whole[name] = calendar[name]
        for component in calendar.subcomponents:
            if component.name == "VTIMEZONE":
                if str(component["TZID"]) in zones:
                    continue
                zones.add(str(component["TZID"]))
            whole.add_component(component)
        progress(done, len(enrolments))
    if whole is not None:
        yield bytes(whole.to_ical())


def _write_gradebook(order: Order, progress: Progress) -> Iterator[bytes]:
    course = order.course
    assert course is not None  # noqa: S101 - `allows` says so
    asked = BookQuery.of(order.parameters)
    columns = columns_of(course).only(asked.column).unfolded(asked.tasks)
    rows = standings(course, now=order.now, asked=asked, columns=columns)
    progress(1, 3)
    context = {
        "rows": rows,
        "parts": sheets_of(rows, columns),
        "late": is_any_late(rows),
        "whole": say_decimal(whole_sum(rows).points),
        "has_rules": any(row.findings for row in rows),
        "has_project": columns.has_project,
        "asked": asked,
        "state": ProjectState(asked.state).label if asked.state in ProjectState.values else "",
        "admission": LABELS[AdmissionState(asked.admission)] if asked.admission in set(AdmissionState) else "",
    }
    title = _("Gradebook: %(course)s") % {"course": course}
    yield render_pdf("portal/pdf/gradebook.html", context, title=title, order=order, paper="A4 landscape")
    progress(3, 3)


offer(
    ExportKind(
        name=GRADEBOOK,
        label=gettext_lazy("Gradebook"),
        media=PDF,
        allows=lambda order: (
            order.user is not None and order.course is not None and may_manage(order.user, order.course)
        ),
        # It joins what every app knows: fresh for the minute.
        content_key=lambda order: f"{order.now:%Y-%m-%dT%H:%M}",
        write=_write_gradebook,
        filename=lambda order: f"{order.course.slug}-gradebook.pdf" if order.course else "gradebook.pdf",
    )
)
offer(
    ExportKind(
        name=SHORT,
        label=gettext_lazy("Schedule on one page"),
        media=PDF,
        allows=may_see_course,
        content_key=_revision,
        write=_write_short,
        filename=lambda order: f"{order.course.slug}-schedule.pdf" if order.course else "schedule.pdf",
        is_public=True,
        is_quick=True,
    )
)
offer(
    ExportKind(
        name=LONG,
        label=gettext_lazy("Schedule with abstracts"),
        media=PDF,
        allows=may_see_course,
        content_key=_revision,
        write=_write_long,
        filename=lambda order: f"{order.course.slug}-schedule-long.pdf" if order.course else "schedule.pdf",
        is_public=True,
    )
)
offer(
    ExportKind(
        name=MY_DATES,
        label=gettext_lazy("All my courses as a calendar file"),
        media=ICS,
        allows=lambda order: order.user is not None,
        content_key=lambda order: str(
            [
                (enrolment.course_id, enrolment.course.revision, enrolment.revision)
                for enrolment in _my_enrolments(order)
            ]
        ),
        write=_write_my_dates,
        filename=lambda order: "my-courses.ics",
        is_quick=True,
    )
)
