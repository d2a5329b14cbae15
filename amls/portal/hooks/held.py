"""What of the portal is held back before it is done."""

from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext as _

from amls.core.violations import RuleViolation
from amls.courses.models import RosterEntry, User
from amls.held.kinds import Begun, held_kinds, naming_acts, taken_back
from amls.held.models import HeldAct
from amls.membership.claims import CLAIM_ACT, decide_claim
from amls.portal.inviting.people import KIND, invite, uninvite

held_kinds.add(KIND, invite)
# A colleague finds the invited on the roster; they themselves join when the mails leave.
taken_back.add(KIND, Begun(uninvite, is_seen=False))


@held_kinds.named(CLAIM_ACT)
def do_decide_claim(act: HeldAct, now: datetime) -> str:
    """Enrol whoever says that they are a person of the roster, or decline."""
    wanted = act.references
    entry = RosterEntry.objects.filter(course=act.course, pk=wanted["entry"]).first()
    if entry is None:
        raise RuleViolation(_("It is not on the roster any more."), code="gone")
    is_confirmed = wanted["is_confirmed"]
    decide_claim(entry=entry, claimant=wanted["claimant"], is_confirmed=is_confirmed, now=now)
    return _("The person is enrolled and told.") if is_confirmed else _("The person is told.")


@naming_acts.named(CLAIM_ACT)
def claims_of(user: User) -> Q:
    """Return the condition that it is decided whether a person is one of the roster."""
    return Q(references__claimant=user.pk)
