"""The letters that the mail app writes itself."""

from amls.mail import account_mail, announcements, changes, materials, reminders, trials
from amls.mail.categories import ANNOUNCEMENTS, CHANGES, MATERIALS, REMINDERS
from amls.mail.letters import letter

letter(account_mail.KIND)(account_mail.write_account_mail)
letter(trials.KIND)(trials.write_trial)
letter(materials.KIND, topic=MATERIALS, merge=materials.merge_materials)(materials.write_material)
letter(changes.KIND, topic=CHANGES, prepare=changes.prepare_changes)(changes.write_changes)
letter(announcements.KIND, topic=ANNOUNCEMENTS, prepare=announcements.prepare_announcements)(
    announcements.write_announcement
)
letter(reminders.KIND, topic=REMINDERS, prepare=reminders.prepare_reminders, merge=reminders.merge_reminders)(
    reminders.write_reminder
)
