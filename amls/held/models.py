"""An act that waits before it is done."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from amls.core.constraints import RowCheck
from amls.core.text import CleanTextField, LineField
from amls.courses.models import Course, User, choices_hold
from amls.held.managers import HeldActQuerySet


class HeldAct(models.Model):
    """What somebody wants done, what they saw of it, and what became of it.

    It holds references, not what it does: that is looked at again when its time has come.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waits")
        DONE = "done", _("Done")
        UNDONE = "undone", _("Taken back")
        REFUSED = "refused", _("Not done")

    course = models.ForeignKey(Course, models.CASCADE, related_name="held_acts", verbose_name=_("course"))
    kind = models.CharField(_("kind"), max_length=60)
    about = models.CharField(_("about"), max_length=120, help_text=_("Of one kind and about one thing only one waits."))
    references = models.JSONField(_("references"), default=dict)
    title = LineField(_("title"), max_length=300)
    back = models.CharField(_("where it was asked for"), max_length=300)
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+", verbose_name=_("by"))
    # As whoever asked read the page: what comes of it is said as its title is.
    language = models.CharField(_("language"), max_length=5, blank=True, editable=False, db_default="")
    created_at = models.DateTimeField(_("asked for"))
    apply_at = models.DateTimeField(_("due"))
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    leased_until = models.DateTimeField(_("claimed until"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    outcome = CleanTextField(_("what came of it"), blank=True)

    objects: ClassVar[HeldActQuerySet] = HeldActQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("held act")
        verbose_name_plural = _("held acts")
        ordering = ["-created_at", "-pk"]
        constraints = [
            choices_hold("heldact_state_valid", "state", ["waiting", "done", "undone", "refused"]),
            models.UniqueConstraint(
                fields=["course", "kind", "about"], condition=Q(state="waiting"), name="heldact_one_waiting"
            ),
            RowCheck(
                name="heldact_ended_has_time",
                condition=Q(state="waiting", ended_at__isnull=True) | (~Q(state="waiting") & Q(ended_at__isnull=False)),
            ),
            RowCheck(name="heldact_lease_while_waiting", condition=Q(state="waiting") | Q(leased_until__isnull=True)),
        ]
        indexes = [models.Index(fields=["apply_at"], condition=Q(state="waiting"), name="heldact_waiting")]

    def __str__(self) -> str:
        return self.title
