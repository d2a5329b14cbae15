"""Who is still to be reminded of an exam's dates."""

import re
from collections.abc import Collection, Sequence
from datetime import datetime

from django.db.models import Q

from amls.courses.models import Course, Enrolment
from amls.mail.still_due import still_due
from exams.models import Registration
from exams.models.results import HAS_PASSED

_KEY = re.compile(r"exams\.exam:(\d+)(?::([a-z-]+))?")


@still_due.named("exams.")
def people_concerned(course: Course, key: str, enrolments: Sequence[Enrolment], now: datetime) -> Collection[int]:
    """Return the pks of those whom an exam's date still concerns: 1 query.

    Sign-up: students without any registration, unless they passed already, withdrew from this very exam or are
    excused from it. The last moment to withdraw: whoever could. The exam: whoever holds a seat. The review:
    whoever sat the exam.
    """
    match = _KEY.fullmatch(key)
    if match is None:
        return []
    exam_pk, what = int(match.group(1)), match.group(2) or "exam"
    students = {enrolment.pk for enrolment in enrolments if not enrolment.is_staff}
    rows = Registration.objects.filter(course=course, enrolment__in=students)
    if what in ("signup-opens", "signup-closes"):
        has_gone = Q(exam_id=exam_pk, state__in=["withdrawn", "excused"])
        settled = rows.filter(Q(closed_at__isnull=True) | HAS_PASSED | has_gone)
        return students - set(settled.values_list("enrolment_id", flat=True))
    states = {
        "withdraw-until": ["registered", "waitlisted"],
        "exam": ["registered"],
        "review": ["attended"],
    }.get(what, [])
    return set(rows.filter(exam_id=exam_pk, state__in=states).values_list("enrolment_id", flat=True))
