"""What is printed of an exam: the admission slip, the list for the door, the plan of a room."""

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models import Count, Max
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from amls.core.decimals import say_grade
from amls.core.times import say_day, say_span
from amls.courses.permissions import may_manage
from amls.exports.kinds import PDF, XLSX, ExportKind, Order, Progress, Writer, offer
from amls.exports.pdf import qr_code, render_pdf
from amls.files.tables.writing import Cell, write_xlsx
from exams.admission import admissions_of
from exams.models import FAILED, GRADES, Accommodation, AdmissionDecision, Exam, Registration, Room, Seat
from exams.naming import file_stem, known_by
from exams.oralday import Extent, dates_of, plan_of, stem_of, stem_of_person
from exams.permissions import slip_code

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

# Empty lines for people who come without a registration.
_WALK_INS = 3
# A longer name of a room would take lines in each row of a list.
_ROOM_IN_A_ROW = 16
# Of a sheet of minutes, for topics and questions: as many as leave room for the grade and the signatures on one page.
_LINES_OF_MINUTES = 15


def _titled(what: str, exam: Exam) -> str:
    """Return the title of a paper: what it is, of which exam, when, of which course. Papers of all exams lie in one folder."""
    return f"{what}: {exam}, {say_day(exam.starts_at)}, {say_span(exam.starts_at, exam.ends_at)} ({exam.course})"


def _named(what: str) -> Callable[[Order], str]:
    """Return how the file of a paper of an exam is called; `what` is its ending with the word before it, as 'door.pdf'."""

    def name(order: Order) -> str:
        exam = _exam_of(order) if "exam" in order.parameters else getattr(_slip_of(order), "exam", None)
        return f"{file_stem(exam)}-{what}" if exam is not None else what

    return name


# ── the admission slip ──


def _slip_of(order: Order) -> Registration | None:
    registrations = Registration.objects.with_people().select_related("seat__room")
    return registrations.filter(pk=order.parameters["registration"], course=order.course).first()


def _may_have_slip(order: Order) -> bool:
    registration = _slip_of(order)
    return (
        registration is not None
        and order.user is not None
        and registration.enrolment.user_id == order.user.pk
        and registration.state == Registration.State.REGISTERED
    )


def _slip_key(order: Order) -> str:
    registration = _slip_of(order)
    if registration is None:
        return ""
    exam = registration.exam
    admission = admissions_of(registration.course, [registration.enrolment], now=order.now)[registration.enrolment_id]
    granted = Accommodation.objects.filter(enrolment=registration.enrolment).first()
    return "|".join(
        str(part)
        for part in (
            registration.state, exam.kind, exam.starts_at, exam.duration_minutes, exam.place, exam, exam.examiners,
            exam.call_in, exam.seats_released_at,
            getattr(registration, "seat", ""), admission.state, granted.ends_at(exam) if granted else "",
            registration.enrolment.user, registration.enrolment.number,
        )
    )  # fmt: skip


def _write_slip(order: Order, progress: Progress) -> Iterator[bytes]:
    registration = _slip_of(order)
    assert registration is not None  # noqa: S101 - `allows` was asked
    exam, user = registration.exam, registration.enrolment.user
    granted = Accommodation.objects.filter(enrolment=registration.enrolment).first()
    door = reverse("exams:check_in", args=[registration.course.slug, exam.pk])
    context = {
        "registration": registration,
        "exam": exam,
        "person": user,
        "number": registration.enrolment.number,
        "seat": getattr(registration, "seat", None) if exam.seats_released_at is not None else None,
        "ends_at": granted.ends_at(exam) if granted is not None else exam.ends_at,
        "admission": admissions_of(registration.course, [registration.enrolment], now=order.now)[
            registration.enrolment_id
        ],
        "code": qr_code(f"{settings.SITE_URL}{door}?who={slip_code(registration.pk, exam.pk)}"),
    }
    is_oral = exam.kind == Exam.Kind.ORAL
    title = _titled(_("Your oral exam") if is_oral else _("Admission slip"), exam)
    yield render_pdf("exams/pdf/slip.html", context, title=title, order=order, on_one_page=True)
    progress(1, 1)


offer(
    ExportKind(
        name="exams.slip",
        label=gettext_lazy("Admission slip"),
        media=PDF,
        allows=_may_have_slip,
        content_key=_slip_key,
        write=_write_slip,
        filename=_named("slip.pdf"),
        is_quick=True,
    )
)


