"""Every row belongs to an assignment, and the database knows that rows belong together."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


# The last release goes on while nodes are upgraded. It knows a table of one project's rules for each course, which is a view
# of the courses' projects now; what it writes of topics, teams and extensions belongs to these. The next release drops both.
_SHARED = (
    "late_cutoff_hours, assessed_by, hours, ects, is_mandatory, description, takes_own_ideas, kinds_of_files, max_files, "
    "max_file_megabytes"
)
_RENAMED = "opens_at AS registration_opens_at, registration_closes_at, due_at AS submission_deadline"
_BESIDE_THE_LAST_RELEASE = f"""
    ALTER TABLE projects_assignment
        ALTER COLUMN kind SET DEFAULT 'project', ALTER COLUMN grading SET DEFAULT 'passed',
        ALTER COLUMN hand_in SET DEFAULT 'files', ALTER COLUMN teaming SET DEFAULT 'invited',
        ALTER COLUMN topics_given SET DEFAULT 'first-come', ALTER COLUMN series SET DEFAULT '',
        ALTER COLUMN counts SET DEFAULT true, ALTER COLUMN position SET DEFAULT 0,
        ALTER COLUMN team_min SET DEFAULT 1, ALTER COLUMN team_max SET DEFAULT 1,
        ALTER COLUMN wishes_min SET DEFAULT 3, ALTER COLUMN wishes_max SET DEFAULT 10,
        ALTER COLUMN late_cutoff_hours SET DEFAULT 48, ALTER COLUMN is_mandatory SET DEFAULT false,
        ALTER COLUMN description SET DEFAULT '', ALTER COLUMN takes_own_ideas SET DEFAULT true,
        ALTER COLUMN kinds_of_files SET DEFAULT ARRAY['zip', 'pdf', 'ipynb', 'tar.gz'],
        ALTER COLUMN max_files SET DEFAULT 10, ALTER COLUMN max_file_megabytes SET DEFAULT 50;

    CREATE VIEW projects_projectrules AS
        SELECT id, course_id, {_RENAMED}, {_SHARED}, is_main, title FROM projects_assignment WHERE is_main;
    ALTER VIEW projects_projectrules ALTER COLUMN is_main SET DEFAULT true, ALTER COLUMN title SET DEFAULT 'Project';
    CREATE VIEW projects_projectrulesevent AS
        SELECT pgh_id, pgh_created_at, pgh_label, pgh_context_id, pgh_obj_id, id, course_id, {_RENAMED}, {_SHARED}
        FROM projects_assignmentevent;

    CREATE FUNCTION projects_main_assignment(of_course bigint) RETURNS bigint LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO projects_projectrules (course_id)
            SELECT of_course WHERE NOT EXISTS (SELECT FROM projects_projectrules WHERE course_id = of_course);
        RETURN (SELECT id FROM projects_projectrules WHERE course_id = of_course);
    END $$;
"""
# How a row of the last release, which names no assignment, comes by one.
_ASSIGNMENT_OF = {
    "topic": "projects_main_assignment(NEW.course_id)",
    "extension": "projects_main_assignment(NEW.course_id)",
    "project": "(SELECT assignment_id FROM projects_topic WHERE id = NEW.topic_id)",
    "membership": "(SELECT assignment_id FROM projects_project WHERE id = NEW.project_id)",
    "seekingnote": "projects_main_assignment((SELECT course_id FROM courses_enrolment WHERE id = NEW.enrolment_id))",
}
_OF_THE_MAIN_ONE = """
    CREATE FUNCTION projects_{name}_of_an_assignment() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.assignment_id := {source};
        RETURN NEW;
    END $$;
    -- Before all others, which look at the assignment.
    CREATE TRIGGER beside_the_last_release BEFORE INSERT ON projects_{name}
        FOR EACH ROW WHEN (NEW.assignment_id IS NULL) EXECUTE FUNCTION projects_{name}_of_an_assignment();
"""
_UNDO = """
    DROP FUNCTION projects_{name}_of_an_assignment() CASCADE
