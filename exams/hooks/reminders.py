"""Who is still to be reminded of an exam's dates."""

import re
from collections.abc import Collection, Sequence
from datetime import datetime

from django.db.models import Q

from amls.courses.models import Course, Enrolment
from amls.mail.still_due import still_due
from exams.agenda_items import closing_before, closing_before_of_key, oral_window_of_key, same_window
from exams.models import Exam, Registration
from exams.models.results import HAS_PASSED

_KEY = re.compile(r"exams\.exam:(\d+)(?::([a-z-]+))?")


@still_due.named("exams.")
def people_concerned(course: Course, key: str, enrolments: Sequence[Enrolment], now: datetime) -> Collection[int]:
    """Return the pks of those whom an exam's date still concerns: 1 query, 3 of a window of oral exams.

    Sign-up: students without any registration, unless they passed already, withdrew from this very exam or are
    excused from it. The last moment to withdraw: whoever could. The exam: whoever holds a seat. The review:
    whoever sat the exam.
    """
    match = _KEY.fullmatch(key)
    oral, before = oral_window_of_key(key), closing_before_of_key(key)
    if before is not None:
        exams, what = list(closing_before(course, *before).values_list("pk", flat=True)), "signup-closes"
    elif oral is not None:
        exam_pk, what = oral
        first = Exam.objects.filter(pk=exam_pk, course=course).first()
        exams = list(same_window(first, what).values_list("pk", flat=True)) if first is not None else []
    elif match is not None:
        exams, what = [int(match.group(1))], match.group(2) or "exam"
    else:
        return []
    students = {enrolment.pk for enrolment in enrolments if not enrolment.is_staff}
    rows = Registration.objects.filter(course=course, enrolment__in=students)
    if what in ("signup-opens", "signup-closes"):
        # Who withdrew from one slot of many may want another one.
        has_gone = Q(exam__in=exams if match is not None else [], state__in=["withdrawn", "excused"])
        settled = rows.filter(Q(closed_at__isnull=True) | HAS_PASSED | has_gone)
        return students - set(settled.values_list("enrolment_id", flat=True))
    states = {
        "withdraw-until": ["registered", "waitlisted"],
        "exam": ["registered"],
        "review": ["attended"],
    }.get(what, [])
    return set(rows.filter(exam__in=exams, state__in=states).values_list("enrolment_id", flat=True))
