"""The pages that the law asks for, as the installation's staff word them."""

import pghistory
from django.db import models
from django.utils.translation import gettext_lazy as _

from amls.core.text import CleanTextField
from amls.courses.models import Language, choices_hold


class LegalPage(models.Model):
    """One legal page in one language; without a row the page shows a useful default."""

    class Kind(models.TextChoices):
        IMPRINT = "imprint", _("Imprint")
        PRIVACY = "privacy", _("Privacy")
        ACCESSIBILITY = "accessibility", _("Accessibility")

    kind = models.CharField(_("page"), max_length=15, choices=Kind)
    language = models.CharField(_("language"), max_length=5, choices=Language)
    text = CleanTextField(_("text"), help_text=_("Markdown."))

    class Meta:
        verbose_name = _("legal page")
        verbose_name_plural = _("legal pages")
        ordering = ["kind", "language"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "language"],
                name="legalpage_unique",
                violation_error_message=_("This page exists in this language already: change that one."),
            ),
            choices_hold("legalpage_kind_valid", "kind", ["imprint", "privacy", "accessibility"]),
            choices_hold("legalpage_language_valid", "language", Language.values),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.get_language_display()})"


pghistory.track()(LegalPage)
