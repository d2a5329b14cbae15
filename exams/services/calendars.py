"""What follows a change of exams: the person's own calendar, after the commit."""

from collections.abc import Collection
from datetime import datetime

from amls.agenda import services as agenda
from amls.agenda.models import AgendaItem
from amls.agenda.sources import Item
from amls.core.doorbell import ring
from amls.courses.models import Course, Enrolment
from exams.agenda_items import SOURCE, own_items_of_all
from exams.models import Exam, Registration
from exams.queries import exam_of_key
from exams.services.datenews import tell_other_call_in

FOLLOW = "exams.tasks.follow"


def follow_later(enrolment_pks: Collection[int]) -> None:
    """Have the agenda of these people brought up to date once the transaction is committed.

    Not within it, where the exam's lock would be held meanwhile, and not in the request,
    whose cost it would double: a worker does it. What a broker that is down or a crash
    leaves undone beat mends with `follow_course`.
    """
    if enrolment_pks:
        ring(FOLLOW, enrolment_pks)


def follow_now(enrolment_pks: Collection[int], *, now: datetime) -> None:
    """Bring the agenda of these people up to date, all at once, then that of those who examine them; who left meanwhile is passed over."""
    # It loads the rows itself, under their locks.
    agenda.follow_people([Enrolment(pk=pk) for pk in enrolment_pks], now=now, sources=[SOURCE])
    # Of an oral exam that names nobody there is none to tell.
    oral = Registration.objects.filter(enrolment__in=enrolment_pks, exam__kind=Exam.Kind.ORAL).exclude(
        exam__examiners=""
    )
    staff = Enrolment.objects.staff().filter(course__in=oral.values("course"))
    agenda.reconcile_people(staff, now=now, sources=[SOURCE])


def follow_course(course: Course, now: datetime) -> list[object]:
    """Bring up to date whose own items differ from what they should be: 4 queries where nobody's does.

    Who holds a seat of a date that has another call-in link now is told of it.
    """
    wanted = own_items_of_all(course)
    shown: dict[int, dict[str, Item]] = {}
    rows = AgendaItem.objects.filter(
        course=course, enrolment__isnull=False, key__startswith=f"{SOURCE}.", is_removed=False
    )
    for row in rows:
        shown.setdefault(row.enrolment_id or 0, {})[row.key] = Item.from_row(row)
    stale = [
        pk
        for pk in wanted.keys() | shown.keys()
        if {item.key: item for item in wanted.get(pk, [])} != shown.get(pk, {})
    ]
    knew = {
        (pk, exam): was.call_in
        for pk in stale
        for item in wanted.get(pk, [])
        # Who has just got a seat, and is called otherwise now, is told of it with the link.
        if (was := shown.get(pk, {}).get(item.key)) is not None and was.title == item.title
        if was.call_in != item.call_in and (exam := exam_of_key(item.key)) is not None
    }
    agenda.reconcile_people(Enrolment.objects.filter(pk__in=stale), now=now, sources=[SOURCE])
    tell_other_call_in(knew, course, now=now)
    return []
