"""Project rules and topics at the desk."""

from django.contrib import admin

from amls.courses.desk import CourseScopedAdmin
from projects.models import ExtensionRequest, Project, ProjectRules, Topic


@admin.register(ProjectRules)
class ProjectRulesAdmin(CourseScopedAdmin):
    """When and how projects of a course are registered and handed in."""

    list_display = ("course", "submission_deadline", "hours", "ects", "is_mandatory")
    list_select_related = ("course",)


@admin.register(Topic)
class TopicAdmin(CourseScopedAdmin):
    """The project proposals of a course."""

    list_display = ("title", "track", "mentor", "slots", "is_open", "course")
    list_filter = ("course", "track", "is_open")
    list_select_related = ("course", "mentor")
    search_fields = ("title", "description")


@admin.register(Project)
class ProjectAdmin(CourseScopedAdmin):
    """The teams and what they hand in."""

    course_path = "topic__course"


@admin.register(ExtensionRequest)
class ExtensionRequestAdmin(CourseScopedAdmin):
    """Wishes for more time."""

    course_path = "project__topic__course"
