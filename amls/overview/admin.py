"""The legal pages at the desk."""

from django.contrib import admin

from amls.courses.desk import SuperuserAdmin
from amls.overview.models import LegalPage


@admin.register(LegalPage)
class LegalPageAdmin(SuperuserAdmin):
    """What the imprint, privacy and accessibility pages say."""

    list_display = ("kind", "language")
