"""Addresses of what joins the apps: the courses, a course's home, staff pages, legal pages."""

from django.urls import URLPattern, URLResolver, path

from amls.overview import health
from amls.overview.coursefile import views as coursefile
from amls.overview.views import account, documents, gradebook, imports, membership, pages, search, site, stats

app_name = "overview"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", pages.courses, name="courses"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("favicon.ico", site.favicon, name="favicon"),
    path("robots.txt", site.robots, name="robots"),
    path("language/", site.language, name="language"),
    path("legal/<slug:kind>/", site.legal, name="legal"),
    path("accounts/profile/", site.profile, name="profile"),
    path("accounts/sign-in-again/", account.sign_in_again, name="sign_in_again"),
    path("search/", search.everywhere, name="search_everywhere"),
    path("accounts/my-courses.ics", documents.my_dates, name="my_dates"),
    path("new/", coursefile.new_course, name="new_course"),
    path("<slug:slug>/", pages.home, name="home"),
    path("<slug:slug>/search/", search.in_course, name="search"),
    path("<slug:slug>/staff/imports/", imports.imports, name="imports"),
    path("<slug:slug>/staff/stats/", stats.stats, name="stats"),
    path("<slug:slug>/staff/import/", coursefile.import_page, name="import"),
    path("<slug:slug>/staff/roll-over/", coursefile.roll_over_page, name="roll_over"),
    path("<slug:slug>/staff/gradebook/", gradebook.gradebook, name="gradebook"),
    path("<slug:slug>/staff/gradebook.pdf", gradebook.gradebook_pdf, name="gradebook_pdf"),
    path("<slug:slug>/schedule.pdf", documents.schedule_pdf, name="schedule_pdf"),
    path("<slug:slug>/enrol/", membership.enrol, name="enrol"),
    path("<slug:slug>/me/", membership.me, name="me"),
    path("<slug:slug>/me/leave/", membership.leave, name="leave"),
]
