"""The staff's desk."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class DeskConfig(AppConfig):
    """What every page of the desk has in common, and the desk's pages for courses and people."""

    default = True
    name = "amls.desk"


class DeskSiteConfig(admin_apps.AdminConfig):
    """The admin, as the staff's desk."""

    default = False
    default_site = "amls.desk.entrance.DeskSite"
