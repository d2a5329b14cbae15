"""The addresses of the site."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from amls.core.known_paths import KnownPaths
from amls.portal.desk import views as desk
from amls.portal.health.views import installation
from amls.portal.me.account import sessions

handler404 = "amls.portal.home.missing.not_found"
handler500 = "amls.portal.health.views.server_error"
# Of django-allauth, which looks for it here.
handler429 = "amls.accounts.limits.too_many"
_addresses: list[URLPattern | URLResolver] = [
    # Before the desk's own addresses, the last of which takes all.
    path("admin/installation/", admin.site.admin_view(installation), name="installation"),
    path("admin/search/", admin.site.admin_view(desk.search), name="desk_search"),
    path("admin/people/<int:pk>/", admin.site.admin_view(desk.person), name="desk_person"),
    path("admin/", admin.site.urls),
    # Before allauth's own page of the same name.
    path("accounts/sessions/", sessions, name="usersessions_list"),
    path("accounts/", include("allauth.urls")),
    path("", include("amls.signin.urls")),
    path("", include("amls.mail.urls")),
    path("", include("amls.exports.urls")),
    path("", include("amls.held.urls")),
    path("", include("amls.agenda.urls")),
    path("", include("amls.grading.urls")),
    path("", include("lectures.urls")),
    path("", include("exams.urls")),
    path("", include("projects.urls")),
    path("", include("amls.portal.urls")),
]
urlpatterns = [KnownPaths(_addresses)]