# ── what staff print ──


def _exam_of(order: Order) -> Exam | None:
    return Exam.objects.filter(pk=order.parameters["exam"], course=order.course).select_related("course").first()


def _is_staff(order: Order) -> bool:
    exam = _exam_of(order)
    # Of a date that is cancelled there is nobody to list or to seat.
    is_held = exam is not None and not exam.is_cancelled
    return is_held and exam is not None and order.user is not None and may_manage(order.user, exam.course)


def _list_key(order: Order) -> str:
    exam = _exam_of(order)
    if exam is None:
        return ""
    people = Registration.objects.filter(exam=exam).aggregate(newest=Max("changed_at"), count=Count("pk"))
    seats = Seat.objects.filter(room__exam=exam).aggregate(newest=Max("pk"), count=Count("pk"))
    decided = AdmissionDecision.objects.filter(course=exam.course_id).aggregate(newest=Max("pk"))
    # Rules of admission depend on what other apps know: a list is fresh for the minute.
    return f"{exam.starts_at}|{exam.place}|{exam.examiners}|{people}|{seats}|{decided}|{order.now:%Y-%m-%dT%H:%M}"


def _rows(exam: Exam, now: datetime) -> list[dict[str, Any]]:
    people = list(
        Registration.objects.holding()
        .filter(exam=exam)
        .select_related("enrolment__user", "enrolment__course", "seat__room")
        .by_name()
    )
    admissions = admissions_of(exam.course, [person.enrolment for person in people], now=now)
    granted = {
        accommodation.enrolment_id: accommodation
        for accommodation in Accommodation.objects.filter(course=exam.course_id)
    }
    known = known_by([person.enrolment for person in people])
    rows = []
    for registration in people:
        own = granted.get(registration.enrolment_id)
        rows.append(
            {
                "registration": registration,
                "person": registration.enrolment.user,
                "number": registration.enrolment.number,
                "known_by": known[registration.enrolment_id],
                "seat": getattr(registration, "seat", None),
                "admission": admissions[registration.enrolment_id],
                "ends_at": own.own_end(exam) if own is not None else None,
                "note": own.for_supervisors if own is not None else "",
            }
        )
    return rows


def _paper(
    template: str, what: "_StrPromise", fill: Callable[[Exam, Order], dict[str, Any]], *, paper: str = "A4"
) -> Writer:
    """Return what prints a paper of an exam.

    Args:
        template: of the paper.
        what: it is, as its title says.
        fill: what the template shows of the exam besides it.
        paper: as of `render_pdf`.
    """

    def write(order: Order, progress: Progress) -> Iterator[bytes]:
        exam = _exam_of(order)
        assert exam is not None  # noqa: S101 - `allows` was asked
        progress(0, 1)
        context = {"exam": exam, **fill(exam, order)}
        yield render_pdf(template, context, title=_titled(str(what), exam), order=order, paper=paper)
        progress(1, 1)

    return write


def _door_list(exam: Exam, order: Order) -> dict[str, Any]:
    rows = _rows(exam, order.now)
    not_admitted = sum(not row["admission"].is_admitted for row in rows)
    return {"heading": _("List for the door"), "rows": rows, "not_admitted": not_admitted, **_name_rooms(rows)}


