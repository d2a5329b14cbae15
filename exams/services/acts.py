"""What staff do to an exam or to somebody in it, each act under its name.

An act that tells somebody, or that nobody can take back, is shown with who gets what and then held back for five
minutes; whether it does is found out by trying it (`amls/held/trials.py`), so that no act can leave at one click.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction
from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from amls.core.preview import seal_of_shown
from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment, User
from amls.desk.holding import WantedAct
from amls.held.models import HeldAct
from amls.held.services import HOLD
from amls.held.trials import Trial, watched
from exams.models import AdmissionDecision, Exam, HelperLink, Registration
from exams.services.admission import admit_whoever_fulfils_the_rules, decide_admission
from exams.services.afterwards import enter_afterwards
from exams.services.closing import close_exam
from exams.services.door import (
    add_helper,
    correct_attendance,
    mark_the_rest_absent,
    mark_the_rest_present,
    revoke_helper,
)
from exams.services.otherdate import staff_move
from exams.services.registration import excuse as excuse_registration
from exams.services.registration import staff_register, staff_withdraw
from exams.services.removal import remove_result
from exams.services.results import freeze as freeze_results
from exams.services.results import unfreeze as unfreeze_results
from exams.services.seatcount import set_capacity
from exams.services.seating import assign_seats, mend_seats
from exams.services.standing import say_passed

KIND = "exams.act"


@dataclass(frozen=True, slots=True)
class Staff:
    """Somebody of the staff at an exam, at a moment.

    Attributes:
        exam: with its course loaded.
        by: who it is.
        now: the request's clock, or when a held act is done.
    """

    exam: Exam
    by: User | None
    now: datetime


# What an act needs to know, as its form has cleaned it: a registration, an enrolment, a reason …
Data = Mapping[str, Any]
# Does one thing and returns what to say of it.
Deed = Callable[[Staff, Data], str]


@dataclass(frozen=True, slots=True)
class ExamAct:
    """One thing that staff do to an exam.

    Attributes:
        label: what is done, in a few words.
        do: does it.
        is_final: whether nobody can take it back, though it tells nobody.
        is_pressing: whether it must be done at once, though it tells somebody: its mail waits by itself.
    """

    label: Any
    do: Deed
    is_final: bool = False
    is_pressing: bool = False

    def waits(self, trial: Trial) -> bool:
        """Return whether it is shown and held back before it is done."""
        return self.is_final or (bool(trial.told) and not self.is_pressing)


acts: dict[str, ExamAct] = {}


def act(name: str, label: Any, *, is_final: bool = False, is_pressing: bool = False) -> Callable[[Deed], Deed]:
    """Register what does one thing to an exam; arguments as in `ExamAct`."""

    def register(do: Deed) -> Deed:
        acts[name] = ExamAct(label, do, is_final, is_pressing)
        return do

    return register


def wanted_act(name: str, staff: Staff, data: Data, trial: Trial, *, back: str) -> WantedAct:
    """Return what is held back of an act that was tried."""
    values = {field: value.pk if isinstance(value, Model) else value for field, value in data.items()}
    person = _person(data)
    return WantedAct(
        course=staff.exam.course,
        kind=KIND,
        about=f"{name}:{staff.exam.pk}:{person[0] if person else ''}",
        references={"act": name, "exam": staff.exam.pk, "values": values, "seal": _seal(data, trial)},
        title=f"{acts[name].label}: {person[1] if person else staff.exam.with_day(staff.exam.course.zone)}",
        back=back,
    )


def do_as_seen(held: HeldAct, now: datetime) -> str:
    """Do what somebody of the staff asked for.

    Raises:
        RuleViolation: the person, or who would be told, is not what was seen; or as the act's own service.
    """
    references = held.references
    exam = Exam.objects.select_related("course").get(pk=references["exam"])
    data = _loaded(exam, references["values"])
    with transaction.atomic():
        # How a person stands is looked at before the act changes it.
        stands = _seal(data, None) if _person(data) else ""
        do = acts[references["act"]].do
        trial = watched(lambda: do(Staff(exam, held.by, now), data), course=exam.course, now=now)
        if (stands or _seal(data, trial)) != references["seal"]:
            raise RuleViolation(
                _("It is not what you saw any more: people or seats changed meanwhile. Look at it, and ask again."),
                code="changed-meanwhile",
            )
    return trial.said


def _person(data: Data) -> tuple[str, User] | None:
    """Return who an act is about, with what names them; None where it is about the exam."""
    enrolment = data["registration"].enrolment if "registration" in data else data.get("enrolment")
    return (str(enrolment.pk), enrolment.user) if enrolment is not None else None


def _seal(data: Data, trial: Trial | None) -> str:
    """Return what names the state that whoever asks for an act sees.

    Of an act on one person it is how they stand: who moves up in their place is settled when it is done. Of an act on
    many it is who is told what.
    """
    if "registration" in data:
        return seal_of_shown((data["registration"].pk, str(data["registration"].state)))
    return trial.seal if trial is not None else ""


def _loaded(exam: Exam, values: Data) -> dict[str, Any]:
    """Return what a held act needs to know.

    Raises:
        RuleViolation: whom it is about is gone.
    """
    rows: dict[str, QuerySet[Any]] = {
        "registration": Registration.objects.with_people().filter(exam=exam),
        "target": Exam.objects.filter(course=exam.course),
        "link": HelperLink.objects.filter(exam=exam),
        "enrolment": Enrolment.objects.students().present().filter(course=exam.course).select_related("user", "course"),
    }
    try:
        return {
            name: rows[name].get(pk=value) if name in rows and value is not None else value
            for name, value in values.items()
        }
    except ObjectDoesNotExist as error:
        raise RuleViolation(_("Whom it was about is no longer in this exam."), code="gone") from error


# ── one person ──


@act("register", gettext_lazy("Register"), is_pressing=True)
def register(staff: Staff, data: Data) -> str:
    """Register a student by hand."""
    enrolment, reason = data["enrolment"], data["reason"]
    made = staff_register(
        enrolment=enrolment, exam_pk=staff.exam.pk, reason=reason, now=staff.now, tells_at=staff.now + HOLD
    )
    if made.state == Registration.State.WAITLISTED:
        said = [_("%(person)s is on the waiting list: every seat is taken.") % {"person": enrolment.user}]
    else:
        said = [_("%(person)s is registered.") % {"person": enrolment.user}]
        if (waiting := made.exam.waiting) and not made.exam.may_withdraw(staff.now):
            left = ngettext(
                "%(count)d person waits: nobody moves up any more.",
                "%(count)d people wait: nobody moves up any more.",
                waiting,
            )
            said.append(left % {"count": waiting})
    return " ".join([*said, say_passed(enrolment)]).strip()


@act("afterwards", gettext_lazy("Enter as attended"))
def afterwards(staff: Staff, data: Data) -> str:
    """Put a student on the list of a closed exam who sat it."""
    enrolment, points = data["enrolment"], data.get("points", "")
    enter_afterwards(
        enrolment=enrolment, exam_pk=staff.exam.pk, reason=data["reason"], by=staff.by, now=staff.now,
        points=Decimal(points) if points else None,
    )  # fmt: skip
    said = [_("%(person)s stands as attended now.") % {"person": enrolment.user}]
    if points:
        said.append(_("Their points are kept, and told once results are published."))
    return " ".join([*said, say_passed(enrolment)]).strip()


@act("withdraw", pgettext_lazy("somebody from an exam", "Withdraw"))
def withdraw(staff: Staff, data: Data) -> str:
    """Withdraw somebody."""
    registration = data["registration"]
    staff_withdraw(registration_pk=registration.pk, reason=data["reason"], now=staff.now, seen=data.get("seen"))
    return _("%(person)s is withdrawn and was told.") % {"person": registration.enrolment.user}


@act("move", gettext_lazy("Move to another date"))
def move(staff: Staff, data: Data) -> str:
    """Move somebody to another date."""
    registration, target = data["registration"], data["target"]
    if target is None:
        raise RuleViolation(_("Choose the date to move to."), code="no-date", field="target")
    staff_move(
        registration_pk=registration.pk, exam_pk=target.pk, reason=data["reason"], now=staff.now, seen=data.get("seen")
    )
    said = _("%(person)s has a seat of %(day)s and was told; what they held here is given on.")
    return said % {"person": registration.enrolment.user, "day": target.date_name(staff.exam.course.zone)}


@act("excuse", gettext_lazy("Excuse"))
def excuse(staff: Staff, data: Data) -> str:
    """Excuse somebody."""
    registration = data["registration"]
    excuse_registration(registration_pk=registration.pk, reason=data["reason"], now=staff.now, seen=data.get("seen"))
    return _("%(person)s is excused and was told.") % {"person": registration.enrolment.user}


@act("was-there", gettext_lazy("Correct to attended"))
def was_there(staff: Staff, data: Data) -> str:
    """Correct that somebody attended."""
    return _correct(staff, data, attended=True, said=_("%(person)s stands as attended now."))


@act("was-absent", gettext_lazy("Correct to absent"))
def was_absent(staff: Staff, data: Data) -> str:
    """Correct that somebody did not attend."""
    return _correct(staff, data, attended=False, said=_("%(person)s stands as absent now."))


def _correct(staff: Staff, data: Data, *, attended: bool, said: str) -> str:
    registration, reason = data["registration"], data["reason"]
    correct_attendance(
        registration_pk=registration.pk,
        exam_pk=staff.exam.pk,
        attended=attended,
        reason=reason,
        by=staff.by,
        now=staff.now,
        seen=data.get("seen"),
    )
    return said % {"person": registration.enrolment.user}


@act("no-result", gettext_lazy("Take the result away"))
def no_result(staff: Staff, data: Data) -> str:
    """Take somebody's result away."""
    registration = data["registration"]
    remove_result(
        registration_pk=registration.pk, exam_pk=staff.exam.pk, reason=data["reason"], by=staff.by, now=staff.now,
        seen=data.get("seen_points"),
    )  # fmt: skip
    return _("The result of %(person)s is taken away.") % {"person": registration.enrolment.user}


