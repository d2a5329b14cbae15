"""Let the windows of oral exams that are at one moment be one item of the agenda, which keeps its UID."""

from collections import defaultdict

from django.db import migrations

_WINDOWS = {"signup-opens": "opens_at", "signup-closes": "closes_at", "withdraw-until": "withdraw_until"}


def join_windows(apps, schema_editor):
    """Give the item of the first exam of each moment its new key; the items of the others go, with people's variants."""
    exams = apps.get_model("exams", "Exam").objects.filter(kind="oral").order_by("pk")
    items = apps.get_model("agenda", "AgendaItem").objects
    alike = defaultdict(list)
    for exam in exams.values("pk", "course_id", *_WINDOWS.values()):
        for what, name in _WINDOWS.items():
            if exam[name] is not None:
                alike[exam["course_id"], what, exam[name]].append(exam["pk"])
    for (course, what, _moment), pks in alike.items():
        keys = [f"exams.exam:{pk}:{what}" for pk in pks]
        rows = items.filter(course=course, key__in=keys)
        rows.filter(enrolment__isnull=False).delete()
        rows.exclude(key=keys[0]).delete()
        rows.update(key=f"exams.oral:{pks[0]}:{what}")


class Migration(migrations.Migration):

    dependencies = [
        ('agenda', '0007_only_for_who_takes_part'),
        ('exams', '0014_examiners_and_call_in'),
    ]

    operations = [migrations.RunPython(join_windows, migrations.RunPython.noop)]
