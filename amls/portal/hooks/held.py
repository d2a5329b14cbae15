"""What of the portal is held back before it is done."""

from amls.held.kinds import held_kinds
from amls.portal.inviting.people import KIND, invite

held_kinds.add(KIND, invite)
