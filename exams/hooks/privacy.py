"""What exams know of a person: dates, admission, seat, measures, published results."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Max, Q
from django.db.models.functions import Greatest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amls.agenda.models import AgendaItem
from amls.core.violations import RuleViolation
from amls.courses.models import Course, Enrolment, User
from amls.privacy.endings import happenings, last_days_of, latest
from amls.privacy.registry import (
    blot_out_of_own,
    delete_with_history,
    forget_rows,
    on_account_deletion,
    on_course_purge,
    personal_data,
    retention,
)
from amls.privacy.traces import blot_out, names_of
from exams.models import (
    Accommodation,
    AdmissionDecision,
    Exam,
    ExamTaskPoints,
    HelperLink,
    Registration,
    Result,
    ResultChange,
    Seat,
    UniversityEntry,
)
from exams.queries import key_of_exam
from exams.services.registration import staff_withdraw
from exams.services.university import forget_lines, lines_of
from exams.taskpoints import in_order_of_tasks

# A review may need the end of a person's time once more; then nobody does.
ACCOMMODATIONS_KEPT = timedelta(days=60)


@personal_data.named("exams")
def tell(user: User) -> Iterator[tuple[str, Any]]:
    """Yield registrations with seat and result as far as they are told, admissions and accommodations."""
    rows = (
        Registration.objects.filter(enrolment__user=user)
        .select_related("course", "exam", "seat__room", "result")
        .prefetch_related(in_order_of_tasks())
    )
    yield "registrations.json", [_registration(row) for row in rows.order_by("pk")]
    yield "admissions.json", list(
        AdmissionDecision.objects.filter(enrolment__user=user).order_by("pk").values(
            "course__slug", "verdict", "reason", "is_by_hand", "decided_at"
        )
    )  # fmt: skip
    yield "accommodations.json", list(
        Accommodation.objects.filter(enrolment__user=user).order_by("pk").values(
            "course__slug", "extra_minutes", "extra_percent", "extra_in_oral", "own_room", "front_row", "at_the_door"
        )
    )  # fmt: skip
    yield (
        "university.json",
        [
            {
                "course": part.course.slug,
                "exam": str(line.exam),
                "matriculation_number": line.matriculation_number,
                "name": line.name,
            }
            for part in user.enrolments.select_related("course").order_by("pk")
            for line in lines_of(part)
        ],
    )


def _registration(registration: Registration) -> dict[str, Any]:
    seat = getattr(registration, "seat", None) if registration.exam.seats_released_at is not None else None
    result: Result | None = getattr(registration, "result", None)
    is_told = result is not None and result.state == Result.State.PUBLISHED
    return {
        "course": registration.course.slug,
        "exam": str(registration.exam),
        "starts": registration.exam.starts_at,
        "place": registration.exam.place,
        "state": registration.state,
        "position": registration.position,
        "signed_up": registration.created_at,
        "changed": registration.changed_at,
        "ended": registration.closed_at,
        "reason": registration.reason,
        "date_cancelled": registration.exam.cancelled_at,
        "date_cancelled_because": registration.exam.cancelled_because,
        "kept_another_as_cancelled_because": registration.cancelled_because,
        "state_until_cancelled": registration.state_until_cancelled,
        "position_until_cancelled": registration.position_until_cancelled,
        "walk_in": registration.is_walk_in,
        "seat": str(seat) if seat is not None else "",
        "checked_in": registration.arrived_at,
        "left": registration.left_at,
        "actual_seat": registration.actual_seat,
        "result": {
            # An oral exam is graded without points.
            **({} if result.points is None else {"points": result.points, "extra_points": result.extra_points}),
            "grade": result.grade,
            "published": result.published_at,
            "corrected": result.correction,
            "tasks": [
                {"task": given.task.title, "points": given.points, "of": given.task.max_points}
                for given in registration.task_points.all()
            ],
        }
        if is_told and result is not None
        else None,
    }


@on_account_deletion
def forget(user: User, now: datetime) -> None:
    """Give up coming exams, so that the next who waits gets the seat; past ones stay on record without the name.

    The last moment to withdraw keeps nobody's account. Accommodations go with their history, and so do the person's
    lines of the university's lists, and their name in the calendars of those who examined them.
    """
    coming = Registration.objects.active().filter(
        enrolment__user=user, state__in=["registered", "waitlisted"], exam__starts_at__gt=now
    )
    # A wait beside a seat first: it would otherwise become one of its own.
    for pk in list(coming.order_by("-keeps_seat", "pk").values_list("pk", flat=True)):
        # Withdrawn meanwhile: then it is done.
        with suppress(RuleViolation):
            staff_withdraw(registration_pk=pk, reason=_("The account was deleted."), now=now)
    delete_with_history(Accommodation.objects.filter(enrolment__user=user))
    for enrolment in user.enrolments.select_related("course"):
        forget_lines(enrolment)
    for model in (Registration, AdmissionDecision):
        blot_out_of_own(user, model, "reason")
    _forget_in_calendars(user)


def _forget_in_calendars(user: User) -> None:
    """Take a person's name out of the dates of those who examined them; of courses that run they are made anew besides."""
    sat = Registration.objects.filter(enrolment__user=user, exam__kind=Exam.Kind.ORAL).select_related("exam")
    rows = AgendaItem.objects.filter(
        enrolment__in=Enrolment.objects.staff().filter(course__in=sat.values("course")),
        key__in=[key_of_exam(row.exam) for row in sat],
    )
    rows.update(titles={})
    blot_out(rows, "title", texts=names_of(user))


