"""Words that a sign joins, such as 'CPU/GPU', are found one by one: what passages are found by is computed anew."""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
from django.db import migrations, models

import lectures.models.texts

_VOCABULARY = """
DELETE FROM lectures_word;
INSERT INTO lectures_word (course_id, word, passages)
SELECT course.id, found.word, found.ndoc
FROM courses_course AS course, LATERAL ts_stat(
    format('SELECT vector FROM lectures_passage WHERE course_id = %s', course.id), 'd'
) AS found
WHERE found.word ~ '^[[:alpha:]][[:alpha:]-]{2,39}$'
"""


class Migration(migrations.Migration):
    dependencies = [("lectures", "0002_texts_and_counts")]

    operations = [
        migrations.RemoveIndex(model_name="passage", name="passage_vector"),
        migrations.RemoveField(model_name="passage", name="vector"),
        migrations.AddField(
            model_name="passage",
            name="vector",
            field=models.GeneratedField(
                db_persist=True,
                expression=lectures.models.texts.PassageVector(
                    models.F("course"), models.F("language"), models.F("title"), models.F("text"), models.F("notes")
                ),
                output_field=django.contrib.postgres.search.SearchVectorField(),
            ),
        ),
        migrations.AddIndex(
            model_name="passage",
            index=django.contrib.postgres.indexes.GinIndex(fields=["vector"], name="passage_vector", fastupdate=False),
        ),
        migrations.RunSQL(_VOCABULARY, migrations.RunSQL.noop),
    ]
