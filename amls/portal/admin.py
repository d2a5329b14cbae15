"""The legal pages at the desk."""

from django.contrib import admin

from amls.courses.saving import delete_apart, save_apart
from amls.desk.site import SuperuserAdmin
from amls.desk.writes import Writes
from amls.portal.models import LegalPage


@admin.register(LegalPage)
class LegalPageAdmin(SuperuserAdmin):
    """What the imprint, privacy and accessibility pages say; where one is deleted, what the installation brings is shown."""

    writes = Writes(save=save_apart, delete=delete_apart)
    list_display = ("kind", "language")
