"""Addresses of what joins the apps: the courses, a course's home, staff pages, legal pages."""

from functools import partial

from django.urls import URLPattern, URLResolver, path

from amls.core.lazy_views import later
from amls.portal.gradebook import importing
from amls.portal.gradebook import views as gradebook
from amls.portal.health import views as health
from amls.portal.home import documents
from amls.portal.home import views as home
from amls.portal.imports import views as imports
from amls.portal.inviting import views as inviting
from amls.portal.legal import views as legal
from amls.portal.me import account
from amls.portal.me import views as me
from amls.portal.pwa import views as pwa
from amls.portal.search import views as search
from amls.portal.stats import views as stats

# What understands pages of courses is a tenth of all code, and few bring one in.
bringing, rollover, upstream = (
    partial(later, f"amls.portal.takeover.views.{name}") for name in ("bringing", "rollover", "upstream")
)
app_name = "portal"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.courses, name="courses"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("favicon.ico", legal.favicon, name="favicon"),
    path("robots.txt", legal.robots, name="robots"),
    path("manifest.webmanifest", pwa.manifest, name="manifest"),
    path("worker.js", pwa.worker, name="worker"),
    path("offline.<str:language>.html", pwa.offline, name="offline"),
    path("language/", legal.language, name="language"),
    path("legal/<slug:kind>/", legal.legal, name="legal"),
    path("accounts/profile/", legal.profile, name="profile"),
    path("accounts/signed-in/", account.signed_in, name="signed_in"),
    path("accounts/sign-in-again/", account.sign_in_again, name="sign_in_again"),
    path("search/", search.everywhere, name="search_everywhere"),
    path("accounts/my-courses.ics", documents.my_dates, name="my_dates"),
    path("new/", bringing("bring_new"), name="new_course"),
    path("new/<uuid:token>/", bringing("draft_page"), name="import_draft"),
    path("new/<uuid:token>/change/", bringing("change"), name="import_change"),
    path("new/<uuid:token>/undo/", bringing("take_back"), name="import_undo"),
    path("new/<uuid:token>/again/", bringing("start_again"), name="import_again"),
    path("new/<uuid:token>/make/", bringing("make"), name="import_make"),
    path("new/<uuid:token>/discard/", bringing("discard"), name="import_discard"),
    path("<slug:slug>/", home.home, name="home"),
    path("<slug:slug>/search/", search.in_course, name="search"),
    path("<slug:slug>/staff/imports/", imports.imports, name="imports"),
    path("<slug:slug>/staff/invite/", inviting.invite_page, name="invite"),
    path("<slug:slug>/staff/stats/", stats.stats, name="stats"),
    path("<slug:slug>/staff/import/", bringing("bring_into"), name="import"),
    path("<slug:slug>/staff/course.toml", bringing("course_file"), name="course_file"),
    path("<slug:slug>/staff/upstream/", upstream("upstream_page"), name="upstream"),
    path("<slug:slug>/staff/upstream/decide/", upstream("decide"), name="upstream_decide"),
    path("<slug:slug>/staff/upstream/read/", upstream("read_now"), name="upstream_read"),
    path("<slug:slug>/staff/upstream/stop/", upstream("stop"), name="upstream_stop"),
    path("<slug:slug>/staff/publish/", bringing("publish"), name="publish"),
    path("<slug:slug>/staff/roll-over/", rollover("roll_over_page"), name="roll_over"),
    path("<slug:slug>/staff/gradebook/", gradebook.gradebook, name="gradebook"),
    path("<slug:slug>/staff/gradebook.pdf", gradebook.gradebook_pdf, name="gradebook_pdf"),
    path("<slug:slug>/staff/gradebook/import/", importing.corrections, name="gradebook_import"),
    path("<slug:slug>/staff/gradebook/<int:pk>/", gradebook.gradebook_person, name="gradebook_person"),
    path("<slug:slug>/schedule.pdf", documents.schedule_pdf, name="schedule_pdf"),
    path("<slug:slug>/enrol/", me.enrol, name="enrol"),
    path("<slug:slug>/me/", me.me, name="me"),
    path("<slug:slug>/me/leave/", me.leave, name="leave"),
]
