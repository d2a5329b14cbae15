"""A course has no slot in columns of its own any more; from here on the history of the rows is kept."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


# The last release reads and writes these columns, and goes on while nodes are upgraded: they stay, and the next release
# drops them.
STAYS = """
    ALTER TABLE {table} ALTER COLUMN slot_room SET DEFAULT '', ALTER COLUMN slot_mode SET DEFAULT 'in_person',
        ALTER COLUMN slot_call_in SET DEFAULT ''
"""
TABLES = ("courses_course", "courses_courseevent")


class Migration(migrations.Migration):

    dependencies = [
        ('courses', '0003_weekly_slots'),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name='course',
            name='insert_insert',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='course',
            name='update_update',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='course',
            name='delete_delete',
        ),
        migrations.RemoveConstraint(
            model_name='course',
            name='course_mode_valid',
        ),
        migrations.RemoveConstraint(
            model_name='course',
            name='course_slot_in_order',
        ),
        migrations.RemoveConstraint(
            model_name='course',
            name='course_slot_weekday_valid',
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(STAYS.format(table=table), migrations.RunSQL.noop) for table in TABLES],
            state_operations=[
                migrations.RemoveField('course', 'slot_call_in'),
                migrations.RemoveField('course', 'slot_end'),
                migrations.RemoveField('course', 'slot_mode'),
                migrations.RemoveField('course', 'slot_room'),
                migrations.RemoveField('course', 'slot_start'),
                migrations.RemoveField('course', 'slot_weekday'),
                migrations.RemoveField('courseevent', 'slot_call_in'),
                migrations.RemoveField('courseevent', 'slot_end'),
                migrations.RemoveField('courseevent', 'slot_mode'),
                migrations.RemoveField('courseevent', 'slot_room'),
                migrations.RemoveField('courseevent', 'slot_start'),
                migrations.RemoveField('courseevent', 'slot_weekday'),
            ],
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='course',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "courses_courseevent" ("codes", "contact_email", "description", "ects", "enrolment_code", "enrolment_policy", "first_day", "grading", "id", "institution", "kinds", "language", "last_day", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "slug", "state", "term", "timezone", "title") VALUES (NEW."codes", NEW."contact_email", NEW."description", NEW."ects", NEW."enrolment_code", NEW."enrolment_policy", NEW."first_day", NEW."grading", NEW."id", NEW."institution", NEW."kinds", NEW."language", NEW."last_day", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."slug", NEW."state", NEW."term", NEW."timezone", NEW."title"); RETURN NULL;', hash='2b582d4628b7926cfb9e0684acecce3555d70fb4', operation='INSERT', pgid='pgtrigger_insert_insert_f7e33', table='courses_course', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='course',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."codes" IS DISTINCT FROM (NEW."codes") OR OLD."contact_email" IS DISTINCT FROM (NEW."contact_email") OR OLD."description" IS DISTINCT FROM (NEW."description") OR OLD."ects" IS DISTINCT FROM (NEW."ects") OR OLD."enrolment_code" IS DISTINCT FROM (NEW."enrolment_code") OR OLD."enrolment_policy" IS DISTINCT FROM (NEW."enrolment_policy") OR OLD."first_day" IS DISTINCT FROM (NEW."first_day") OR OLD."grading" IS DISTINCT FROM (NEW."grading") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."institution" IS DISTINCT FROM (NEW."institution") OR OLD."kinds" IS DISTINCT FROM (NEW."kinds") OR OLD."language" IS DISTINCT FROM (NEW."language") OR OLD."last_day" IS DISTINCT FROM (NEW."last_day") OR OLD."slug" IS DISTINCT FROM (NEW."slug") OR OLD."state" IS DISTINCT FROM (NEW."state") OR OLD."term" IS DISTINCT FROM (NEW."term") OR OLD."timezone" IS DISTINCT FROM (NEW."timezone") OR OLD."title" IS DISTINCT FROM (NEW."title"))', func='INSERT INTO "courses_courseevent" ("codes", "contact_email", "description", "ects", "enrolment_code", "enrolment_policy", "first_day", "grading", "id", "institution", "kinds", "language", "last_day", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "slug", "state", "term", "timezone", "title") VALUES (NEW."codes", NEW."contact_email", NEW."description", NEW."ects", NEW."enrolment_code", NEW."enrolment_policy", NEW."first_day", NEW."grading", NEW."id", NEW."institution", NEW."kinds", NEW."language", NEW."last_day", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."slug", NEW."state", NEW."term", NEW."timezone", NEW."title"); RETURN NULL;', hash='76eb706fc49222b031cb2de24bb2327a71b71cad', operation='UPDATE', pgid='pgtrigger_update_update_160be', table='courses_course', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='course',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "courses_courseevent" ("codes", "contact_email", "description", "ects", "enrolment_code", "enrolment_policy", "first_day", "grading", "id", "institution", "kinds", "language", "last_day", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "slug", "state", "term", "timezone", "title") VALUES (OLD."codes", OLD."contact_email", OLD."description", OLD."ects", OLD."enrolment_code", OLD."enrolment_policy", OLD."first_day", OLD."grading", OLD."id", OLD."institution", OLD."kinds", OLD."language", OLD."last_day", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."slug", OLD."state", OLD."term", OLD."timezone", OLD."title"); RETURN NULL;', hash='1d4bd71cd4b39ae481c411f4276be27566d3519e', operation='DELETE', pgid='pgtrigger_delete_delete_8eeaa', table='courses_course', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='weeklyslot',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "courses_weeklyslotevent" ("call_in", "course_id", "end", "id", "kind", "mode", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "room", "start", "weekday") VALUES (NEW."call_in", NEW."course_id", NEW."end", NEW."id", NEW."kind", NEW."mode", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."room", NEW."start", NEW."weekday"); RETURN NULL;', hash='63390bb21e7c514a0b9b0b87b5d7628039b2c12f', operation='INSERT', pgid='pgtrigger_insert_insert_b38d9', table='courses_weeklyslot', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='weeklyslot',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "courses_weeklyslotevent" ("call_in", "course_id", "end", "id", "kind", "mode", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "room", "start", "weekday") VALUES (NEW."call_in", NEW."course_id", NEW."end", NEW."id", NEW."kind", NEW."mode", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."room", NEW."start", NEW."weekday"); RETURN NULL;', hash='7414539e90bb21030c52e30c59e5020fe751795a', operation='UPDATE', pgid='pgtrigger_update_update_028aa', table='courses_weeklyslot', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='weeklyslot',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "courses_weeklyslotevent" ("call_in", "course_id", "end", "id", "kind", "mode", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "room", "start", "weekday") VALUES (OLD."call_in", OLD."course_id", OLD."end", OLD."id", OLD."kind", OLD."mode", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."room", OLD."start", OLD."weekday"); RETURN NULL;', hash='76da0b54ab5fd37d076b6cf9547e6d5f461014f8', operation='DELETE', pgid='pgtrigger_delete_delete_b2e7e', table='courses_weeklyslot', when='AFTER')),
        ),
    ]
