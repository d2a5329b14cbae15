"""One's own exam, for the course's home and 'my course'."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import template
from django.utils import timezone

from amls.courses.access import Access
from amls.courses.eligibility import Finding, Verdict
from exams import slots
from exams.cards import ExamCard
from exams.models import Exam
from exams.naming import say_hours
from exams.queries import exams_for, overview_of
from exams.steps import seat_step

register = template.Library()


@register.filter
def date_name(exam: Exam, now: datetime | None = None) -> str:
    """Return what tells a date from the course's others, without its year where it is that of `now`."""
    return exam.date_name(now=now)


@register.filter
def iso_day(moment: datetime) -> str:
    """Return the local day of a moment as addresses have it: '2026-12-10'."""
    return timezone.localdate(moment).isoformat()


@register.filter
def hours_in_words(hours: int) -> str:
    """Return so many hours in words, as days where they are whole ones."""
    return say_hours(hours)


@register.filter
def step_of(card: ExamCard) -> str:
    """Return the name of the page by which the reader comes to a slot; empty where they can't."""
    return slots.step_of(card)


@register.inclusion_tag("exams/_tile.html", takes_context=True)
def exam_tile(context: template.Context, *, says_missing: bool = True) -> dict[str, Any]:
    """Show a student's exam, what is missing for it, or the date for which they can register; else nothing.

    Args:
        context: of the page.
        says_missing: False where the page has said what is missing.
    """
    access: Access | None = context.get("access")
    values: dict[str, Any] = {"card": None, "now": context.get("now")}
    if access is None or access.enrolment is None or access.enrolment.is_staff:
        return values
    overview = overview_of(access.enrolment) or exams_for(access)
    card = overview.foremost_at(access.now)
    lost = overview.lost_at(access.now)
    return {
        **values,
        "says_missing": says_missing,
        "card": card,
        "lost": lost,
        "overview": overview,
        "course": access.course,
    }


@register.inclusion_tag("exams/_checklist.html", takes_context=True)
def checklist(context: template.Context, findings: Sequence[Finding]) -> dict[str, Any]:
    """Show what a person still needs for the exam, a seat as the last of it, and in one line what is done."""
    access: Access = context["access"]
    overview = overview_of(access.enrolment) if access.enrolment is not None else None
    seat = seat_step(overview or exams_for(access), access.now)
    findings = [*findings, seat] if seat is not None else findings
    return {
        "missing": [finding for finding in findings if finding.verdict != Verdict.MET],
        "done": [finding for finding in findings if finding.verdict == Verdict.MET],
    }
