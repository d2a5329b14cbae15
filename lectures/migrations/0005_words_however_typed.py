"""Words are found however they are typed, 'Pruefung' as 'Prüfung': what passages are found by is computed anew."""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
from django.db import migrations, models

import lectures.models.texts
from amls.web.fulltext import words_sql

# Suggested are words as they are written: computed from the texts, not from what they are found by.
_WRITTEN = words_sql(["title", "text", "notes"])
_VOCABULARY = f"""
DELETE FROM lectures_word;
INSERT INTO lectures_word (course_id, word, passages)
SELECT course.id, found.word, found.ndoc
FROM courses_course AS course, LATERAL ts_stat(
    format($query$SELECT {_WRITTEN} FROM lectures_passage WHERE course_id = %s$query$, course.id)
) AS found
WHERE found.word ~ '^[[:alpha:]][[:alpha:]-]{{2,39}}$'
"""


class Migration(migrations.Migration):
    dependencies = [("lectures", "0004_parts_of_the_course")]

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
