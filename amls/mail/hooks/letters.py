"""The letters that the mail app writes itself."""

from django.utils.translation import gettext_lazy as _

from amls.mail import account_mail, announcements, changes, materials, reminders, trials
from amls.mail.categories import ANNOUNCEMENTS, CHANGES, MATERIALS, REMINDERS
from amls.mail.letters import letter

letter(account_mail.KIND, label=_("Account"))(account_mail.write_account_mail)
letter(trials.KIND, label=_("Test of a mail"))(trials.write_trial)
letter(materials.KIND, label=_("New slides or recording"), topic=MATERIALS, merge=materials.merge_materials)(
    materials.write_material
)
letter(changes.KIND, label=_("Dates changed"), topic=CHANGES, prepare=changes.prepare_changes)(changes.write_changes)
letter(announcements.KIND, label=_("Announcement"), topic=ANNOUNCEMENTS, prepare=announcements.prepare_announcements)(
    announcements.write_announcement
)
letter(
    reminders.KIND,
    label=_("Reminder"),
    topic=REMINDERS,
    prepare=reminders.prepare_reminders,
    merge=reminders.merge_reminders,
)(reminders.write_reminder)
