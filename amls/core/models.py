"""What the lowest layer keeps in the database."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from amls.core.constraints import RowCheck


class RunningProcess(models.Model):
    """A worker or a beat, as it last said that it lives; see `amls.core.processes`.

    Attributes:
        name: of the process on its machine, such as 'mail@web1'.
        queues: that a worker serves; a beat serves none.
        seen_at: when it last said so, by the database's clock.
        skew: how many seconds its own clock was ahead of the database's then.
    """

    name = models.CharField(max_length=200, unique=True)
    queues = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    seen_at = models.DateTimeField(db_index=True)
    skew = models.FloatField()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class KeyPrint(models.Model):
    """A SECRET_KEY with which this installation worked, as a digest by which nobody finds it; see `amls.core.keyprint`."""

    digest = models.CharField(max_length=64, unique=True)
    seen_at = models.DateTimeField()

    class Meta:
        ordering = ["seen_at", "pk"]

    def __str__(self) -> str:
        return self.digest[:8]


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
            RowCheck(name="spending_positive", condition=Q(spent__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.what}: {self.spent}"
