"""What the maker of an act reads that could not be done."""

from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amls.core.markdown import escape_markdown
from amls.courses.models import User
from amls.held.kinds import names_person
from amls.held.models import HeldAct
from amls.held.services import KIND
from amls.mail.letters import Letter, letter
from amls.mail.models import Notice


def _of_acts_on(user: User) -> Q:
    return Q(references__act__in=list(HeldAct.objects.filter(names_person(user)).values_list("pk", flat=True)))


@letter(KIND, label=gettext_lazy("A held act was not done"), names=_of_acts_on)
def not_done(notice: Notice, now: datetime) -> Letter | None:
    """Say what was not done, and why."""
    act = HeldAct.objects.filter(pk=notice.references["act"], state=HeldAct.State.REFUSED).first()
    if act is None:
        return None
    return Letter(
        subject=_("Not done: %(what)s") % {"what": act.title},
        text=f"{escape_markdown(act.outcome)}\n\n" + _("Nothing of it was done, and nobody was told."),
        action=(_("Look at it again"), act.back),
        reason=_("You get this because you asked for it."),
    )
