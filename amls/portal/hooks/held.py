"""What of the portal is held back before it is done."""

from amls.held.kinds import held_kinds, taken_back
from amls.portal.inviting.people import KIND, invite, uninvite

held_kinds.add(KIND, invite)
taken_back.add(KIND, uninvite)
