"""The words of a course's files in one row for each length, and no more in one for each word."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

# As the words stood before, until a file of the course is read again.
MOVE = """
    INSERT INTO lectures_wordlist (course_id, length, words, passages)
    SELECT course_id, length(word), string_agg(word, E'\\n' ORDER BY passages DESC, word),
        array_agg(passages ORDER BY passages DESC, word)
    FROM lectures_word GROUP BY course_id, length(word)
"""


class Migration(migrations.Migration):

    dependencies = [
        ('courses', '0006_invalidations'),
        ('lectures', '0003_missing_files'),
    ]

    operations = [
        migrations.CreateModel(
            name='WordList',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('length', models.PositiveSmallIntegerField(verbose_name='length')),
                ('words', models.TextField(verbose_name='words')),
                ('passages', django.contrib.postgres.fields.ArrayField(base_field=models.PositiveIntegerField(), size=None, verbose_name='passages')),
                ('course', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='courses.course', verbose_name='course')),
            ],
            options={
                'verbose_name': 'list of words',
                'verbose_name_plural': 'lists of words',
            },
        ),
        migrations.AddConstraint(
            model_name='wordlist',
            constraint=models.UniqueConstraint(fields=('course', 'length'), name='wordlist_unique'),
        ),
        migrations.RunSQL(MOVE, migrations.RunSQL.noop),
        # The table stays for a release: nodes that are still on the last one write to it. It holds no course back.
        migrations.AlterField(
            model_name='word',
            name='course',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='courses.course', verbose_name='course'),
        ),
        migrations.SeparateDatabaseAndState(state_operations=[migrations.DeleteModel(name='Word')]),
    ]
