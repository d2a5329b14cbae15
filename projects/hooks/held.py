"""What of projects is held back before it is done."""

from amls.held.kinds import held_kinds
from projects import heldacts
from projects.publication import KIND, publish_as_seen

held_kinds.add(KIND, publish_as_seen)
held_kinds.add(heldacts.KIND, heldacts.do_as_seen)
