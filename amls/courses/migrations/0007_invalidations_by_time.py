from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('courses', '0006_invalidations'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='invalidation',
            index=models.Index(fields=['course_id', 'user_id', 'at'], name='invalidation_whose_and_when'),
        ),
        migrations.RemoveIndex(
            model_name='invalidation',
            name='invalidation_whose',
        ),
    ]