@act("admit", gettext_lazy("Admit anyway"))
def admit(staff: Staff, data: Data) -> str:
    """Admit somebody, whatever the rules say."""
    return _decide(staff, data, AdmissionDecision.Verdict.ADMITTED)


@act("refuse", gettext_lazy("Revoke the admission"))
def refuse(staff: Staff, data: Data) -> str:
    """Revoke somebody's admission."""
    return _decide(staff, data, AdmissionDecision.Verdict.REFUSED)


@act("by-rules", gettext_lazy("Back to the rules"))
def by_rules(staff: Staff, data: Data) -> str:
    """Let the rules decide on somebody again."""
    return _decide(staff, data, AdmissionDecision.Verdict.BY_RULES)


def _decide(staff: Staff, data: Data, verdict: str) -> str:
    enrolment = data["registration"].enrolment
    decide_admission(
        enrolment=enrolment, verdict=verdict, reason=data["reason"], by=staff.by, now=staff.now,
        seen=data.get("seen_decision"),
    )  # fmt: skip
    return _("The decision on %(person)s is kept, and they were told.") % {"person": enrolment.user}


# ── the exam ──


@act("admit-all", gettext_lazy("Write down who is admitted"))
def admit_all(staff: Staff, data: Data) -> str:
    """Write down the admission of everyone who fulfils the rules."""
    count = admit_whoever_fulfils_the_rules(course=staff.exam.course, now=staff.now)
    said = ngettext("%(count)d admission was written down.", "%(count)d admissions were written down.", count)
    return said % {"count": count}


