"""What of projects is held back before it is done."""

from amls.held.kinds import Begun, held_kinds, taken_back
from projects import heldacts, moretime
from projects.publication import KIND, publish_as_seen

held_kinds.add(KIND, publish_as_seen)
held_kinds.add(heldacts.KIND, heldacts.do_as_seen)
held_kinds.add(moretime.KIND, moretime.let_stand)
taken_back.add(moretime.KIND, Begun(moretime.take_back, is_seen=True))
