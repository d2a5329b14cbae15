"""Runs of the solver, what came of them, and the one that was published."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from amls.core.constraints import RowCheck
from amls.core.text import LineField
from amls.courses.models import choices_hold
from projects.allocation.figures import apply_changes
from projects.models.assignments import Assignment


class Allocation(models.Model):
    """Who would get which topic: made by the solver from what was there when it was asked for, or changed by hand.

    Attributes:
        number: counts the runs of an assignment.
        base: the one that was changed by hand.
        seed: by which teams are drawn: the same for all runs of an assignment, so that nobody looks for a better one.
        inputs, result, worst, clash, reasons: as `projects.allocation.files` writes them; what the solver found.
        changes: what was changed by hand since, [team, topic or None], in this order.
        change_reason: why the last of them was made.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Being worked out")
        DONE = "done", _("Done")
        CLASH = "clash", _("Not possible")
        FAILED = "failed", _("Failed")

    assignment = models.ForeignKey(Assignment, models.CASCADE, related_name="allocations", verbose_name=_("assignment"))
    number = models.PositiveSmallIntegerField(_("run"))
    state = models.CharField(_("state"), max_length=7, choices=State, default=State.WAITING)
    base = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="changed", verbose_name=_("changed from")
    )
    seed = models.CharField(_("seed"), max_length=64)
    inputs = models.JSONField(_("input"))
    result = models.JSONField(_("result"), null=True, blank=True)
    worst = models.PositiveSmallIntegerField(_("worst rank"), null=True, blank=True)
    clash = models.JSONField(_("rules that clash"), default=list, blank=True)
    reasons = models.JSONField(_("reasons"), default=list, blank=True)
    changes = models.JSONField(_("changed by hand"), default=list, blank=True)
    change_reason = LineField(_("why it was changed"), max_length=300, blank=True)
    asked_at = models.DateTimeField(_("asked for"))
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("asked for by")
    )
    done_at = models.DateTimeField(_("done"), null=True, blank=True)
    published_at = models.DateTimeField(_("published"), null=True, blank=True)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("published by"),
    )
    leased_until = models.DateTimeField(null=True, blank=True, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = _("allocation of topics")
        verbose_name_plural = _("allocations of topics")
        ordering = ["assignment", "-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["assignment", "number"],
                name="allocation_number_unique",
                violation_error_message=_("There is a run with this number already."),
            ),
            models.UniqueConstraint(
                fields=["assignment"],
                condition=Q(published_at__isnull=False),
                name="allocation_published_once",
                violation_error_message=_("Topics are given once: another run is published already."),
            ),
            RowCheck(
                name="allocation_published_is_done",
                condition=Q(published_at__isnull=True) | Q(state="done"),
                violation_error_message=_("Only a run that gave a result can be published."),
            ),
            RowCheck(
                name="allocation_done_has_result",
                condition=~Q(state="done") | Q(result__isnull=False, worst__isnull=False, done_at__isnull=False),
                violation_error_message=_("A run that is done has a result."),
            ),
            choices_hold("allocation_state_valid", "state", ["waiting", "done", "clash", "failed"]),
        ]

    def __str__(self) -> str:
        return str(_("Run %(number)s") % {"number": self.number})

    @property
    def is_published(self) -> bool:
        """Whether its topics are given."""
        return self.published_at is not None

    def given(self) -> dict[int, int]:
        """Return the topic of each team that has one, by keys: the solver's result with what was changed by hand."""
        return apply_changes(dict(self.result or []), dict(self.changes))

    def to_json(self) -> dict[str, Any]:
        """Return what anyone can check by `python -m projects.allocation`."""
        written = {
            "format": 1,
            "input": self.inputs,
            "result": self.result,
            "worst": self.worst,
            "clash": self.clash,
            "reasons": self.reasons,
        }
        if self.changes:
            written |= {
                "changes": self.changes,
                "published": sorted([team, topic] for team, topic in self.given().items()),
            }
        return written
