"""Say places that are words of ours, such as a row and a seat, in every language."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('agenda', '0004_moved_items'),
    ]

    operations = [
        migrations.AddField(
            model_name='agendaitem',
            name='places',
            field=models.JSONField(
                blank=True,
                db_default=models.Value({}, models.JSONField()),
                default=dict,
                verbose_name='place in other languages',
            ),
        ),
    ]
