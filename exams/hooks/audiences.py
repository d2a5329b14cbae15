"""Whom an announcement about exams can go to."""

from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from amls.core.clock import database_clock
from amls.courses.models import Course, Enrolment
from amls.mail.audiences import audience
from exams.admission import AdmissionState, admissions_of
from exams.models import Exam, Registration


@audience("exams.next", _("Who is registered for the next exam"))
def registered_for_the_next(course: Course) -> QuerySet[Enrolment]:
    """Return who holds a seat in the exam that comes next: part of one query."""
    coming = Exam.objects.filter(course=course, starts_at__gt=Now(), closed_at__isnull=True, cancelled_at__isnull=True)
    following = coming.order_by("starts_at", "pk").values("pk")[:1]
    rows = Registration.objects.active().filter(exam__in=following, state=Registration.State.REGISTERED)
    return Enrolment.objects.filter(course=course, pk__in=rows.values("enrolment"))


@audience("exams.waiting", _("Who is on a waiting list"))
def waitlisted(course: Course) -> QuerySet[Enrolment]:
    """Return who waits for a seat in a coming exam: part of one query."""
    rows = Registration.objects.active().filter(
        exam__course=course, exam__starts_at__gt=Now(), state=Registration.State.WAITLISTED
    )
    return Enrolment.objects.filter(course=course, pk__in=rows.values("enrolment"))


@audience("exams.pending", _("Whose admission to the exam is pending"))
def admission_pending(course: Course) -> QuerySet[Enrolment]:
    """Return the students whose admission is not decided yet: as many queries as the rules need, for any number."""
    students = list(Enrolment.objects.filter(course=course).students().select_related("user"))
    for student in students:
        student.course = course
    admissions = admissions_of(course, students, now=database_clock.now())
    pending = [pk for pk, admission in admissions.items() if admission.state == AdmissionState.PENDING]
    return Enrolment.objects.filter(course=course, pk__in=pending)