"""


class Migration(migrations.Migration):
    dependencies = [("projects", "0005_assignments_of_rows")]
    # The last release, which goes on beside it, sees nothing between.
    with_the_one_before = True

    operations = [
        migrations.AlterField(
            model_name='extension',
            name='assignment',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='extensions', to='projects.assignment', verbose_name='assignment'),
        ),
        migrations.AlterField(
            model_name='extensionevent',
            name='assignment',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='projects.assignment', verbose_name='assignment'),
        ),
        migrations.AlterField(
            model_name='membership',
            name='assignment',
            field=models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='memberships', to='projects.assignment', verbose_name='assignment'),
        ),
        migrations.AlterField(
            model_name='membershipevent',
            name='assignment',
            field=models.ForeignKey(db_constraint=False, editable=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='projects.assignment', verbose_name='assignment'),
        ),
        migrations.AlterField(
            model_name='project',
            name='assignment',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='projects', to='projects.assignment', verbose_name='assignment'),
        ),
        migrations.AlterField(
            model_name='projectevent',
            name='assignment',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='projects.assignment', verbose_name='assignment'),
        ),
        migrations.AlterField(
            model_name='seekingnote',
            name='assignment',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='seeking_notes', to='projects.assignment', verbose_name='assignment'),
        ),
        migrations.AlterField(
            model_name='topic',
            name='assignment',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='topics', to='projects.assignment', verbose_name='assignment'),
        ),
        migrations.AlterField(
            model_name='topicevent',
            name='assignment',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='projects.assignment', verbose_name='assignment'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='assignment',
            trigger=pgtrigger.compiler.Trigger(name='assignment_topics_given_stays', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF NEW.course_id <> OLD.course_id OR (NEW.topics_given = '' AND EXISTS (SELECT 1 FROM projects_topic WHERE assignment_id = NEW.id)) OR (NEW.topics_given = 'first-come' AND EXISTS (SELECT 1 FROM projects_project WHERE assignment_id = NEW.id AND topic_id IS NULL)) THEN RAISE EXCEPTION 'assignment_topics_given_stays: its topics and teams are there.' USING ERRCODE = 'check_violation'; END IF; RETURN NEW;", hash='09ce56075e2a9222861a119c29654dc277c8a149', operation='UPDATE', pgid='pgtrigger_assignment_topics_given_stays_8a25f', table='projects_assignment', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='assignment',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "projects_assignmentevent" ("assessed_by", "counts", "course_id", "description", "due_at", "ects", "grading", "hand_in", "hours", "id", "is_main", "is_mandatory", "kind", "kinds_of_files", "late_cutoff_hours", "max_file_megabytes", "max_files", "max_points", "max_total_megabytes", "number", "opens_at", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "position", "registration_closes_at", "series", "takes_own_ideas", "team_max", "team_min", "teaming", "title", "topics_given", "visible_from", "wishes_close_at", "wishes_max", "wishes_min") VALUES (NEW."assessed_by", NEW."counts", NEW."course_id", NEW."description", NEW."due_at", NEW."ects", NEW."grading", NEW."hand_in", NEW."hours", NEW."id", NEW."is_main", NEW."is_mandatory", NEW."kind", NEW."kinds_of_files", NEW."late_cutoff_hours", NEW."max_file_megabytes", NEW."max_files", NEW."max_points", NEW."max_total_megabytes", NEW."number", NEW."opens_at", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."position", NEW."registration_closes_at", NEW."series", NEW."takes_own_ideas", NEW."team_max", NEW."team_min", NEW."teaming", NEW."title", NEW."topics_given", NEW."visible_from", NEW."wishes_close_at", NEW."wishes_max", NEW."wishes_min"); RETURN NULL;', hash='8381c34bfdd1a50daa04fd1d5f9bdc6f30e1507c', operation='INSERT', pgid='pgtrigger_insert_insert_3b084', table='projects_assignment', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='assignment',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "projects_assignmentevent" ("assessed_by", "counts", "course_id", "description", "due_at", "ects", "grading", "hand_in", "hours", "id", "is_main", "is_mandatory", "kind", "kinds_of_files", "late_cutoff_hours", "max_file_megabytes", "max_files", "max_points", "max_total_megabytes", "number", "opens_at", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "position", "registration_closes_at", "series", "takes_own_ideas", "team_max", "team_min", "teaming", "title", "topics_given", "visible_from", "wishes_close_at", "wishes_max", "wishes_min") VALUES (NEW."assessed_by", NEW."counts", NEW."course_id", NEW."description", NEW."due_at", NEW."ects", NEW."grading", NEW."hand_in", NEW."hours", NEW."id", NEW."is_main", NEW."is_mandatory", NEW."kind", NEW."kinds_of_files", NEW."late_cutoff_hours", NEW."max_file_megabytes", NEW."max_files", NEW."max_points", NEW."max_total_megabytes", NEW."number", NEW."opens_at", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."position", NEW."registration_closes_at", NEW."series", NEW."takes_own_ideas", NEW."team_max", NEW."team_min", NEW."teaming", NEW."title", NEW."topics_given", NEW."visible_from", NEW."wishes_close_at", NEW."wishes_max", NEW."wishes_min"); RETURN NULL;', hash='7750a40364beebc0c92c387660ae77f0379754cf', operation='UPDATE', pgid='pgtrigger_update_update_848c4', table='projects_assignment', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='assignment',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "projects_assignmentevent" ("assessed_by", "counts", "course_id", "description", "due_at", "ects", "grading", "hand_in", "hours", "id", "is_main", "is_mandatory", "kind", "kinds_of_files", "late_cutoff_hours", "max_file_megabytes", "max_files", "max_points", "max_total_megabytes", "number", "opens_at", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "position", "registration_closes_at", "series", "takes_own_ideas", "team_max", "team_min", "teaming", "title", "topics_given", "visible_from", "wishes_close_at", "wishes_max", "wishes_min") VALUES (OLD."assessed_by", OLD."counts", OLD."course_id", OLD."description", OLD."due_at", OLD."ects", OLD."grading", OLD."hand_in", OLD."hours", OLD."id", OLD."is_main", OLD."is_mandatory", OLD."kind", OLD."kinds_of_files", OLD."late_cutoff_hours", OLD."max_file_megabytes", OLD."max_files", OLD."max_points", OLD."max_total_megabytes", OLD."number", OLD."opens_at", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."position", OLD."registration_closes_at", OLD."series", OLD."takes_own_ideas", OLD."team_max", OLD."team_min", OLD."teaming", OLD."title", OLD."topics_given", OLD."visible_from", OLD."wishes_close_at", OLD."wishes_max", OLD."wishes_min"); RETURN NULL;', hash='6c8fc9486fc8475553fa223b284d8389e2a270e2', operation='DELETE', pgid='pgtrigger_delete_delete_1bcc9', table='projects_assignment', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='extension',
            trigger=pgtrigger.compiler.Trigger(name='extension_assignment_of_same_course', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF (SELECT course_id FROM projects_assignment WHERE id = NEW.assignment_id) <> NEW.course_id THEN RAISE EXCEPTION 'extension_assignment_of_same_course: the assignment is one in another course.' USING ERRCODE = 'check_violation'; END IF; RETURN NEW;", hash='cca4d2651a41609f279616b0ae4335804b3b6a73', operation='INSERT OR UPDATE', pgid='pgtrigger_extension_assignment_of_same_course_24f8b', table='projects_extension', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='extension',
            trigger=pgtrigger.compiler.Trigger(name='extension_project_of_assignment', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF (SELECT assignment_id FROM projects_project WHERE id = NEW.project_id) <> NEW.assignment_id THEN RAISE EXCEPTION 'extension_project_of_assignment: the project is one in another assignment.' USING ERRCODE = 'check_violation'; END IF; RETURN NEW;", hash='cf58f8f3a6ebcf702ce150a8d53bf02943a813ee', operation='INSERT OR UPDATE', pgid='pgtrigger_extension_project_of_assignment_aa5b0', table='projects_extension', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='extension',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "projects_extensionevent" ("assignment_id", "course_id", "delta", "due_at", "enrolment_id", "granted_at", "granted_by_id", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "project_id", "reason", "revoked_at") VALUES (NEW."assignment_id", NEW."course_id", NEW."delta", NEW."due_at", NEW."enrolment_id", NEW."granted_at", NEW."granted_by_id", NEW."id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."project_id", NEW."reason", NEW."revoked_at"); RETURN NULL;', hash='63caf836fc9f2aeb27844ae614b0b80919335a97', operation='INSERT', pgid='pgtrigger_insert_insert_ec655', table='projects_extension', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='extension',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "projects_extensionevent" ("assignment_id", "course_id", "delta", "due_at", "enrolment_id", "granted_at", "granted_by_id", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "project_id", "reason", "revoked_at") VALUES (NEW."assignment_id", NEW."course_id", NEW."delta", NEW."due_at", NEW."enrolment_id", NEW."granted_at", NEW."granted_by_id", NEW."id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."project_id", NEW."reason", NEW."revoked_at"); RETURN NULL;', hash='35f70bbc57c746e4989805e34f40c98521fadf25', operation='UPDATE', pgid='pgtrigger_update_update_e8020', table='projects_extension', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='extension',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "projects_extensionevent" ("assignment_id", "course_id", "delta", "due_at", "enrolment_id", "granted_at", "granted_by_id", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "project_id", "reason", "revoked_at") VALUES (OLD."assignment_id", OLD."course_id", OLD."delta", OLD."due_at", OLD."enrolment_id", OLD."granted_at", OLD."granted_by_id", OLD."id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."project_id", OLD."reason", OLD."revoked_at"); RETURN NULL;', hash='d686200885246b349cd690f3843688d719035a57', operation='DELETE', pgid='pgtrigger_delete_delete_9fc8c', table='projects_extension', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='membership',
            trigger=pgtrigger.compiler.Trigger(name='membership_of_its_project', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF (SELECT assignment_id FROM projects_project WHERE id = NEW.project_id) <> NEW.assignment_id THEN RAISE EXCEPTION 'membership_of_its_project: the project is one in another assignment.' USING ERRCODE = 'check_violation'; END IF; RETURN NEW;", hash='a5b55ac1ed61a8fc1f888d3967322d020302e27d', operation='INSERT OR UPDATE', pgid='pgtrigger_membership_of_its_project_39c48', table='projects_membership', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='membership',
            trigger=pgtrigger.compiler.Trigger(name='membership_of_its_course', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF (SELECT course_id FROM courses_enrolment WHERE id = NEW.enrolment_id) <> (SELECT course_id FROM projects_assignment WHERE id = NEW.assignment_id) THEN RAISE EXCEPTION 'membership_of_its_course: the enrolment is one in another course.' USING ERRCODE = 'check_violation'; END IF; RETURN NEW;", hash='fce28aaefbfb858e83dc3ace68fb9916496a64ce', operation='INSERT OR UPDATE', pgid='pgtrigger_membership_of_its_course_7a6b5', table='projects_membership', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='membership',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "projects_membershipevent" ("assignment_id", "enrolment_id", "id", "joined_at", "left_at", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "project_id") VALUES (NEW."assignment_id", NEW."enrolment_id", NEW."id", NEW."joined_at", NEW."left_at", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."project_id"); RETURN NULL;', hash='a3d08929c8b0af59927c0753a3f0cbc035c3b64b', operation='INSERT', pgid='pgtrigger_insert_insert_8470a', table='projects_membership', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='membership',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "projects_membershipevent" ("assignment_id", "enrolment_id", "id", "joined_at", "left_at", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "project_id") VALUES (NEW."assignment_id", NEW."enrolment_id", NEW."id", NEW."joined_at", NEW."left_at", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."project_id"); RETURN NULL;', hash='1b6b37bf5e74a7ace1bbabddffd34f8410dc11a4', operation='UPDATE', pgid='pgtrigger_update_update_b6601', table='projects_membership', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='membership',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "projects_membershipevent" ("assignment_id", "enrolment_id", "id", "joined_at", "left_at", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "project_id") VALUES (OLD."assignment_id", OLD."enrolment_id", OLD."id", OLD."joined_at", OLD."left_at", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."project_id"); RETURN NULL;', hash='67774af5a4769e7c32c382d8284333b037a59f10', operation='DELETE', pgid='pgtrigger_delete_delete_fd488', table='projects_membership', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='project',
            trigger=pgtrigger.compiler.Trigger(name='project_topic_of_assignment', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF (SELECT assignment_id FROM projects_topic WHERE id = NEW.topic_id) <> NEW.assignment_id THEN RAISE EXCEPTION 'project_topic_of_assignment: the topic is one in another assignment.' USING ERRCODE = 'check_violation'; END IF; RETURN NEW;", hash='c620de74b80d2442ef898fc1916f0da175cb9100', operation='INSERT OR UPDATE', pgid='pgtrigger_project_topic_of_assignment_3786c', table='projects_project', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='project',
            trigger=pgtrigger.compiler.Trigger(name='project_has_its_topic', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF NEW.topic_id IS NULL AND (SELECT topics_given FROM projects_assignment WHERE id = NEW.assignment_id) = 'first-come' THEN RAISE EXCEPTION 'project_has_its_topic: this assignment is worked on by topics.' USING ERRCODE = 'check_violation'; END IF; RETURN NEW;", hash='eaa2992df0baa2f1c7f6b30e3765554126337ee9', operation='INSERT OR UPDATE', pgid='pgtrigger_project_has_its_topic_394a5', table='projects_project', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='project',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "projects_projectevent" ("assessor_id", "assignment_id", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "picked_at", "picked_id", "registered_at", "topic_id", "withdrawn_at") VALUES (NEW."assessor_id", NEW."assignment_id", NEW."id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."picked_at", NEW."picked_id", NEW."registered_at", NEW."topic_id", NEW."withdrawn_at"); RETURN NULL;', hash='a0845c0f996e2f886ea0d5341a47c0e147d00def', operation='INSERT', pgid='pgtrigger_insert_insert_2e147', table='projects_project', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='project',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "projects_projectevent" ("assessor_id", "assignment_id", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "picked_at", "picked_id", "registered_at", "topic_id", "withdrawn_at") VALUES (NEW."assessor_id", NEW."assignment_id", NEW."id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."picked_at", NEW."picked_id", NEW."registered_at", NEW."topic_id", NEW."withdrawn_at"); RETURN NULL;', hash='219566cef95d545fc73f40f3152bb36531ce3e47', operation='UPDATE', pgid='pgtrigger_update_update_804c3', table='projects_project', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='project',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "projects_projectevent" ("assessor_id", "assignment_id", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "picked_at", "picked_id", "registered_at", "topic_id", "withdrawn_at") VALUES (OLD."assessor_id", OLD."assignment_id", OLD."id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."picked_at", OLD."picked_id", OLD."registered_at", OLD."topic_id", OLD."withdrawn_at"); RETURN NULL;', hash='cb48e77210474c398f8bef038e29ae2a4b5a06c4', operation='DELETE', pgid='pgtrigger_delete_delete_2192f', table='projects_project', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='seekingnote',
            trigger=pgtrigger.compiler.Trigger(name='seekingnote_topic_of_assignment', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF (SELECT assignment_id FROM projects_topic WHERE id = NEW.topic_id) <> NEW.assignment_id THEN RAISE EXCEPTION 'seekingnote_topic_of_assignment: the topic is one in another assignment.' USING ERRCODE = 'check_violation'; END IF; RETURN NEW;", hash='d7b74cfa1e6f632ce1a77cfd456e3f062c60f40d', operation='INSERT OR UPDATE', pgid='pgtrigger_seekingnote_topic_of_assignment_df367', table='projects_seekingnote', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='seekingnote',
            trigger=pgtrigger.compiler.Trigger(name='seekingnote_of_its_course', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF (SELECT course_id FROM courses_enrolment WHERE id = NEW.enrolment_id) <> (SELECT course_id FROM projects_assignment WHERE id = NEW.assignment_id) THEN RAISE EXCEPTION 'seekingnote_of_its_course: the enrolment is one in another course.' USING ERRCODE = 'check_violation'; END IF; RETURN NEW;", hash='1e0744f1c8571d8f206fe6ad5f71e2a7d7c1be23', operation='INSERT OR UPDATE', pgid='pgtrigger_seekingnote_of_its_course_22301', table='projects_seekingnote', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='topic',
            trigger=pgtrigger.compiler.Trigger(name='topic_assignment_of_same_course', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF (SELECT course_id FROM projects_assignment WHERE id = NEW.assignment_id) <> NEW.course_id THEN RAISE EXCEPTION 'topic_assignment_of_same_course: the assignment is one in another course.' USING ERRCODE = 'check_violation'; END IF; RETURN NEW;", hash='4c8ba2cd463a2677f57e5eea7584a64d0b003f81', operation='INSERT OR UPDATE', pgid='pgtrigger_topic_assignment_of_same_course_e50e5', table='projects_topic', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='topic',
            trigger=pgtrigger.compiler.Trigger(name='topic_stays_with_its_teams', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF NEW.assignment_id <> OLD.assignment_id AND EXISTS (SELECT 1 FROM projects_project WHERE topic_id = NEW.id) THEN RAISE EXCEPTION 'topic_stays_with_its_teams: a team has or had it.' USING ERRCODE = 'check_violation'; END IF; RETURN NEW;", hash='812f0dc7711d83ac13a13fb59b9c3c25738802c4', operation='UPDATE', pgid='pgtrigger_topic_stays_with_its_teams_2b9d0', table='projects_topic', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='topic',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "projects_topicevent" ("assignment_id", "course_id", "decision_reason", "description", "id", "is_open", "links", "mentor_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "position", "proposal", "proposed_at", "proposed_by_id", "skills", "slots", "team_max", "team_min", "title", "track") VALUES (NEW."assignment_id", NEW."course_id", NEW."decision_reason", NEW."description", NEW."id", NEW."is_open", NEW."links", NEW."mentor_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."position", NEW."proposal", NEW."proposed_at", NEW."proposed_by_id", NEW."skills", NEW."slots", NEW."team_max", NEW."team_min", NEW."title", NEW."track"); RETURN NULL;', hash='be74d9f5402bde62b77982c0da60d1cae98a9983', operation='INSERT', pgid='pgtrigger_insert_insert_bfc92', table='projects_topic', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='topic',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."assignment_id" IS DISTINCT FROM (NEW."assignment_id") OR OLD."course_id" IS DISTINCT FROM (NEW."course_id") OR OLD."decision_reason" IS DISTINCT FROM (NEW."decision_reason") OR OLD."description" IS DISTINCT FROM (NEW."description") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."is_open" IS DISTINCT FROM (NEW."is_open") OR OLD."links" IS DISTINCT FROM (NEW."links") OR OLD."mentor_id" IS DISTINCT FROM (NEW."mentor_id") OR OLD."position" IS DISTINCT FROM (NEW."position") OR OLD."proposal" IS DISTINCT FROM (NEW."proposal") OR OLD."proposed_at" IS DISTINCT FROM (NEW."proposed_at") OR OLD."proposed_by_id" IS DISTINCT FROM (NEW."proposed_by_id") OR OLD."skills" IS DISTINCT FROM (NEW."skills") OR OLD."slots" IS DISTINCT FROM (NEW."slots") OR OLD."team_max" IS DISTINCT FROM (NEW."team_max") OR OLD."team_min" IS DISTINCT FROM (NEW."team_min") OR OLD."title" IS DISTINCT FROM (NEW."title") OR OLD."track" IS DISTINCT FROM (NEW."track"))', func='INSERT INTO "projects_topicevent" ("assignment_id", "course_id", "decision_reason", "description", "id", "is_open", "links", "mentor_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "position", "proposal", "proposed_at", "proposed_by_id", "skills", "slots", "team_max", "team_min", "title", "track") VALUES (NEW."assignment_id", NEW."course_id", NEW."decision_reason", NEW."description", NEW."id", NEW."is_open", NEW."links", NEW."mentor_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."position", NEW."proposal", NEW."proposed_at", NEW."proposed_by_id", NEW."skills", NEW."slots", NEW."team_max", NEW."team_min", NEW."title", NEW."track"); RETURN NULL;', hash='b2b842334b898154a551eca6426c0563e120e5e0', operation='UPDATE', pgid='pgtrigger_update_update_75788', table='projects_topic', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='topic',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "projects_topicevent" ("assignment_id", "course_id", "decision_reason", "description", "id", "is_open", "links", "mentor_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "position", "proposal", "proposed_at", "proposed_by_id", "skills", "slots", "team_max", "team_min", "title", "track") VALUES (OLD."assignment_id", OLD."course_id", OLD."decision_reason", OLD."description", OLD."id", OLD."is_open", OLD."links", OLD."mentor_id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."position", OLD."proposal", OLD."proposed_at", OLD."proposed_by_id", OLD."skills", OLD."slots", OLD."team_max", OLD."team_min", OLD."title", OLD."track"); RETURN NULL;', hash='63b6bf587c3431a2235842aedc49161f8702c3a5', operation='DELETE', pgid='pgtrigger_delete_delete_88d1b', table='projects_topic', when='AFTER')),
        ),
        migrations.AddConstraint(
            model_name='assignment',
            constraint=models.UniqueConstraint(fields=('course', 'title'), name='assignment_title_unique', violation_error_message='The course has an assignment with this title already.'),
        ),
        migrations.AddConstraint(
            model_name='assignment',
            constraint=models.UniqueConstraint(condition=models.Q(('is_main', True)), fields=('course',), name='assignment_one_main', violation_error_message='The course has its project already.'),
        ),
        migrations.AddConstraint(
            model_name='assignment',
            constraint=models.UniqueConstraint(condition=models.Q(('series', ''), _negated=True), fields=('course', 'series', 'number'), name='assignment_number_unique', violation_error_message='The series has an assignment with this number already.'),
        ),
        migrations.AddConstraint(
            model_name='assignment',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['project', 'sheet', 'other'])), name='assignment_kind_valid', violation_error_message='Choose one of the offered values.'),
        ),
        migrations.AddConstraint(
            model_name='assignment',
            constraint=models.CheckConstraint(condition=models.Q(('teaming__in', ['invited', 'kept', 'alone'])), name='assignment_teaming_valid', violation_error_message='Choose one of the offered values.'),
        ),
        migrations.AddConstraint(
            model_name='assignment',
            constraint=models.CheckConstraint(condition=models.Q(('hand_in__in', ['files', 'paper', 'presented'])), name='assignment_hand_in_valid', violation_error_message='Choose one of the offered values.'),
        ),
        migrations.AddConstraint(
            model_name='assignment',
            constraint=models.CheckConstraint(condition=models.Q(('grading__in', ['passed', 'points'])), name='assignment_grading_valid', violation_error_message='Choose one of the offered values.'),
        ),
        migrations.AddConstraint(
            model_name='assignment',
            constraint=models.CheckConstraint(condition=models.Q(('topics_given__in', ['', 'first-come', 'by-wish'])), name='assignment_topics_given_valid', violation_error_message='Choose one of the offered values.'),
        ),
        migrations.AddConstraint(
            model_name='assignment',
            constraint=models.CheckConstraint(condition=models.Q(('kind', 'project'), ('topics_given', ''), _connector='XOR'), name='assignment_project_has_topics', violation_error_message='A project has topics, and nothing else has.'),
        ),
        migrations.AddConstraint(
            model_name='assignment',
            constraint=models.CheckConstraint(condition=models.Q(('is_main', False), ('kind', 'project'), _connector='OR'), name='assignment_main_is_project', violation_error_message="The course's project has topics."),
        ),
        migrations.AddConstraint(
            model_name='assignment',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('number__isnull', True), ('series', '')), models.Q(models.Q(('series', ''), _negated=True), ('number__isnull', False)), _connector='OR'), name='assignment_series_numbered', violation_error_message='In a series each has a number.'),
        ),
        migrations.AddConstraint(
            model_name='assignment',
            constraint=models.CheckConstraint(condition=models.Q(('kind', 'project'), ('opens_at__isnull', True), ('due_at__isnull', True), ('opens_at__lt', models.F('due_at')), _connector='OR'), name='assignment_opens_before_due', violation_error_message='It is due before it opens.'),
        ),
        migrations.AddConstraint(
            model_name='assignment',
            constraint=models.CheckConstraint(condition=models.Q(('team_max__gte', models.F('team_min')), ('team_min__gte', 1)), name='assignment_team_size_valid', violation_error_message="The largest team can't be smaller than the smallest."),
        ),
        migrations.AddConstraint(
            model_name='assignment',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('teaming', 'alone'), _negated=True), ('team_max', 1), _connector='OR'), name='assignment_alone_is_one', violation_error_message='Where everyone works alone, a team is one person.'),
        ),
        migrations.AddConstraint(
            model_name='assignment',
            constraint=models.CheckConstraint(condition=models.Q(('max_points__isnull', True), ('max_points__gt', 0), _connector='OR'), name='assignment_points_positive', violation_error_message='The most points are more than none.'),
        ),
        migrations.AddConstraint(
            model_name='assignment',
            constraint=models.CheckConstraint(condition=models.Q(('wishes_max__gte', models.F('wishes_min')), ('wishes_min__gte', 1)), name='assignment_wishes_in_order', violation_error_message="The most wishes can't be fewer than the fewest."),
        ),
        migrations.AddConstraint(
            model_name='assignment',
            constraint=models.CheckConstraint(condition=models.Q(('opens_at__isnull', True), ('registration_closes_at__isnull', True), ('opens_at__lt', models.F('registration_closes_at')), _connector='OR'), name='assignment_registration_in_order', violation_error_message='Registration closes before it opens.'),
        ),
        migrations.AddConstraint(
            model_name='assignment',
            constraint=models.CheckConstraint(condition=models.Q(('max_file_megabytes__gte', 1), ('max_files__gte', 1)), name='assignment_limits_positive', violation_error_message='A hand-in takes at least one file of at least 1 MB.'),
        ),
        migrations.AddConstraint(
            model_name='assignment',
            constraint=models.CheckConstraint(condition=models.Q(('max_total_megabytes__gte', models.F('max_file_megabytes'))), name='assignment_total_holds_a_file', violation_error_message='All hand-ins of a project need room for at least one file of the largest size.'),
        ),
        migrations.AddConstraint(
            model_name='assignment',
            constraint=models.CheckConstraint(condition=models.Q(('kinds_of_files__contained_by', ['zip', 'pdf', 'ipynb', 'tar.gz']), ('kinds_of_files__len__gte', 1)), name='assignment_kinds_valid', violation_error_message='Choose at least one of zip, pdf, ipynb, tar.gz.'),
        ),
        migrations.AddConstraint(
            model_name='membership',
            constraint=models.UniqueConstraint(condition=models.Q(('left_at__isnull', True)), fields=('enrolment', 'assignment'), name='membership_one_active', violation_error_message='This person is in a team for this assignment already.'),
        ),
        migrations.AddConstraint(
            model_name='seekingnote',
            constraint=models.UniqueConstraint(fields=('enrolment', 'assignment'), name='seekingnote_unique', violation_error_message='There is a note of this person already.'),
        ),
        migrations.AddConstraint(
            model_name='topic',
            constraint=models.UniqueConstraint(fields=('assignment', 'track', 'title'), name='topic_unique', violation_error_message='This track has a topic with this title already.'),
        ),
        migrations.RunSQL(
            _BESIDE_THE_LAST_RELEASE,
            "DROP VIEW projects_projectrules, projects_projectrulesevent; DROP FUNCTION projects_main_assignment(bigint)",
        ),
        *(
            migrations.RunSQL(_OF_THE_MAIN_ONE.format(name=name, source=source), _UNDO.format(name=name))
            for name, source in _ASSIGNMENT_OF.items()
        ),
    ]
