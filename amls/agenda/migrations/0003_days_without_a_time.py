"""Dated things may have days and no time of day; sessions have kinds, and there are days without class."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('agenda', '0002_initial'),
        ('courses', '0002_without_exam_settings'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='agendaitem',
            name='agendaitem_kind_valid',
        ),
        migrations.AddField(
            model_name='agendaitem',
            name='is_all_day',
            field=models.BooleanField(db_default=False, default=False, verbose_name='without a time of day'),
        ),
        migrations.AlterField(
            model_name='agendaitem',
            name='kind',
            field=models.CharField(choices=[('lecture', 'Lecture'), ('exercise', 'Exercise'), ('lab', 'Lab'), ('tutorial', 'Tutorial'), ('seminar', 'Seminar'), ('other', 'Session'), ('office_hour', 'Office hour'), ('deadline', 'Deadline'), ('opening', 'Opening'), ('exam', 'Exam'), ('free_day', 'No class')], max_length=12, verbose_name='kind'),
        ),
        migrations.AlterField(
            model_name='agendaitem',
            name='path',
            field=models.CharField(blank=True, help_text='Or a whole address elsewhere.', max_length=500, verbose_name='address on this site'),
        ),
        migrations.AddConstraint(
            model_name='agendaitem',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['lecture', 'exercise', 'lab', 'tutorial', 'seminar', 'other', 'office_hour', 'deadline', 'opening', 'exam', 'free_day'])), name='agendaitem_kind_valid', violation_error_message='Choose one of the offered values.'),
        ),
    ]
