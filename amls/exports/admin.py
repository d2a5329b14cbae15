"""Exports at the desk: what is being made, and what could not be made and why. The files are for whom they are."""

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.translation import gettext_lazy, ngettext
from unfold.decorators import action

from amls.core.request import now_of
from amls.desk.filters import KindFilter
from amls.desk.site import CourseScopedAdmin
from amls.desk.writes import NOTHING
from amls.exports.kinds import label_of
from amls.exports.managers import ExportQuerySet
from amls.exports.models import Export
from amls.exports.services import retry_exports


class ExportFilter(KindFilter):
    """The kinds of exports."""

    def label_of(self, kind: str) -> str:
        """Return the kind's label."""
        return label_of(kind)


@admin.register(Export)
class ExportAdmin(CourseScopedAdmin):
    """What became of each export: ordered where it is used, gone after a week. Staff see those of their courses, superusers also 'my data'."""

    writes = NOTHING
    list_display = ("what", "course", "requested_by", "state", "created_at", "finished_at", "attempts", "error")
    list_filter = ("state", ExportFilter, "course")
    list_select_related = ("course", "requested_by")
    search_fields = ("requested_by__email", "requested_by__display_name", "error")
    actions = ("try_again",)
    # Its page is for whom it was made.
    view_on_site = False
    fields = (
        "what", "course", "requested_by", "language", "state", "done", "total", "attempts", "error", "created_at",
        "finished_at", "expires_at", "bytes", "remark",
    )  # fmt: skip
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> ExportQuerySet:
        """Return the exports of one's courses; superusers see all."""
        rows = Export.objects.all()
        return rows if request.user.is_superuser else rows.filter(course__in=self.courses(request))

    @admin.display(description=gettext_lazy("what"), ordering="kind")
    def what(self, export: Export) -> str:
        """Name the kind."""
        return label_of(export.kind)

    @action(description=gettext_lazy("Try failed exports again"))
    def try_again(self, request: HttpRequest, queryset: ExportQuerySet) -> None:
        """Put failed exports back into the queue."""
        count = retry_exports(exports=queryset, now=now_of(request))
        said = ngettext("%(count)d export is tried again.", "%(count)d exports are tried again.", count)
        messages.success(request, said % {"count": count})
