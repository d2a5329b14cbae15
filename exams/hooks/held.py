"""What of exams is held back before it is done."""

from amls.held.kinds import held_kinds
from exams.services.acts import KIND, do_as_seen
from exams.services.publication import RESULTS, SEATS, publish_as_seen, release_as_seen

held_kinds.add(SEATS, release_as_seen)
held_kinds.add(RESULTS, publish_as_seen)
held_kinds.add(KIND, do_as_seen)
