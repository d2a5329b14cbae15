"""Changes of the agenda are told by mail."""

from amls.agenda.services import after_reconcile
from amls.mail.changes import note_changes

after_reconcile(note_changes)