def _name_rooms(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Let each row say its room in few letters, and return what a list of all rooms says of them once.

    One room is said at the top. Of several a row names its own, or its letter where a name would take lines in each row.
    """
    rooms = list({row["seat"].room_id: row["seat"].room for row in rows if row["seat"] is not None}.values())
    rooms.sort(key=lambda room: room.pk)
    letters: list[tuple[str, Room]] = []
    if len(rooms) > 1 and any(len(str(room)) > _ROOM_IN_A_ROW for room in rooms):
        letters = [(chr(ord("A") + place % 26) * (place // 26 + 1), room) for place, room in enumerate(rooms)]
    known_as = {room.pk: letter for letter, room in letters} or {room.pk: str(room) for room in rooms}
    for row in rows:
        row["room"] = known_as[row["seat"].room_id] if row["seat"] is not None and len(rooms) > 1 else ""
    return {"rooms": rooms, "only_room": rooms[0] if len(rooms) == 1 else None, "letters": letters}


def _seat_plan(exam: Exam, order: Order) -> dict[str, Any]:
    rows = {row["seat"].pk: row for row in _rows(exam, order.now) if row["seat"] is not None}
    rooms = []
    for room in Room.objects.filter(exam=exam).prefetch_related("seats"):
        seats = [rows[seat.pk] for seat in room.seats.all() if seat.pk in rows]
        seats.sort(key=lambda row: (row["seat"].row, row["seat"].number))
        lines = [(number, list(group)) for number, group in groupby(seats, key=lambda row: row["seat"].row)]
        rooms.append({"room": room, "lines": lines, "count": len(seats)})
    return {"heading": _("Seat plan"), "rooms": rooms}


def _attendees(exam: Exam, order: Order) -> dict[str, Any]:
    rows = _rows(exam, order.now)
    rooms = list(Room.objects.filter(exam=exam))
    groups: list[dict[str, Any]] = [
        {"room": room, "rows": [row for row in rows if _room_of(row) == room.pk]} for room in rooms
    ]
    groups = [group for group in groups if group["rows"]]
    for group in groups:
        group["rows"].sort(key=lambda row: (row["seat"].row, row["seat"].number))
    without = [row for row in rows if row["seat"] is None]
    if without or not groups:
        groups.append({"room": None, "rows": without})
    return {"heading": _("Attendance"), "groups": groups, "has_rooms": len(groups) > 1, "blanks": range(_WALK_INS)}


def _room_of(row: dict[str, Any]) -> int | None:
    return row["seat"].room_id if row["seat"] is not None else None


def _write_attendees_sheet(order: Order, progress: Progress) -> Iterator[bytes]:
    exam = _exam_of(order)
    assert exam is not None  # noqa: S101 - `allows` was asked
    rows = _rows(exam, order.now)
    header = [
        _("Name"), _("Matriculation number"), _("E-mail"), _("Room"), pgettext("of seats", "Row"), _("Seat"), _("Admission"),
        _("Ends (%(zone)s)") % {"zone": exam.course.timezone},
        _("Note"), _("Here"), _("Left at"),
    ]  # fmt: skip
    cells = ([*_identity(row), *_place(row), *_at_the_door(row, exam), "", ""] for row in rows)
    yield from write_xlsx(
        header, cells, zone=exam.course.zone, now=order.now, progress=progress, total=len(rows), sheet=str(exam),
        widths=(28, 20, 30, 14, 6, 6, 16, 18, 24, 8, 10),
    )  # fmt: skip


def _identity(row: dict[str, Any]) -> list[Cell]:
    return [str(row["person"]), row["number"], row["person"].email]


def _place(row: dict[str, Any]) -> list[Cell]:
    seat = row["seat"]
    return [str(seat.room), seat.row, seat.number] if seat is not None else ["", "", ""]


def _at_the_door(row: dict[str, Any], exam: Exam) -> list[Cell]:
    return [row["admission"].label, row["ends_at"] or exam.ends_at, row["note"]]


# ── minutes of oral exams ──


def _extent_of(order: Order) -> Extent | None:
    """Return of how much of a day a paper is; None where it is of one date or person."""
    return Extent(order.parameters["of"]) if order.parameters.get("of") in list(Extent) else None


def _named_by_extent(what: str) -> Callable[[Order], str]:
    """Return how the file of a paper is called that is of a person, a date, a room on a day, or a whole day."""

    def name(order: Order) -> str:
        exam, extent = _exam_of(order), _extent_of(order)
        if exam is None:
            return what
        if "registration" in order.parameters:
            return f"{stem_of_person(person)}-{what}" if (person := next(iter(_examined(order)), None)) else what
        return f"{file_stem(exam) if extent is None else stem_of(exam, extent)}-{what}"

    return name


def _examined(order: Order) -> list[Registration]:
    """Return who is examined: one person, all of a date, or (`of`) all of the course's oral exams of its day, or of its room."""
    exam, extent = _exam_of(order), _extent_of(order)
    if exam is None:
        return []
    people = Registration.objects.holding().select_related(
        "enrolment__user", "enrolment__accommodation", "exam__course"
    )
    if "registration" in order.parameters:
        return list(people.filter(pk=order.parameters["registration"], exam=exam))
    if extent is None:
        return list(people.filter(exam=exam).by_name())
    rows = list(people.filter(exam__in=dates_of(exam, extent).order_by()).by_name())
    return sorted(rows, key=lambda row: (row.exam.starts_at, row.exam_id))


def _minutes_key(order: Order) -> str:
    shown = [
        (
            row.pk,
            str(row.enrolment.user),
            row.enrolment.number,
            str(row.exam),
            row.exam.starts_at,
            row.exam.duration_minutes,
            row.own_end(row.exam),
            row.exam.place,
            row.exam.examiners,
        )
        for row in _examined(order)
    ]
    return f"{shown}"


def _minutes(_exam: Exam, order: Order) -> dict[str, Any]:
    grades = [say_grade(grade) for grade in (*GRADES, FAILED)]
    people = [(row, row.own_end(row.exam) or row.exam.ends_at) for row in _examined(order)]
    return {"people": people, "lines": range(_LINES_OF_MINUTES), "grades": grades}


# ── the plan of a day of oral exams ──


def _plan_title(exam: Exam, order: Order) -> str:
    room = f", {exam.place}" if _extent_of(order) == Extent.ROOM and exam.place else ""
    return f"{_('Plan of the oral exams')}: {say_day(exam.starts_at)}{room} ({exam.course})"


def _day_plan_key(order: Order) -> str:
    exam = _exam_of(order)
    if exam is None:
        return ""
    dates = dates_of(exam, _extent_of(order) or Extent.DAY)
    shown = [
        (date.pk, date.title, date.starts_at, date.duration_minutes, date.examiners, date.call_in, date.cancelled_at)
        for date in dates
    ]
    return f"{shown}|{_list_key(order)}|{_minutes_key(order)}"


def _write_day_plan(order: Order, progress: Progress) -> Iterator[bytes]:
    exam = _exam_of(order)
    assert exam is not None  # noqa: S101 - `allows` was asked
    plans = plan_of(dates_of(exam, _extent_of(order) or Extent.DAY), exam.course, now=order.now)
    context = {"exam": exam, "plans": plans, "day": exam.starts_at}
    yield render_pdf(
        "exams/pdf/day_plan.html", context, title=_plan_title(exam, order), order=order, paper="A4 landscape"
    )
    progress(1, 1)


# ── offered to staff ──


_ATTENDANCE, _DOOR = gettext_lazy("Attendance list"), gettext_lazy("List for the door")
_SEATS, _MINUTES = gettext_lazy("Seat plan"), gettext_lazy("Minutes of the oral exam")
# How the files of papers are called that may be of a whole day; those of others are named by their date.
_BY_EXTENT = {"exams.minutes", "exams.day-plan"}

# By name: as what it stands in lists, what it depends on, how its file's name ends, and what writes it.
_FOR_STAFF: dict[str, tuple["_StrPromise", Callable[[Order], str], str, Writer]] = {
    "exams.minutes": (
        _MINUTES, _minutes_key, "minutes.pdf", _paper("exams/pdf/minutes.html", _MINUTES, _minutes),
    ),
    "exams.day-plan": (gettext_lazy("Plan of the oral exams"), _day_plan_key, "plan.pdf", _write_day_plan),
    "exams.attendees": (
        _ATTENDANCE, _list_key, "attendance.pdf",
        _paper("exams/pdf/attendees.html", _ATTENDANCE, _attendees, paper="A4 landscape"),
    ),
    "exams.attendees-sheet": (
        gettext_lazy("Attendance list as a spreadsheet"), _list_key, "attendance.xlsx", _write_attendees_sheet,
    ),
    "exams.door": (_DOOR, _list_key, "door.pdf", _paper("exams/pdf/door_list.html", _DOOR, _door_list)),
    "exams.seats": (_SEATS, _list_key, "seats.pdf", _paper("exams/pdf/seat_plan.html", _SEATS, _seat_plan)),
}  # fmt: skip
for _name, (_label, _key, _ending, _write) in _FOR_STAFF.items():
    offer(
        ExportKind(
            name=_name,
            label=_label,
            media=XLSX if _ending.endswith(".xlsx") else PDF,
            allows=_is_staff,
            content_key=_key,
            write=_write,
            filename=(_named_by_extent if _name in _BY_EXTENT else _named)(_ending),
        )
    )
