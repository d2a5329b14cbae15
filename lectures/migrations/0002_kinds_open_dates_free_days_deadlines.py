"""Sessions have a kind and may have no date or no time yet; days without class; deadlines of a course's own."""

import amls.core.text
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('courses', '0002_without_exam_settings'),
        ('lectures', '0001_initial'),
        ('pghistory', '0007_auto_20250421_0444'),
    ]

    operations = [
        migrations.CreateModel(
            name='Deadline',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('sheet', 'Exercise sheet'), ('project', 'Part of a project'), ('registration', 'Registration'), ('other', 'Other')], default='other', max_length=12, verbose_name='kind')),
                ('title', amls.core.text.LineField(max_length=500, verbose_name='title')),
                ('due_at', models.DateTimeField(blank=True, help_text='The last minute that counts, such as 23:59.', null=True, verbose_name='due')),
                ('day', models.DateField(blank=True, help_text='While its time is open; instead of a moment.', null=True, verbose_name='day')),
                ('url', models.URLField(blank=True, help_text='What is asked, or where it goes.', max_length=500, verbose_name='web page')),
            ],
            options={
                'verbose_name': 'deadline',
                'verbose_name_plural': 'deadlines',
                'ordering': ['course', 'due_at', 'day', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='DeadlineEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('kind', models.CharField(choices=[('sheet', 'Exercise sheet'), ('project', 'Part of a project'), ('registration', 'Registration'), ('other', 'Other')], default='other', max_length=12, verbose_name='kind')),
                ('title', amls.core.text.LineField(max_length=500, verbose_name='title')),
                ('due_at', models.DateTimeField(blank=True, help_text='The last minute that counts, such as 23:59.', null=True, verbose_name='due')),
                ('day', models.DateField(blank=True, help_text='While its time is open; instead of a moment.', null=True, verbose_name='day')),
                ('url', models.URLField(blank=True, help_text='What is asked, or where it goes.', max_length=500, verbose_name='web page')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='FreeDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('first', models.DateField(verbose_name='day')),
                ('last', models.DateField(blank=True, help_text='Of several; empty: one day only.', null=True, verbose_name='last day')),
                ('title', amls.core.text.LineField(blank=True, help_text="Such as 'Ascension Day'.", max_length=200, verbose_name='why')),
            ],
            options={
                'verbose_name': 'day without class',
                'verbose_name_plural': 'days without class',
                'ordering': ['course', 'first', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='FreeDayEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('first', models.DateField(verbose_name='day')),
                ('last', models.DateField(blank=True, help_text='Of several; empty: one day only.', null=True, verbose_name='last day')),
                ('title', amls.core.text.LineField(blank=True, help_text="Such as 'Ascension Day'.", max_length=200, verbose_name='why')),
            ],
            options={
                'abstract': False,
            },
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='lecture',
            name='insert_insert',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='lecture',
            name='update_update',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='lecture',
            name='delete_delete',
        ),
        migrations.RemoveConstraint(
            model_name='lecture',
            name='lecture_ends_after_start',
        ),
        migrations.RemoveConstraint(
            model_name='lecture',
            name='lecture_number_unique',
        ),
        migrations.AddField(
            model_name='lecture',
            name='day',
            field=models.DateField(blank=True, help_text='While only the time is open; instead of start and end.', null=True, verbose_name='day'),
        ),
        migrations.AddField(
            model_name='lecture',
            name='kind',
            field=models.CharField(choices=[('lecture', 'Lecture'), ('exercise', 'Exercise'), ('lab', 'Lab'), ('tutorial', 'Tutorial'), ('seminar', 'Seminar'), ('other', 'Session')], db_default='lecture', default='lecture', max_length=10, verbose_name='kind'),
        ),
        migrations.AddField(
            model_name='lectureevent',
            name='day',
            field=models.DateField(blank=True, help_text='While only the time is open; instead of start and end.', null=True, verbose_name='day'),
        ),
        migrations.AddField(
            model_name='lectureevent',
            name='kind',
            field=models.CharField(choices=[('lecture', 'Lecture'), ('exercise', 'Exercise'), ('lab', 'Lab'), ('tutorial', 'Tutorial'), ('seminar', 'Seminar'), ('other', 'Session')], db_default='lecture', default='lecture', max_length=10, verbose_name='kind'),
        ),
        migrations.AlterField(
            model_name='lecture',
            name='ends_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='ends'),
        ),
        migrations.AlterField(
            model_name='lecture',
            name='starts_at',
            field=models.DateTimeField(blank=True, help_text='Empty: the date is open.', null=True, verbose_name='starts'),
        ),
        migrations.AlterField(
            model_name='lectureevent',
            name='ends_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='ends'),
        ),
        migrations.AlterField(
            model_name='lectureevent',
            name='starts_at',
            field=models.DateTimeField(blank=True, help_text='Empty: the date is open.', null=True, verbose_name='starts'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='lecture',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "lectures_lectureevent" ("abstract", "call_in", "course_id", "day", "ends_at", "id", "is_call_in_public", "kind", "mode", "number", "part_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "room", "starts_at", "state", "title") VALUES (NEW."abstract", NEW."call_in", NEW."course_id", NEW."day", NEW."ends_at", NEW."id", NEW."is_call_in_public", NEW."kind", NEW."mode", NEW."number", NEW."part_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."room", NEW."starts_at", NEW."state", NEW."title"); RETURN NULL;', hash='1247dcc5dc41704c1135195c7912736c7766a60c', operation='INSERT', pgid='pgtrigger_insert_insert_9423b', table='lectures_lecture', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='lecture',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "lectures_lectureevent" ("abstract", "call_in", "course_id", "day", "ends_at", "id", "is_call_in_public", "kind", "mode", "number", "part_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "room", "starts_at", "state", "title") VALUES (NEW."abstract", NEW."call_in", NEW."course_id", NEW."day", NEW."ends_at", NEW."id", NEW."is_call_in_public", NEW."kind", NEW."mode", NEW."number", NEW."part_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."room", NEW."starts_at", NEW."state", NEW."title"); RETURN NULL;', hash='1259d684f936b953928eaa3310e48be094190eac', operation='UPDATE', pgid='pgtrigger_update_update_a2d93', table='lectures_lecture', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='lecture',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "lectures_lectureevent" ("abstract", "call_in", "course_id", "day", "ends_at", "id", "is_call_in_public", "kind", "mode", "number", "part_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "room", "starts_at", "state", "title") VALUES (OLD."abstract", OLD."call_in", OLD."course_id", OLD."day", OLD."ends_at", OLD."id", OLD."is_call_in_public", OLD."kind", OLD."mode", OLD."number", OLD."part_id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."room", OLD."starts_at", OLD."state", OLD."title"); RETURN NULL;', hash='c58a7179b7cff8aa61c30b15f10194f72bb590d3', operation='DELETE', pgid='pgtrigger_delete_delete_7bfc5', table='lectures_lecture', when='AFTER')),
        ),
        migrations.AddConstraint(
            model_name='lecture',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('ends_at__isnull', True), ('starts_at__isnull', True)), models.Q(('ends_at__gt', models.F('starts_at')), ('ends_at__isnull', False), ('starts_at__isnull', False)), _connector='OR'), name='lecture_ends_after_start', violation_error_message='A session needs a start and a later end, or neither while they are open.'),
        ),
        migrations.AddConstraint(
            model_name='lecture',
            constraint=models.CheckConstraint(condition=models.Q(('day__isnull', True), ('starts_at__isnull', True), _connector='OR'), name='lecture_day_while_time_open', violation_error_message='Give start and end, or only the day while the time is open, not both.'),
        ),
        migrations.AddConstraint(
            model_name='lecture',
            constraint=models.UniqueConstraint(condition=models.Q(('number', ''), _negated=True), fields=('course', 'kind', 'number'), name='lecture_number_unique', violation_error_message='The course has a session of this kind with this number already.'),
        ),
        migrations.AddConstraint(
            model_name='lecture',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['lecture', 'exercise', 'lab', 'tutorial', 'seminar', 'other'])), name='lecture_kind_valid', violation_error_message='Choose one of the offered values.'),
        ),
        migrations.AddField(
            model_name='deadline',
            name='course',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='deadlines', to='courses.course', verbose_name='course'),
        ),
        migrations.AddField(
            model_name='deadlineevent',
            name='course',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='courses.course', verbose_name='course'),
        ),
        migrations.AddField(
            model_name='deadlineevent',
            name='pgh_context',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context'),
        ),
        migrations.AddField(
            model_name='deadlineevent',
            name='pgh_obj',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='lectures.deadline'),
        ),
        migrations.AddField(
            model_name='freeday',
            name='course',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='free_days', to='courses.course', verbose_name='course'),
        ),
        migrations.AddField(
            model_name='freedayevent',
            name='course',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='courses.course', verbose_name='course'),
        ),
        migrations.AddField(
            model_name='freedayevent',
            name='pgh_context',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context'),
        ),
        migrations.AddField(
            model_name='freedayevent',
            name='pgh_obj',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='lectures.freeday'),
        ),
        migrations.AddConstraint(
            model_name='deadline',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['sheet', 'project', 'registration', 'other'])), name='deadline_kind_valid', violation_error_message='Choose one of the offered values.'),
        ),
        migrations.AddConstraint(
            model_name='deadline',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('day__isnull', False), ('due_at__isnull', True)), models.Q(('day__isnull', True), ('due_at__isnull', False)), _connector='OR'), name='deadline_moment_or_day', violation_error_message='Say when it is due: a date and time, or only the day while the time is open.'),
        ),
        migrations.AddConstraint(
            model_name='deadline',
            constraint=models.UniqueConstraint(fields=('course', 'title', 'due_at', 'day'), name='deadline_unique', nulls_distinct=False, violation_error_message='The course has this deadline already.'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='deadline',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "lectures_deadlineevent" ("course_id", "day", "due_at", "id", "kind", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "title", "url") VALUES (NEW."course_id", NEW."day", NEW."due_at", NEW."id", NEW."kind", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."title", NEW."url"); RETURN NULL;', hash='181e3c50c28e2327931177835e702c61b29bb00c', operation='INSERT', pgid='pgtrigger_insert_insert_1362d', table='lectures_deadline', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='deadline',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "lectures_deadlineevent" ("course_id", "day", "due_at", "id", "kind", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "title", "url") VALUES (NEW."course_id", NEW."day", NEW."due_at", NEW."id", NEW."kind", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."title", NEW."url"); RETURN NULL;', hash='9a180d8d85f9f2f09813ed0b6d94592e313e2c04', operation='UPDATE', pgid='pgtrigger_update_update_11abb', table='lectures_deadline', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='deadline',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "lectures_deadlineevent" ("course_id", "day", "due_at", "id", "kind", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "title", "url") VALUES (OLD."course_id", OLD."day", OLD."due_at", OLD."id", OLD."kind", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."title", OLD."url"); RETURN NULL;', hash='37662b4bfb5a2ced990d473ed905cfe5f7002571', operation='DELETE', pgid='pgtrigger_delete_delete_c70ba', table='lectures_deadline', when='AFTER')),
        ),
        migrations.AddConstraint(
            model_name='freeday',
            constraint=models.CheckConstraint(condition=models.Q(('last__isnull', True), ('last__gte', models.F('first')), _connector='OR'), name='freeday_days_in_order', violation_error_message='The last day lies before the first.'),
        ),
        migrations.AddConstraint(
            model_name='freeday',
            constraint=models.UniqueConstraint(fields=('course', 'first'), name='freeday_unique', violation_error_message='The course has this day without class already.'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='freeday',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "lectures_freedayevent" ("course_id", "first", "id", "last", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "title") VALUES (NEW."course_id", NEW."first", NEW."id", NEW."last", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."title"); RETURN NULL;', hash='4229227f965a3db36b29b9293eb870ec586e1b5f', operation='INSERT', pgid='pgtrigger_insert_insert_600a2', table='lectures_freeday', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='freeday',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "lectures_freedayevent" ("course_id", "first", "id", "last", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "title") VALUES (NEW."course_id", NEW."first", NEW."id", NEW."last", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."title"); RETURN NULL;', hash='4034946afcc503616a685201b8dc1e661ae08f35', operation='UPDATE', pgid='pgtrigger_update_update_17eba', table='lectures_freeday', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='freeday',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "lectures_freedayevent" ("course_id", "first", "id", "last", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "title") VALUES (OLD."course_id", OLD."first", OLD."id", OLD."last", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."title"); RETURN NULL;', hash='cdd8f6f773b3ea8ae6809c6b6c5afd7c89befd8b', operation='DELETE', pgid='pgtrigger_delete_delete_a864e', table='lectures_freeday', when='AFTER')),
        ),
    ]
