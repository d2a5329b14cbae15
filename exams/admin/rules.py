"""What holds for all exams of a course, at the desk."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amls.courses.saving import delete_row, save_row
from amls.desk.site import CourseScopedAdmin
from amls.desk.writes import Writes
from exams.models import ExamRules


@admin.register(ExamRules)
class ExamRulesAdmin(CourseScopedAdmin):
    """What holds for all exams of a course."""

    writes = Writes(save=save_row, delete=delete_row)
    list_display = ("course", "project_is_prerequisite", "max_extra_points", "extra_points_lift_fail", "binding_name")
    list_select_related = ("course",)
    fieldsets = (
        (None, {"fields": ("course", "needs_matriculation_number", "project_is_prerequisite", "builder")}),
        (gettext_lazy("Sign-up"), {"fields": ("keeps_seat_while_waiting",)}),
        (
            gettext_lazy("Grading"),
            {"fields": (("exam_percent", "max_extra_points"), "steps", "extra_points_lift_fail", "shows_distribution")},
        ),
        (gettext_lazy("The university's registration"), {"fields": (("binding_name", "binding_url"),)}),
    )
    readonly_fields = ("builder", "steps")

    @admin.display(description=gettext_lazy("rule of admission"))
    def builder(self, rules: ExamRules) -> SafeString | str:
        """Lead to where the rule is built from blocks."""
        if not rules.pk:
            return ""
        address = reverse("exams:rule", args=[rules.course.slug])
        return format_html('<a class="underline" href="{}">{}</a>', address, _("Build it from blocks"))

    @admin.display(description=gettext_lazy("extra points from assignments"))
    def steps(self, rules: ExamRules) -> SafeString | str:
        """Lead to where it is said for how many percent of the points of assignments there are how many."""
        if not rules.pk:
            return ""
        address = reverse("exams:extra", args=[rules.course.slug])
        return format_html('<a class="underline" href="{}">{}</a>', address, _("Set the steps"))
