"""What of projects is held back before it is done."""

from django.db.models import Q

from amls.courses.models import User
from amls.held.kinds import Begun, held_kinds, naming_acts, taken_back
from projects import heldacts, moretime
from projects.models import Extension
from projects.publication import KIND, publish_as_seen

held_kinds.add(KIND, publish_as_seen)
held_kinds.add(heldacts.KIND, heldacts.do_as_seen)
held_kinds.add(moretime.KIND, moretime.let_stand)
taken_back.add(moretime.KIND, Begun(moretime.take_back, is_seen=True))


@naming_acts.named(heldacts.KIND)
def acts_on(user: User) -> Q:
    """Return the condition that a person is moved to another team, or loses more time of their own."""
    members = list(user.enrolments.values_list("pk", flat=True))
    return Q(references__values__member__in=members) | _with_extension_of(user, "references__values__extensions")


@naming_acts.named(moretime.KIND)
def more_time_of(user: User) -> Q:
    """Return the condition that a person is given more time of their own."""
    return _with_extension_of(user, "references__extensions")


def _with_extension_of(user: User, path: str) -> Q:
    condition = Q(pk__in=[])
    for pk in Extension.objects.filter(enrolment__user=user).values_list("pk", flat=True):
        condition |= Q(**{f"{path}__contains": pk})
    return condition
