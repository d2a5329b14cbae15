"""What the worker does for projects."""

from celery import shared_task

from amls.core import clock
from amls.courses.models import Course
from projects.services.allocating import ALLOCATIONS
from projects.services.checking import CHECKS, check_next
from projects.services.questions import follow_questions
from projects.services.solving import allocate_next
from projects.services.switching import release_slots


@shared_task
def release_held_slots() -> int:
    """Give back the slots that were held for teams for a day; return how many."""
    return release_slots(now=clock.now())


@shared_task
def follow_open_questions() -> int:
    """Give people the dates until which they ask about points that they lack; return how many people did."""
    now = clock.now()
    running = Course.objects.filter(state=Course.State.RUNNING).order_by("pk")
    return sum(follow_questions(course=course, now=now) for course in running)


@shared_task
def check_attempts() -> int:
    """Judge the files of attempts for which a request had no time, until none waits; return how many attempts.

    Rung after a hand-in, and swept by beat in any case.
    """
    return CHECKS.work_off(check_next)


@shared_task
def allocate_topics() -> int:
    """Let the solver work on the runs that wait, until none does; return how many.

    Rung when a run is asked for, and swept by beat in any case.
    """
    return ALLOCATIONS.work_off(allocate_next)
