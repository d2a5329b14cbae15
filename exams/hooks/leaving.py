"""What of exams binds a student to a course, and what in them is left to do in a course that ends."""

from collections.abc import Iterator

from django.db.models import Exists, OuterRef
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from amls.courses.models import Course, Enrolment
from amls.courses.participation import Tie, ties
from amls.courses.services import before_archiving
from exams.models import Exam, Registration, Result


@ties
def exam_ties(enrolment: Enrolment) -> Iterator[Tie]:
    """Keep whoever stands on an exam's list: the record has to be kept."""
    own = Registration.objects.filter(enrolment=enrolment)
    on_record = _("Your exams are on record in this course, so you stay in it. Ask its staff if that is wrong.")
    if own.active().filter(state__in=("registered", "waitlisted")).exists():
        may_withdraw = enrolment.course.state == Course.State.RUNNING
        yield Tie(
            "has-exam",
            _("You are registered for an exam. Withdraw from it first.") if may_withdraw else on_record,
            _("They are registered for an exam, or wait for a seat. Withdraw them from it first."),
            is_open=True,
        )
    elif own.exists():
        yield Tie(
            "has-exam-record",
            on_record,
            _("Their exams are on record in this course, so they stay in it."),
            is_open=False,
        )


@before_archiving
def count_unfinished_exams(course: Course) -> Iterator[str]:
    """Say how many exams are still to come with people on their lists, and how many results nobody has published."""
    listed = Registration.objects.active().filter(exam=OuterRef("pk"))
    if count := Exam.objects.filter(Exists(listed), course=course, starts_at__gt=Now()).count():
        said = ngettext(
            "%(count)d exam to come, for which people are registered",
            "%(count)d exams to come, for which people are registered",
            count,
        )
        yield said % {"count": count}
    drafts = Result.objects.filter(registration__exam__course=course).exclude(state=Result.State.PUBLISHED)
    if count := drafts.count():
        said = ngettext(
            "%(count)d result of an exam that is not published",
            "%(count)d results of exams that are not published",
            count,
        )
        yield said % {"count": count}
