"""What nobody has decided on is nobody's where its assessor deleted their account before that let go of it."""

from django.db import migrations

_FREE = """
    UPDATE projects_project SET assessor_id = NULL
    FROM courses_user
    WHERE courses_user.id = projects_project.assessor_id
        AND courses_user.email = 'deleted-' || courses_user.id || '@deleted.invalid'
        AND NOT EXISTS (
            SELECT 1 FROM projects_assessment
            WHERE projects_assessment.project_id = projects_project.id
                AND projects_assessment.outcome IN ('passed', 'failed')
        )
"""


class Migration(migrations.Migration):

    dependencies = [
        ('courses', '0001_initial'),
        ('projects', '0012_reasons_by_member'),
    ]

    operations = [
        migrations.RunSQL(_FREE, migrations.RunSQL.noop),
    ]
