"""What a course says of its projects, and the topics on offer."""

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from amls.courses.models import Course, StaffMember
from amls.web.text import CleanTextField, LineField


class ProjectRules(models.Model):
    """When and how projects of a course are registered and handed in."""

    course = models.OneToOneField(Course, models.CASCADE, related_name="project_rules", verbose_name=_("course"))
    submission_deadline = models.DateTimeField(
        _("submission deadline"), null=True, blank=True, help_text=_("As typed: the whole minute counts.")
    )
    registration_opens_at = models.DateTimeField(_("registration opens"), null=True, blank=True)
    registration_closes_at = models.DateTimeField(
        _("registration closes"), null=True, blank=True, help_text=_("Empty: at the submission deadline.")
    )
    late_cutoff_hours = models.PositiveSmallIntegerField(
        _("hours after the deadline in which a late hand-in is kept"), default=48
    )
    hours = models.PositiveSmallIntegerField(_("working hours"), null=True, blank=True)
    ects = models.DecimalField(_("ECTS"), max_digits=4, decimal_places=1, null=True, blank=True)
    is_mandatory = models.BooleanField(_("mandatory"), default=False)
    description = CleanTextField(_("description"), blank=True, help_text=_("Markdown."))

    class Meta:
        verbose_name = _("project rules")
        verbose_name_plural = _("project rules")
        constraints = [
            models.CheckConstraint(
                name="projectrules_registration_in_order",
                condition=Q(registration_opens_at__isnull=True)
                | Q(registration_closes_at__isnull=True)
                | Q(registration_opens_at__lt=F("registration_closes_at")),
                violation_error_message=_("Registration closes before it opens."),
            ),
        ]

    def __str__(self) -> str:
        return str(self.course)


class Topic(models.Model):
    """A project proposal."""

    course = models.ForeignKey(Course, models.CASCADE, related_name="topics", verbose_name=_("course"))
    track = LineField(_("track"), max_length=60, help_text=_("Such as 'Apache SystemDS', 'DAPHNE', 'ML pipeline'."))
    title = LineField(_("title"), max_length=300)
    description = CleanTextField(_("description"), blank=True, help_text=_("Markdown."))
    mentor = models.ForeignKey(
        StaffMember, models.SET_NULL, null=True, blank=True, related_name="topics", verbose_name=_("mentor")
    )
    skills = ArrayField(LineField(max_length=60), verbose_name=_("skills"), default=list, blank=True)
    links = ArrayField(models.URLField(max_length=500), verbose_name=_("links"), default=list, blank=True)
    team_min = models.PositiveSmallIntegerField(_("smallest team"), default=1)
    team_max = models.PositiveSmallIntegerField(_("largest team"), default=1)
    slots = models.PositiveSmallIntegerField(_("slots"), default=1, help_text=_("How many teams may take it."))
    is_open = models.BooleanField(_("open"), default=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("topic")
        verbose_name_plural = _("topics")
        ordering = ["course", "position", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["course", "track", "title"],
                name="topic_unique",
                violation_error_message=_("This track has a topic with this title already."),
            ),
            models.CheckConstraint(
                name="topic_team_size_valid",
                condition=Q(team_min__gte=1, team_max__gte=F("team_min")),
                violation_error_message=_("The largest team can't be smaller than the smallest."),
            ),
        ]

    def __str__(self) -> str:
        return str(self.title)


for _model in (ProjectRules, Topic):
    pghistory.track()(_model)
