from django.db import migrations, models
from django.db.models import F, Q


def date_failures(apps, schema_editor):
    """Take the last attempt for the time at which a mail was given up before this was noted."""
    apps.get_model("notifications", "Notice").objects.filter(state="failed").update(failed_at=F("not_before"))


class Migration(migrations.Migration):

    dependencies = [
        ("notifications", "0002_preferences_rules_changes"),
    ]

    operations = [
        migrations.AddField(
            model_name="notice",
            name="failed_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="given up"),
        ),
        migrations.RunPython(date_failures, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="notice",
            index=models.Index(condition=Q(("state", "failed")), fields=["failed_at"], name="notice_failed"),
        ),
        migrations.AddConstraint(
            model_name="notice",
            constraint=models.CheckConstraint(
                condition=Q(("failed_at__isnull", False), ("state", "failed"))
                | Q(Q(("state", "failed"), _negated=True), ("failed_at__isnull", True)),
                name="notice_failed_has_time",
            ),
        ),
    ]
