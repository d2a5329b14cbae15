"""The legal pages at the desk."""

from datetime import datetime

from django.contrib import admin

from amls.courses.models import User
from amls.desk.site import SuperuserAdmin
from amls.desk.writes import Writes
from amls.portal.models import LegalPage


def save_page(page: LegalPage, *, by: User | None, now: datetime) -> None:
    """Keep a page, new or changed."""
    page.save()


def delete_page(page: LegalPage, *, by: User | None, now: datetime) -> None:
    """Delete a page: what the installation brings is shown again."""
    page.delete()


@admin.register(LegalPage)
class LegalPageAdmin(SuperuserAdmin):
    """What the imprint, privacy and accessibility pages say."""

    writes = Writes(save=save_page, delete=delete_page)
    list_display = ("kind", "language")
