"""A course's only weekly slot, in columns of its own, becomes a row; its history moves with it."""

import django.db.models.deletion
from django.db import migrations, models

import amls.core.text

# A row for every course that says anything of its slot.
_ROWS = """
    INSERT INTO courses_weeklyslot (course_id, kind, weekday, start, "end", room, mode, call_in)
    SELECT id, 'lecture', slot_weekday, slot_start, slot_end, slot_room, slot_mode, slot_call_in
    FROM courses_course
    WHERE slot_weekday IS NOT NULL OR slot_start IS NOT NULL OR slot_end IS NOT NULL
       OR slot_room <> '' OR slot_mode <> 'in_person' OR slot_call_in <> ''
    ORDER BY id
"""
# Of a course's history what changed the slot.
_HISTORY = """
    INSERT INTO courses_weeklyslotevent
        (pgh_created_at, pgh_label, pgh_context_id, pgh_obj_id, id, course_id, kind, weekday, start, "end", room, mode,
         call_in)
    SELECT said.pgh_created_at, CASE WHEN said.before IS NULL THEN 'insert' ELSE 'update' END, said.pgh_context_id,
           slot.id, slot.id, slot.course_id, 'lecture', said.slot_weekday, said.slot_start, said.slot_end,
           said.slot_room, said.slot_mode, said.slot_call_in
    FROM (
        SELECT *, lag(slot) OVER (PARTITION BY id ORDER BY pgh_id) AS before
        FROM (
            SELECT *, jsonb_build_array(slot_weekday, slot_start, slot_end, slot_room, slot_mode, slot_call_in) AS slot
            FROM courses_courseevent
        ) AS event
    ) AS said
    JOIN courses_weeklyslot AS slot ON slot.course_id = said.id
    WHERE said.before IS DISTINCT FROM said.slot
    ORDER BY said.pgh_id
"""


class Migration(migrations.Migration):

    dependencies = [
        ('courses', '0002_without_exam_settings'),
        ('pghistory', '0007_auto_20250421_0444'),
    ]

    operations = [
        migrations.CreateModel(
            name='WeeklySlot',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('lecture', 'Lecture'), ('exercise', 'Exercise'), ('lab', 'Lab'), ('tutorial', 'Tutorial'), ('seminar', 'Seminar'), ('other', 'Session')], default='lecture', max_length=10, verbose_name='kind')),
                ('weekday', models.PositiveSmallIntegerField(blank=True, choices=[(0, 'Monday'), (1, 'Tuesday'), (2, 'Wednesday'), (3, 'Thursday'), (4, 'Friday'), (5, 'Saturday'), (6, 'Sunday')], null=True, verbose_name='weekday')),
                ('start', models.TimeField(blank=True, null=True, verbose_name='start')),
                ('end', models.TimeField(blank=True, null=True, verbose_name='end')),
                ('room', amls.core.text.LineField(blank=True, max_length=100, verbose_name='room')),
                ('mode', models.CharField(choices=[('in_person', 'In person'), ('hybrid', 'In person and online'), ('virtual', 'Online only')], default='in_person', max_length=10, verbose_name='mode')),
                ('call_in', models.URLField(blank=True, help_text='Seen by enrolled people only, unless a lecture opens its own link.', max_length=500, verbose_name='call-in link')),
            ],
            options={
                'verbose_name': 'weekly slot',
                'verbose_name_plural': 'weekly slots',
                'ordering': ['course', 'weekday', 'start', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='WeeklySlotEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('kind', models.CharField(choices=[('lecture', 'Lecture'), ('exercise', 'Exercise'), ('lab', 'Lab'), ('tutorial', 'Tutorial'), ('seminar', 'Seminar'), ('other', 'Session')], default='lecture', max_length=10, verbose_name='kind')),
                ('weekday', models.PositiveSmallIntegerField(blank=True, choices=[(0, 'Monday'), (1, 'Tuesday'), (2, 'Wednesday'), (3, 'Thursday'), (4, 'Friday'), (5, 'Saturday'), (6, 'Sunday')], null=True, verbose_name='weekday')),
                ('start', models.TimeField(blank=True, null=True, verbose_name='start')),
                ('end', models.TimeField(blank=True, null=True, verbose_name='end')),
                ('room', amls.core.text.LineField(blank=True, max_length=100, verbose_name='room')),
                ('mode', models.CharField(choices=[('in_person', 'In person'), ('hybrid', 'In person and online'), ('virtual', 'Online only')], default='in_person', max_length=10, verbose_name='mode')),
                ('call_in', models.URLField(blank=True, help_text='Seen by enrolled people only, unless a lecture opens its own link.', max_length=500, verbose_name='call-in link')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.AddField(
            model_name='weeklyslot',
            name='course',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='weekly_slots', to='courses.course', verbose_name='course'),
        ),
        migrations.AddField(
            model_name='weeklyslotevent',
            name='course',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='courses.course', verbose_name='course'),
        ),
        migrations.AddField(
            model_name='weeklyslotevent',
            name='pgh_context',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context'),
        ),
        migrations.AddField(
            model_name='weeklyslotevent',
            name='pgh_obj',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='courses.weeklyslot'),
        ),
        migrations.AddConstraint(
            model_name='weeklyslot',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['lecture', 'exercise', 'lab', 'tutorial', 'seminar', 'other'])), name='weeklyslot_kind_valid', violation_error_message='Choose one of the offered values.'),
        ),
        migrations.AddConstraint(
            model_name='weeklyslot',
            constraint=models.CheckConstraint(condition=models.Q(('mode__in', ['in_person', 'hybrid', 'virtual'])), name='weeklyslot_mode_valid', violation_error_message='Choose one of the offered values.'),
        ),
        migrations.AddConstraint(
            model_name='weeklyslot',
            constraint=models.CheckConstraint(condition=models.Q(('end__isnull', True), ('start__isnull', True), ('end__gt', models.F('start')), _connector='OR'), name='weeklyslot_in_order', violation_error_message='The weekly slot ends before it starts.'),
        ),
        migrations.AddConstraint(
            model_name='weeklyslot',
            constraint=models.CheckConstraint(condition=models.Q(('weekday__isnull', True), ('weekday__range', (0, 6)), _connector='OR'), name='weeklyslot_weekday_valid', violation_error_message='Choose a weekday.'),
        ),
        migrations.AddConstraint(
            model_name='weeklyslot',
            constraint=models.UniqueConstraint(fields=('course', 'kind', 'weekday', 'start', 'end', 'room'), name='weeklyslot_unique', nulls_distinct=False, violation_error_message='The course has this weekly slot already.'),
        ),
        migrations.RunSQL([_ROWS, _HISTORY], migrations.RunSQL.noop),
    ]
