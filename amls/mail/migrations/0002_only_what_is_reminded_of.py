"""Reminder rules name only what people can be reminded of."""

import amls.mail.models
import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('mail', '0001_initial'),
    ]

    operations = [
        migrations.AlterField(
            model_name='reminderrule',
            name='kinds',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('deadline', 'Deadline'), ('opening', 'Opening'), ('exam', 'Exam')], max_length=12), default=amls.mail.models._reminded_kinds, help_text='deadline, exam, opening; separated by commas.', size=None, verbose_name='of what'),
        ),
        migrations.AlterField(
            model_name='reminderruleevent',
            name='kinds',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('deadline', 'Deadline'), ('opening', 'Opening'), ('exam', 'Exam')], max_length=12), default=amls.mail.models._reminded_kinds, help_text='deadline, exam, opening; separated by commas.', size=None, verbose_name='of what'),
        ),
    ]
