"""Decisions on admission: by staff with a reason, or by the rules once all are met."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from amls.core.meanwhile import changed_meanwhile, is_overtaken
from amls.core.violations import RuleViolation
from amls.courses.models import Course, Enrolment, User
from amls.courses.services import finish_course_change, lock_course
from amls.mail.outbox import notify
from exams.admission import AdmissionState, admissions_of
from exams.models import AdmissionDecision


def decide_admission(
    *, enrolment: Enrolment, verdict: str, reason: str, by: User | None, now: datetime, seen: str | None = None
) -> AdmissionDecision:
    """Decide on a person's admission by hand, and tell them.

    The `verdict` is one of AdmissionDecision.Verdict; 'by_rules' takes an earlier decision
    back. The `reason` is kept, and told in the mail. What names the decision that was `seen` before is the key of the
    newest, '' for none; None doesn't ask.

    Raises:
        RuleViolation: there is no reason, or somebody decided meanwhile (code 'changed-meanwhile').
    """
    if not reason.strip():
        raise RuleViolation(_("Give the reason of the decision."), code="no-reason", field="reason")
    with transaction.atomic():
        if seen is not None:
            _need_to_have_seen(enrolment, seen)
        decision = AdmissionDecision(
            course=enrolment.course, enrolment=enrolment, verdict=verdict, reason=reason, by=by, decided_at=now
        )
        decision.full_clean(exclude=["by"])
        decision.save()
        _tell(decision, enrolment, now=now)
    return decision


def _need_to_have_seen(enrolment: Enrolment, seen: str) -> None:
    lock_course(enrolment.course_id)
    decisions = AdmissionDecision.objects.filter(enrolment=enrolment).select_related("by")
    newest = decisions.order_by("decided_at", "pk").last()
    if newest is not None and is_overtaken(seen, stands=str(newest.pk)):
        said = newest.get_verdict_display() + (f" – {newest.reason}" if newest.reason else "")
        raise changed_meanwhile(newest.by, said, field="reason")


def keep_decision(decision: AdmissionDecision, *, by: User | None, now: datetime) -> None:
    """Decide as a form of the desk says; see `decide_admission`."""
    with transaction.atomic():
        course = lock_course(decision.enrolment.course_id)
        values = {"verdict": decision.verdict, "reason": decision.reason}
        made = decide_admission(enrolment=decision.enrolment, by=by, now=now, **values)
        decision.pk, decision.decided_at = made.pk, made.decided_at
        finish_course_change(course, now=now)


def admit_whoever_fulfils_the_rules(*, course: Course, now: datetime) -> int:
    """Write down the admission of everyone in a coming exam who fulfils every rule; return how many are new.

    From then on a change of the facts is a matter for staff, not for the rules.
    """
    with transaction.atomic():
        course = lock_course(course.pk)
        people = list(
            Enrolment.objects.filter(
                exam_registrations__closed_at__isnull=True,
                exam_registrations__exam__course=course,
                exam_registrations__exam__starts_at__gt=now,
            ).select_related("user", "course")
        )
        admissions = admissions_of(course, people, now=now)
        fresh = [
            person
            for person in people
            if admissions[person.pk].state == AdmissionState.ADMITTED
            and admissions[person.pk].decision is None
            and admissions[person.pk].findings
        ]
        for enrolment in fresh:
            decision = AdmissionDecision.objects.create(
                course=course,
                enrolment=enrolment,
                verdict=AdmissionDecision.Verdict.ADMITTED,
                is_by_hand=False,
                decided_at=now,
            )
            _tell(decision, enrolment, now=now)
    return len(fresh)


def _tell(decision: AdmissionDecision, enrolment: Enrolment, *, now: datetime) -> None:
    notify(
        key=f"exams.admission:{decision.pk}",
        kind="exams.admission",
        now=now,
        recipient=enrolment.user,
        course=enrolment.course,
        references={"decision": decision.pk},
    )
