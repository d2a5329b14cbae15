"""What the staff settle before topics are given by wish: who gets a topic or doesn't, and how much mentors can do."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from amls.courses.models import StaffMember
from amls.desk.writes import Writes
from projects.admin.pages import KeptAdmin
from projects.forms.choices import OfCourseField, TeamField, TopicField
from projects.models import Assignment, MentorLimit, Project, Topic, TopicPlacement
from projects.progress import with_names
from projects.services.wishes import delete_mentor_limit, delete_placement, keep_mentor_limit, keep_placement

_BY_WISH = Assignment.TopicsGiven.BY_WISH


def _ruled(field: str) -> QuerySet[Any, Any]:
    """Return what rules that exist are about: what they say stays to be chosen, whatever became of it."""
    rows: QuerySet[Any, Any] = TopicPlacement.objects.values(field)
    return rows


@admin.register(TopicPlacement)
class TopicPlacementAdmin(KeptAdmin):
    """That a team gets a topic in any case, or doesn't."""

    course_path = "project__assignment__course"
    writes = Writes(save=keep_placement, delete=delete_placement)
    list_display = ("project", "kind", "topic", "reason", "decided_by")
    list_select_related = ("project__topic", "project__assignment", "topic", "decided_by")
    fields = ("project", "kind", "topic", "reason")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Take rules back."""
        return self._may(request, obj)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer the teams that wait for a topic, by their members' names, and the topics that are given by wish."""
        courses = self.courses(request)
        if db_field.name == "project":
            waiting = Q(topic=None, withdrawn_at=None, assignment__topics_given=_BY_WISH)
            mine = Project.objects.filter(waiting | Q(pk__in=_ruled("project")), assignment__course__in=courses)
            rows = with_names(mine).order_by("assignment", "pk")
            kwargs |= {"queryset": rows, "form_class": TeamField}
        elif db_field.name == "topic":
            offered = Q(assignment__topics_given=_BY_WISH) | Q(pk__in=_ruled("topic"))
            topics = Topic.objects.filter(offered, course__in=courses)
            named = topics.select_related("assignment", "course").order_by("-course", "assignment", "position", "pk")
            kwargs |= {"queryset": named, "form_class": TopicField}
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


@admin.register(MentorLimit)
class MentorLimitAdmin(KeptAdmin):
    """How many teams a mentor looks after at most."""

    course_path = "assignment__course"
    writes = Writes(save=keep_mentor_limit, delete=delete_mentor_limit)
    list_display = ("mentor", "most", "assignment")
    list_select_related = ("mentor", "assignment")
    fields = ("assignment", "mentor", "most")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Take limits away."""
        return self._may(request, obj)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer the assignments whose topics are given by wish, and mentors by their course's name."""
        courses = self.courses(request)
        if db_field.name == "assignment":
            limited = MentorLimit.objects.values("assignment")
            mine = Assignment.objects.filter(Q(topics_given=_BY_WISH) | Q(pk__in=limited), course__in=courses)
            rows = mine.select_related("course")
            kwargs |= {"queryset": rows.order_by("-course", "position", "pk"), "form_class": OfCourseField}
        elif db_field.name == "mentor":
            mentors = StaffMember.objects.filter(course__in=courses).select_related("course")
            kwargs |= {"queryset": mentors.order_by("-course", "pk"), "form_class": OfCourseField}
        return super().formfield_for_foreignkey(db_field, request, **kwargs)
