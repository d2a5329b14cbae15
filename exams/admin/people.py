"""Who takes part in exams, at the desk: registrations, what is granted, decisions on admission."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amls.core.request import now_of
from amls.desk.listing import PeopleList
from amls.desk.scoping import ScopedFilter, scoped_choices
from amls.desk.site import CourseScopedAdmin
from amls.desk.writes import NOTHING, Writes
from exams.models import Accommodation, AdmissionDecision, Exam, Registration
from exams.models.exam import tell_apart, told_apart
from exams.overlaps import overlaps_of
from exams.services.admission import keep_decision
from exams.services.seating import Move
from exams.services.setup import end_grant, grant


class ExamFilter(ScopedFilter):
    """A filter by exams that names each with its day: all dates of a course may be called alike."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[Any]:
        """Return the exams of the person's courses, in the order of their days."""
        rows = scoped_choices(model_admin, field, request, course=model_admin.course_of_list(request))
        known = rows if rows is not None else Exam.objects.all()
        exams = list(known.select_related("course").order_by("starts_at", "pk"))
        told_apart(exams, [(exam.course_id, exam.starts_at, exam.course.zone) for exam in exams])
        return [(exam.pk, exam.with_day(exam.course.zone)) for exam in exams]


class _RegistrationList(PeopleList):
    """Registrations of a page, whose exams are told apart with one query."""

    def get_results(self, request: HttpRequest) -> None:
        """Read the page."""
        super().get_results(request)
        tell_apart(registration.exam for registration in self.result_list)


@admin.register(Registration)
class RegistrationAdmin(CourseScopedAdmin):
    """Who takes part in which exam."""

    writes = NOTHING
    list_display = ("person", "date", "state", "position", "seat", "created_at", "reason")
    ordering = ("exam", "enrolment__user__sort_name", "pk")
    list_filter = (("exam", ExamFilter), "state")
    list_select_related = ("enrolment__user", "exam", "seat__room", "course")
    search_fields = (
        "enrolment__user__display_name",
        "enrolment__user__email",
        "enrolment__user__matriculation_number",
        "enrolment__verified_number",
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[PeopleList]:
        """Lead to the pages of the people."""
        return _RegistrationList

    @admin.display(description=gettext_lazy("person"), ordering="enrolment__user__sort_name")
    def person(self, registration: Registration) -> str:
        """Return the name."""
        return str(registration.enrolment.user)

    @admin.display(description=gettext_lazy("exam"), ordering="exam__starts_at")
    def date(self, registration: Registration) -> str:
        """Return the exam with its day."""
        return registration.exam.with_day()


@admin.register(Accommodation)
class AccommodationAdmin(CourseScopedAdmin):
    """What is granted to whom: the measure, never the reason."""

    writes = Writes(save=grant, delete=end_grant)
    list_display = ("enrolment", "course", "extra_minutes", "extra_percent", "own_room", "front_row", "at_the_door")
    ordering = ("course", "enrolment__user__sort_name")
    list_filter = ("course",)
    list_select_related = ("enrolment__user", "enrolment__course", "course")
    fields = (
        "course", "enrolment", ("extra_minutes", "extra_percent"), "extra_in_oral", ("own_room", "front_row"), "at_the_door",
    )  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Keep what is granted with its person."""
        return (*super().get_readonly_fields(request, obj), *(("course", "enrolment") if obj is not None else ()))

    def told(self, request: HttpRequest, row: Accommodation, result: Move) -> None:
        """Say where the person sits by what is granted now, and what their dates to come run into; calendars follow with the course's other changes."""
        person = {"person": row.enrolment.user}
        if result == Move.MOVED:
            messages.success(request, _("%(person)s sits elsewhere now.") % person)
        elif result == Move.NO_PLACE:
            text = _("No free place fits what is granted to %(person)s. Add a room or make one larger: then they get one.")  # fmt: skip
            messages.warning(request, text % person)
        held = Registration.objects.holding().filter(enrolment=row.enrolment_id, exam__starts_at__gt=now_of(request))
        for registration in held.select_related("exam__course"):
            if registration.own_end(registration.exam) is not None:
                for said in overlaps_of(registration.exam):
                    messages.warning(request, said)


@admin.register(AdmissionDecision)
class AdmissionDecisionAdmin(CourseScopedAdmin):
    """Decisions on admission: added, never changed."""

    writes = Writes(save=keep_decision)
    list_display = ("enrolment", "verdict", "reason", "is_by_hand", "by", "decided_at")
    list_filter = ("course", "verdict", "is_by_hand")
    list_select_related = ("enrolment__user", "enrolment__course", "by", "course")
    fields = ("course", "enrolment", "verdict", "reason")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A decision is followed by another one, never changed."""
        return False
