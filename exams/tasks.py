"""What beat sees to: admissions by the rules, calendars that a crash left behind, the purge of accommodations."""

from datetime import timedelta

from celery import shared_task
from django.apps import apps
from django.db.models import Max
from django.utils import timezone

from amls.courses.models import Course
from exams.following import follow_course, follow_now
from exams.models import Accommodation
from exams.services.admission import admit_whoever_fulfils_the_rules

# A review may need the end of a person's time once more; then nobody does.
ACCOMMODATIONS_KEPT = timedelta(days=60)


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


@shared_task
def purge_accommodations() -> int:
    """Delete, with their history, accommodations of courses whose last exam was 60 days ago; return how many."""
    over = Course.objects.annotate(last=Max("exams__starts_at")).filter(last__lt=timezone.now() - ACCOMMODATIONS_KEPT)
    rows = Accommodation.objects.filter(course__in=over)
    pks = list(rows.values_list("pk", flat=True))
    rows.delete()
    apps.get_model("exams", "AccommodationEvent").objects.filter(id__in=pks).delete()
    return len(pks)