@act("capacity", gettext_lazy("Change the capacity"))
def capacity(staff: Staff, data: Data) -> str:
    """Change how many seats there are."""
    promoted = set_capacity(exam_pk=staff.exam.pk, capacity=data["capacity"], now=staff.now, seen=data.get("seen"))
    moved = ngettext("%(count)d person moved up.", "%(count)d people moved up.", len(promoted)) % {"count": len(promoted)}  # fmt: skip
    return _("The capacity is changed.") + (f" {moved}" if promoted else "")


@act("assign", gettext_lazy("Give seats"))
def assign(staff: Staff, data: Data) -> str:
    """Give everyone a seat."""
    done = assign_seats(
        exam_pk=staff.exam.pk, order=Exam.SeatOrder(data["order"] or Exam.SeatOrder.RANDOM), now=staff.now
    )
    said = _("%(given)d seats are given; %(without)d people found no room.")
    return said % {"given": done.given, "without": done.without_seat}


@act("mend", gettext_lazy("Give a seat to who has none"))
def mend(staff: Staff, data: Data) -> str:
    """Give a seat to who has none."""
    done = mend_seats(exam_pk=staff.exam.pk, now=staff.now)
    said = _("%(given)d seats are given, %(kept)d stay as they are; %(without)d people found no room.")
    return said % {"given": done.given, "kept": done.kept, "without": done.without_seat}


