"""A course has any number of assignments: what its rules for projects were is one of them."""

import amls.core.text
import django.db.models.deletion
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("courses", "0004_slots_are_rows"), ("projects", "0003_room_for_hand_ins")]

    operations = [
        pgtrigger.migrations.RemoveTrigger(model_name="projectrules", name="insert_insert"),
        pgtrigger.migrations.RemoveTrigger(model_name="projectrules", name="update_update"),
        pgtrigger.migrations.RemoveTrigger(model_name="projectrules", name="delete_delete"),
        migrations.RenameModel("ProjectRules", "Assignment"),
        migrations.RenameModel("ProjectRulesEvent", "AssignmentEvent"),
        migrations.RenameField("assignment", "registration_opens_at", "opens_at"),
        migrations.RenameField("assignment", "submission_deadline", "due_at"),
        migrations.RenameField("assignmentevent", "registration_opens_at", "opens_at"),
        migrations.RenameField("assignmentevent", "submission_deadline", "due_at"),
        migrations.AlterModelOptions(
            name='assignment',
            options={'ordering': ['course', 'position', 'pk'], 'verbose_name': 'assignment', 'verbose_name_plural': 'assignments'},
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='extension',
            name='insert_insert',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='extension',
            name='update_update',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='extension',
            name='delete_delete',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='membership',
            name='insert_insert',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='membership',
            name='update_update',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='membership',
            name='delete_delete',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='project',
            name='insert_insert',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='project',
            name='update_update',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='project',
            name='delete_delete',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='topic',
            name='insert_insert',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='topic',
            name='update_update',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='topic',
            name='delete_delete',
        ),
        migrations.RemoveConstraint(
            model_name='assignment',
            name='projectrules_registration_in_order',
        ),
        migrations.RemoveConstraint(
            model_name='assignment',
            name='projectrules_limits_positive',
        ),
        migrations.RemoveConstraint(
            model_name='assignment',
            name='projectrules_kinds_valid',
        ),
        migrations.RemoveConstraint(
            model_name='assignment',
            name='projectrules_total_holds_a_file',
        ),
        migrations.RemoveConstraint(
            model_name='membership',
            name='membership_one_active',
        ),
        migrations.RemoveConstraint(
            model_name='topic',
            name='topic_unique',
        ),
        migrations.AddField(
            model_name='assignment',
            name='counts',
            field=models.BooleanField(default=True, help_text='Otherwise it is an exercise only.', verbose_name='counts'),
        ),
        migrations.AddField(
            model_name='assignment',
            name='grading',
            field=models.CharField(choices=[('passed', 'Passed or failed'), ('points', 'Points')], default='passed', max_length=10, verbose_name='grading'),
        ),
        migrations.AddField(
            model_name='assignment',
            name='hand_in',
            field=models.CharField(choices=[('files', 'Files or a repository'), ('paper', 'On paper'), ('presented', 'Presented')], default='files', max_length=10, verbose_name='handed in as'),
        ),
        migrations.AddField(
            model_name='assignment',
            name='is_main',
            field=models.BooleanField(default=False, editable=False, verbose_name="the course's project"),
        ),
        migrations.AddField(
            model_name='assignment',
            name='kind',
            field=models.CharField(choices=[('project', 'Project with topics'), ('sheet', 'Sheet or exercise'), ('other', 'Other')], default='project', max_length=10, verbose_name='kind'),
        ),
        migrations.AddField(
            model_name='assignment',
            name='max_points',
            field=models.DecimalField(blank=True, decimal_places=2, max_digits=6, null=True, verbose_name='most points'),
        ),
        migrations.AddField(
            model_name='assignment',
            name='number',
            field=models.PositiveSmallIntegerField(blank=True, editable=False, null=True, verbose_name='number'),
        ),
        migrations.AddField(
            model_name='assignment',
            name='position',
            field=models.PositiveSmallIntegerField(default=0, verbose_name='position'),
        ),
        migrations.AddField(
            model_name='assignment',
            name='series',
            field=amls.core.text.LineField(blank=True, editable=False, max_length=100, verbose_name='series'),
        ),
        migrations.AddField(
            model_name='assignment',
            name='team_max',
            field=models.PositiveSmallIntegerField(default=1, help_text='Where it has topics, each says how large its teams are.', verbose_name='largest team'),
        ),
        migrations.AddField(
            model_name='assignment',
            name='team_min',
            field=models.PositiveSmallIntegerField(default=1, verbose_name='smallest team'),
        ),
        migrations.AddField(
            model_name='assignment',
            name='teaming',
            field=models.CharField(choices=[('invited', 'By invitation'), ('kept', 'Kept from the assignment before'), ('alone', 'Everyone alone')], default='invited', max_length=10, verbose_name='teams'),
        ),
        migrations.AddField(
            model_name='assignment',
            name='title',
            field=amls.core.text.LineField(default='', max_length=200, verbose_name='title'),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='assignment',
            name='topics_given',
            field=models.CharField(blank=True, choices=[('', 'No topics'), ('first-come', 'First come, first served'), ('by-wish', 'By ranked wishes')], default='first-come', max_length=10, verbose_name='how topics are given'),
        ),
        migrations.AddField(
            model_name='assignment',
            name='visible_from',
            field=models.DateTimeField(blank=True, help_text='Empty: at once. Before that the staff alone see it.', null=True, verbose_name='visible from'),
        ),
        migrations.AddField(
            model_name='assignment',
            name='wishes_close_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='wishes until'),
        ),
        migrations.AddField(
            model_name='assignment',
            name='wishes_max',
            field=models.PositiveSmallIntegerField(default=10, verbose_name='most wishes'),
        ),
        migrations.AddField(
            model_name='assignment',
            name='wishes_min',
            field=models.PositiveSmallIntegerField(default=3, verbose_name='fewest wishes'),
        ),
        migrations.AddField(
            model_name='assignmentevent',
            name='counts',
            field=models.BooleanField(default=True, help_text='Otherwise it is an exercise only.', verbose_name='counts'),
        ),
        migrations.AddField(
            model_name='assignmentevent',
            name='grading',
            field=models.CharField(choices=[('passed', 'Passed or failed'), ('points', 'Points')], default='passed', max_length=10, verbose_name='grading'),
        ),
        migrations.AddField(
            model_name='assignmentevent',
            name='hand_in',
            field=models.CharField(choices=[('files', 'Files or a repository'), ('paper', 'On paper'), ('presented', 'Presented')], default='files', max_length=10, verbose_name='handed in as'),
        ),
        migrations.AddField(
            model_name='assignmentevent',
            name='is_main',
            field=models.BooleanField(default=False, editable=False, verbose_name="the course's project"),
        ),
        migrations.AddField(
            model_name='assignmentevent',
            name='kind',
            field=models.CharField(choices=[('project', 'Project with topics'), ('sheet', 'Sheet or exercise'), ('other', 'Other')], default='project', max_length=10, verbose_name='kind'),
        ),
        migrations.AddField(
            model_name='assignmentevent',
            name='max_points',
            field=models.DecimalField(blank=True, decimal_places=2, max_digits=6, null=True, verbose_name='most points'),
        ),
        migrations.AddField(
            model_name='assignmentevent',
            name='number',
            field=models.PositiveSmallIntegerField(blank=True, editable=False, null=True, verbose_name='number'),
        ),
        migrations.AddField(
            model_name='assignmentevent',
            name='position',
            field=models.PositiveSmallIntegerField(default=0, verbose_name='position'),
        ),
        migrations.AddField(
            model_name='assignmentevent',
            name='series',
            field=amls.core.text.LineField(blank=True, editable=False, max_length=100, verbose_name='series'),
        ),
        migrations.AddField(
            model_name='assignmentevent',
            name='team_max',
            field=models.PositiveSmallIntegerField(default=1, help_text='Where it has topics, each says how large its teams are.', verbose_name='largest team'),
        ),
        migrations.AddField(
            model_name='assignmentevent',
            name='team_min',
            field=models.PositiveSmallIntegerField(default=1, verbose_name='smallest team'),
        ),
        migrations.AddField(
            model_name='assignmentevent',
            name='teaming',
            field=models.CharField(choices=[('invited', 'By invitation'), ('kept', 'Kept from the assignment before'), ('alone', 'Everyone alone')], default='invited', max_length=10, verbose_name='teams'),
        ),
        migrations.AddField(
            model_name='assignmentevent',
            name='title',
            field=amls.core.text.LineField(default='', max_length=200, verbose_name='title'),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='assignmentevent',
            name='topics_given',
            field=models.CharField(blank=True, choices=[('', 'No topics'), ('first-come', 'First come, first served'), ('by-wish', 'By ranked wishes')], default='first-come', max_length=10, verbose_name='how topics are given'),
        ),
        migrations.AddField(
            model_name='assignmentevent',
            name='visible_from',
            field=models.DateTimeField(blank=True, help_text='Empty: at once. Before that the staff alone see it.', null=True, verbose_name='visible from'),
        ),
        migrations.AddField(
            model_name='assignmentevent',
            name='wishes_close_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='wishes until'),
        ),
        migrations.AddField(
            model_name='assignmentevent',
            name='wishes_max',
            field=models.PositiveSmallIntegerField(default=10, verbose_name='most wishes'),
        ),
        migrations.AddField(
            model_name='assignmentevent',
            name='wishes_min',
            field=models.PositiveSmallIntegerField(default=3, verbose_name='fewest wishes'),
        ),
        migrations.AddField(
            model_name='extension',
            name='assignment',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='extensions', to='projects.assignment', verbose_name='assignment'),
        ),
        migrations.AddField(
            model_name='extensionevent',
            name='assignment',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='projects.assignment', verbose_name='assignment'),
        ),
        migrations.AddField(
            model_name='membership',
            name='assignment',
            field=models.ForeignKey(null=True, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='memberships', to='projects.assignment', verbose_name='assignment'),
        ),
        migrations.AddField(
            model_name='membershipevent',
            name='assignment',
            field=models.ForeignKey(db_constraint=False, null=True, editable=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='projects.assignment', verbose_name='assignment'),
        ),
        migrations.AddField(
            model_name='project',
            name='assignment',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='projects', to='projects.assignment', verbose_name='assignment'),
        ),
        migrations.AddField(
            model_name='projectevent',
            name='assignment',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='projects.assignment', verbose_name='assignment'),
        ),
        migrations.AddField(
            model_name='seekingnote',
            name='assignment',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='seeking_notes', to='projects.assignment', verbose_name='assignment'),
        ),
        migrations.AddField(
            model_name='topic',
            name='assignment',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='topics', to='projects.assignment', verbose_name='assignment'),
        ),
        migrations.AddField(
            model_name='topicevent',
            name='assignment',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='projects.assignment', verbose_name='assignment'),
        ),
        migrations.AlterField(
            model_name='assignment',
            name='course',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='assignments', to='courses.course', verbose_name='course'),
        ),
        migrations.AlterField(
            model_name='assignment',
            name='due_at',
            field=models.DateTimeField(blank=True, help_text='As typed: the whole minute counts.', null=True, verbose_name='due'),
        ),
        migrations.AlterField(
            model_name='assignment',
            name='opens_at',
            field=models.DateTimeField(blank=True, help_text='The registration; the hand-in where nobody registers.', null=True, verbose_name='opens'),
        ),
        migrations.AlterField(
            model_name='assignment',
            name='registration_closes_at',
            field=models.DateTimeField(blank=True, help_text='Empty: when it is due.', null=True, verbose_name='registration closes'),
        ),
        migrations.AlterField(
            model_name='assignmentevent',
            name='due_at',
            field=models.DateTimeField(blank=True, help_text='As typed: the whole minute counts.', null=True, verbose_name='due'),
        ),
        migrations.AlterField(
            model_name='assignmentevent',
            name='opens_at',
            field=models.DateTimeField(blank=True, help_text='The registration; the hand-in where nobody registers.', null=True, verbose_name='opens'),
        ),
        migrations.AlterField(
            model_name='assignmentevent',
            name='registration_closes_at',
            field=models.DateTimeField(blank=True, help_text='Empty: when it is due.', null=True, verbose_name='registration closes'),
        ),
        migrations.AlterField(
            model_name='project',
            name='topic',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='projects', to='projects.topic', verbose_name='topic'),
        ),
        migrations.AlterField(
            model_name='projectevent',
            name='topic',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='projects.topic', verbose_name='topic'),
        ),
        migrations.AlterField(
            model_name='seekingnote',
            name='enrolment',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='seeking_notes', to='courses.enrolment', verbose_name='student'),
        ),
    ]
