"""What beat sees to: admissions by the rules, and calendars that a crash left behind."""

from celery import shared_task
from django.utils import timezone

from amls.courses.models import Course
from exams.following import follow_course, follow_now
from exams.services.admission import admit_whoever_fulfils_the_rules


@shared_task
def follow(enrolment_pks: list[int]) -> int:
    """Bring the agenda of these people up to date; return how many they are. Rung after a commit."""
    follow_now(enrolment_pks, now=timezone.now())
    return len(enrolment_pks)


@shared_task
def tend_exams() -> int:
    """Write down who is admitted by the rules, and mend calendars; return how many admissions are new."""
    now = timezone.now()
    admitted = 0
    for course in Course.objects.filter(state=Course.State.RUNNING, exams__isnull=False).distinct():
        admitted += admit_whoever_fulfils_the_rules(course=course, now=now)
        follow_course(course, now)
    return admitted
