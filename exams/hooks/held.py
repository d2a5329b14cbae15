"""What of exams is held back before it is done."""

from django.db.models import Q

from amls.courses.models import User
from amls.held.kinds import held_kinds, naming_acts
from exams.models import Registration
from exams.services.acts import KIND, do_as_seen
from exams.services.publication import RESULTS, SEATS, publish_as_seen, release_as_seen

held_kinds.add(SEATS, release_as_seen)
held_kinds.add(RESULTS, publish_as_seen)
held_kinds.add(KIND, do_as_seen)


@naming_acts.named(KIND)
def acts_on(user: User) -> Q:
    """Return the condition that an act on somebody in an exam is one on this person."""
    registrations = list(Registration.objects.filter(enrolment__user=user).values_list("pk", flat=True))
    enrolments = list(user.enrolments.values_list("pk", flat=True))
    return Q(references__values__registration__in=registrations) | Q(references__values__enrolment__in=enrolments)
