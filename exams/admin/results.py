"""Results of exams and their history, at the desk."""

from django.contrib import admin
from django.utils.translation import gettext_lazy

from amls.desk.site import CourseScopedAdmin
from amls.desk.writes import NOTHING
from exams.admin.people import ExamFilter
from exams.models import Result, ResultChange


@admin.register(Result)
class ResultAdmin(CourseScopedAdmin):
    """Points and grades."""

    writes = NOTHING
    course_path = "registration__course"
    list_display = ("registration", "points", "extra_points", "grade", "state", "published_at")
    ordering = ("registration__exam", "registration__enrolment__user__sort_name")
    list_filter = (("registration__exam", ExamFilter), "state")
    list_select_related = ("registration__enrolment__user", "registration__exam")
    search_fields = ("registration__enrolment__user__display_name", "registration__enrolment__user__email")


@admin.register(ResultChange)
class ResultChangeAdmin(CourseScopedAdmin):
    """Who changed which result when, from what to what, and why."""

    writes = NOTHING
    course_path = "registration__course"
    list_display = ("registration", "at", "by", "what", "step", "reason")
    list_filter = (("registration__exam", ExamFilter), "what")
    list_select_related = ("registration__enrolment__user", "registration__exam", "by")
    search_fields = ("registration__enrolment__user__display_name", "registration__enrolment__user__email")

    @admin.display(description=gettext_lazy("from what to what"))
    def step(self, change: ResultChange) -> str:
        """Say what it was and what it is."""
        return change.step
