"""Exams at the desk."""

from django.contrib import admin

from amls.courses.desk import CourseScopedAdmin
from exams.models import Exam


@admin.register(Exam)
class ExamAdmin(CourseScopedAdmin):
    """The dates of a course's exams, with the windows of their sign-up."""

    list_display = ("__str__", "course", "starts_at", "duration_minutes", "place", "capacity")
    list_filter = ("course",)
    list_select_related = ("course",)
    fields = (
        "course",
        ("kind", "title"),
        ("starts_at", "duration_minutes"),
        ("place", "capacity"),
        ("opens_at", "closes_at"),
        "withdraw_until",
    )
