"""What the desk holds back of courses and announcements, and how it is done."""

from datetime import datetime

from django.db.models import Q
from django.http import HttpRequest

from amls.core.request import now_of
from amls.courses.accounts import user_or_none
from amls.courses.models import User
from amls.courses.saving import STATE_ACT, change_state
from amls.desk.holding import WantedAct, end_held, hold_back
from amls.files.models import ImportedRow
from amls.held import corrections
from amls.held.asking import hold_and_say
from amls.held.kinds import Begun, held_kinds, naming_acts, taken_back
from amls.held.models import HeldAct
from amls.held.services import end_acts
from amls.mail.announcements import RELEASE, release_announcement

end_held(end_acts)
held_kinds.add(corrections.KIND, corrections.let_stand)
taken_back.add(corrections.KIND, Begun(corrections.put_back, is_seen=True))


@naming_acts.named(corrections.KIND)
def corrections_of(user: User) -> Q:
    """Return the condition that something of a person was corrected."""
    rows = ImportedRow.objects.filter(person=user).values_list("table_import", flat=True)
    return Q(references__import__in=list(rows.distinct()))


@hold_back
def hold_and_say_at_desk(request: HttpRequest, wanted: WantedAct) -> None:
    """Hold an act back, and say so at the desk."""
    hold_and_say(request, wanted, by=user_or_none(request), now=now_of(request), at_desk=True)


@held_kinds.named(STATE_ACT)
def do_change_state(act: HeldAct, now: datetime) -> str:
    """Archive a course, reopen it, or make it a draft again."""
    wanted = act.references
    return change_state(
        course=act.course, was=wanted["was"], state=wanted["state"], loose_ends=wanted["loose_ends"], now=now
    )


@held_kinds.named(RELEASE)
def do_release(act: HeldAct, now: datetime) -> str:
    """Let an announcement go."""
    wanted = act.references
    # Held by the release before, it says nothing of people, and its seal is another one.
    people = wanted.get("people", 0)
    return release_announcement(announcement_pk=wanted["announcement"], seal=wanted["seal"], people=people, now=now)
