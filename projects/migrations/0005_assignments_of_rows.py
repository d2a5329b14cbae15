"""Everything that a course had of projects belongs to its first assignment."""

from django.db import migrations
from django.db.models import Q

# A row of the history may speak of what is no longer there: it belongs to nothing.
OF_COURSE = "(SELECT id FROM projects_assignment WHERE course_id = row.course_id)"
OF_TOPIC = "(SELECT assignment_id FROM projects_topic WHERE id = row.topic_id)"
OF_PROJECT = "(SELECT assignment_id FROM projects_project WHERE id = row.project_id)"
OF_PERSON = (
    "(SELECT assignment.id FROM projects_assignment assignment JOIN courses_enrolment enrolment "
    "ON assignment.course_id = enrolment.course_id WHERE enrolment.id = row.enrolment_id)"
)
ROWS = {
    "topic": OF_COURSE,
    "topicevent": OF_COURSE,
    "project": OF_TOPIC,
    "projectevent": OF_TOPIC,
    "membership": OF_PROJECT,
    "membershipevent": OF_PROJECT,
    "extension": OF_COURSE,
    "extensionevent": OF_COURSE,
    "seekingnote": OF_PERSON,
}


def name_assignments(apps, schema_editor):
    """Call what there is 'Project', and make one for a course that has topics or notes but no rules."""
    assignment = apps.get_model("projects", "Assignment")
    for history in (assignment, apps.get_model("projects", "AssignmentEvent")):
        history.objects.update(title="Project", is_main=True)
        history.objects.filter(course__language="de").update(title="Projekt")
    course = apps.get_model("courses", "Course")
    topics = apps.get_model("projects", "Topic").objects.values("course")
    extensions = apps.get_model("projects", "Extension").objects.values("course")
    notes = apps.get_model("projects", "SeekingNote").objects.values("enrolment__course")
    needed = Q(pk__in=topics) | Q(pk__in=extensions) | Q(pk__in=notes)
    for one in course.objects.filter(needed).exclude(pk__in=assignment.objects.values("course")).order_by("pk"):
        assignment.objects.create(course=one, is_main=True, title="Projekt" if one.language == "de" else "Project")


class Migration(migrations.Migration):
    dependencies = [("projects", "0004_assignments")]
    # The last release, which goes on beside it, sees nothing between.
    with_the_one_before = True

    operations = [
        migrations.RunPython(name_assignments, migrations.RunPython.noop),
        *(
            migrations.RunSQL(
                f"UPDATE projects_{name} row SET assignment_id = "
                + (f"COALESCE({source}, 0)" if name.endswith("event") else source),
                migrations.RunSQL.noop,
            )
            for name, source in ROWS.items()
        ),
    ]
