"""The legal pages at the desk."""

from django.contrib import admin

from amls.desk.site import SuperuserAdmin
from amls.portal.models import LegalPage


@admin.register(LegalPage)
class LegalPageAdmin(SuperuserAdmin):
    """What the imprint, privacy and accessibility pages say."""

    list_display = ("kind", "language")
