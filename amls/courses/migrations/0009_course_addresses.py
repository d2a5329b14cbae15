"""Each address that a course has or had leads to it. What addresses courses had before, their history knows."""

import amls.courses.validators
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

_PRESENT = "INSERT INTO courses_courseaddress (slug, course_id) SELECT slug, id FROM courses_course"
# The last one that had it, as long as that course is there.
_FORMER = """
    INSERT INTO courses_courseaddress (slug, course_id)
    SELECT DISTINCT ON (courses_courseevent.slug) courses_courseevent.slug, pgh_obj_id
    FROM courses_courseevent JOIN courses_course ON courses_course.id = pgh_obj_id
    ORDER BY courses_courseevent.slug, pgh_created_at DESC
    ON CONFLICT (slug) DO NOTHING
"""
_HELP = 'The first part of every address of the course. One that it had before goes on leading to it.'


class Migration(migrations.Migration):

    dependencies = [
        ('courses', '0008_who_left_the_roster'),
    ]

    operations = [
        migrations.CreateModel(
            name='CourseAddress',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('slug', models.CharField(max_length=60, unique=True, verbose_name='address')),
                ('course', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='addresses', to='courses.course', verbose_name='course')),
            ],
            options={
                'verbose_name': 'address of a course',
                'verbose_name_plural': 'addresses of courses',
            },
        ),
        migrations.AlterField(
            model_name='course',
            name='slug',
            field=models.CharField(help_text=_HELP, max_length=60, unique=True, validators=[amls.courses.validators.validate_slug], verbose_name='address'),
        ),
        migrations.AlterField(
            model_name='courseevent',
            name='slug',
            field=models.CharField(help_text=_HELP, max_length=60, validators=[amls.courses.validators.validate_slug], verbose_name='address'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='course',
            trigger=pgtrigger.compiler.Trigger(name='course_keeps_its_addresses', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n        INSERT INTO courses_courseaddress (slug, course_id) VALUES (NEW.slug, NEW.id) ON CONFLICT (slug) DO NOTHING;\n        IF NOT EXISTS (SELECT 1 FROM courses_courseaddress WHERE slug = NEW.slug AND course_id = NEW.id) THEN\n            RAISE EXCEPTION 'course_keeps_its_addresses: % leads to another course.', NEW.slug\n                USING ERRCODE = 'unique_violation';\n        END IF;\n        RETURN NULL;\n    ", hash='c3729443bd8ddb54682f548ae664d977625bcb2b', operation='INSERT OR UPDATE OF "slug"', pgid='pgtrigger_course_keeps_its_addresses_af5a4', table='courses_course', when='AFTER')),
        ),
        migrations.RunSQL([_PRESENT, _FORMER], migrations.RunSQL.noop),
    ]
