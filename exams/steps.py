"""The last step to an exam that rules of admission don't know: a seat."""

from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from amls.core.times import say_moment
from amls.courses.eligibility import Finding, Verdict
from exams.cards import ExamCard, ExamsOverview
from exams.models import Registration
from exams.models.exam import SignUp

_RULE = "exams.seat"


def seat_step(overview: ExamsOverview, now: datetime) -> Finding | None:
    """Return how it stands with a student's seat, as a line of what they still need; None where there is nothing to do.

    Args:
        overview: the exams as this student sees them.
        now: the clock.
    """
    card = overview.foremost_at(now)
    if card is None or card.result is not None or card.exam.ends_at <= now:
        return None
    stands = _stands(card, now)
    if stands is None:
        return None
    verdict, text = stands
    return Finding(rule=_RULE, verdict=verdict, text=text, path=reverse("exams:exams", args=[card.exam.course.slug]))


def _stands(card: ExamCard, now: datetime) -> tuple[Verdict, str] | None:
    exam, own = card.exam, card.own
    day = exam.date_name(now=now)
    if own is not None and card.is_active and own.state == Registration.State.WAITLISTED:
        said = {"day": day, "place": card.place}
        return Verdict.PENDING, _("You wait for a seat on %(day)s, as number %(place)s.") % said
    if card.is_active:
        return Verdict.MET, _("You are registered for the exam on %(day)s.") % {"day": day}
    if "register" in card.ways:
        return Verdict.UNMET, _("You are not registered for any exam: choose a date.")
    if card.sign_up == SignUp.UPCOMING and exam.opens_at is not None:
        return Verdict.PENDING, _("Sign-up for the exam opens %(when)s.") % {"when": say_moment(exam.opens_at, now=now)}
    return None
