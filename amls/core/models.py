"""What the lowest layer keeps in the database."""

from django.db import models
from django.db.models import Q


class Spending(models.Model):
    """How much of a bound somebody has used since their time began; see `amls.core.bounds`."""

    what = models.CharField(max_length=60)
    # A keyed digest: whom it stands for is known only to who asks about them.
    who = models.CharField(max_length=64)
    spent = models.PositiveBigIntegerField()
    ends_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["what", "who"], name="spending_unique"),
            models.CheckConstraint(name="spending_positive", condition=Q(spent__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.what}: {self.spent}"