@act("helper", gettext_lazy("A link for a helper"))
def helper(staff: Staff, data: Data) -> str:
    """Make a link for a helper at the door."""
    link = add_helper(exam=staff.exam, name=data["name"], by=staff.by, now=staff.now)
    return _("The link for %(name)s works on the day of the exam.") % {"name": link.name}


@act("revoke", gettext_lazy("Revoke the link"))
def revoke(staff: Staff, data: Data) -> str:
    """Revoke a helper's link."""
    revoke_helper(link_pk=data["link"].pk, exam_pk=staff.exam.pk, now=staff.now)
    return _("The link no longer works.")


@act("absent", gettext_lazy("Note the rest as absent"))
def absent(staff: Staff, data: Data) -> str:
    """Note whoever is left as absent."""
    count = mark_the_rest_absent(exam_pk=staff.exam.pk, now=staff.now)
    said = ngettext("%(count)d person is noted as absent.", "%(count)d people are noted as absent.", count)
    return said % {"count": count}


@act("present", gettext_lazy("Note the rest as present"))
def present(staff: Staff, data: Data) -> str:
    """Note whoever is left as present."""
    count = mark_the_rest_present(exam_pk=staff.exam.pk, by=staff.by, now=staff.now)
    said = ngettext("%(count)d person is noted as present.", "%(count)d people are noted as present.", count)
    return said % {"count": count}


@act("close", gettext_lazy("Close the exam"), is_final=True)
def close(staff: Staff, data: Data) -> str:
    """Close the exam."""
    closed = close_exam(exam_pk=staff.exam.pk, now=staff.now)
    said = ngettext(
        "The exam is closed: %(count)d person may register for a later date.",
        "The exam is closed: %(count)d people may register for a later date.",
        closed.free,
    ) % {"count": closed.free}
    if not closed.passed:
        return said
    passed = ngettext(
        "%(count)d has passed and sits no other.", "%(count)d have passed and sit no other.", closed.passed
    )
    return f"{said} {passed % {'count': closed.passed}}"


@act("freeze", gettext_lazy("Freeze the results"))
def freeze(staff: Staff, data: Data) -> str:
    """Freeze the results for the examination office."""
    freeze_results(exam_pk=staff.exam.pk, now=staff.now, with_reserved=data["with_reserved"])
    return _("The results are frozen: nothing changes until somebody unfreezes them.")


@act("unfreeze", gettext_lazy("Unfreeze the results"))
def unfreeze(staff: Staff, data: Data) -> str:
    """Let results change again."""
    unfreeze_results(exam_pk=staff.exam.pk, by=staff.by, reason=data["reason"], now=staff.now)
    return _("The results can be changed again.")
