"""Keep when an item that was moved was to be first."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('agenda', '0003_days_without_a_time'),
    ]

    operations = [
        migrations.AddField(
            model_name='agendaitem',
            name='moved_from',
            field=models.DateTimeField(blank=True, null=True, verbose_name='moved from'),
        ),
    ]