@on_course_purge
def forget_people(courses: Sequence[int]) -> None:
    """Delete registrations with seats, marks at the door and results, accommodations, helpers, and other lists' lines."""
    exams = Exam.objects.filter(course__in=courses)
    for model in (ExamTaskPoints, Result, Seat):
        forget_rows(model, registration__course__in=courses)
    forget_rows(Registration, course__in=courses)
    forget_rows(Accommodation, course__in=courses)
    forget_rows(HelperLink, exam__in=exams)
    UniversityEntry.objects.filter(exam__in=exams).delete()
    exams.update(seats_taken=0, waiting=0)


@happenings
def what_happened(courses: Sequence[int]) -> Iterator[tuple[int, datetime | date]]:
    """Yield the latest exam and review of each course, and when results were last published or changed, or a date cancelled."""
    exams = Exam.objects.filter(course__in=courses)
    yield from latest(exams, "course", "results_published_at", "frozen_at", "closed_at", "cancelled_at")
    yield from latest(exams.filter(cancelled_at__isnull=True), "course", "starts_at", "review_at")
    yield from latest(Result.objects.filter(registration__course__in=courses), "registration__course", "published_at")
    yield from latest(ResultChange.objects.filter(registration__course__in=courses), "registration__course", "at")


@retention(
    "exams.accommodations", gettext_lazy("Accommodations"),
    gettext_lazy("60 days after the course's last exam or review; without one, after an archived course's end"),
    tables=["exams.Accommodation"],
)  # fmt: skip
def purge_accommodations(now: datetime, dry_run: bool) -> int:
    """Delete, with their history, accommodations of courses whose last exam or review was long enough ago."""
    since = now - ACCOMMODATIONS_KEPT
    # PostgreSQL's `GREATEST` passes over what is empty. What is cancelled is no exam.
    is_held = Q(exams__cancelled_at__isnull=True)
    last = Greatest(Max("exams__starts_at", filter=is_held), Max("exams__review_at", filter=is_held))
    concerned = Course.objects.filter(accommodations__isnull=False).annotate(last=last)
    over = list(concerned.filter(last__lt=since).values_list("pk", flat=True))
    unexamined = list(concerned.filter(last__isnull=True, state=Course.State.ARCHIVED))
    over += [pk for pk, day in last_days_of(unexamined).items() if day < since.date()]
    rows = Accommodation.objects.filter(course__in=over)
    return rows.count() if dry_run else delete_with_history(rows)
