"""Triggers that note whose pages a write may change: see `amls.courses.models.Invalidation`."""

from django.db import migrations

# How a changed row `r` leads to its course.
_OF_ASSIGNMENT = "JOIN projects_assignment a ON a.id = r.assignment_id"
_OF_PROJECT = "JOIN projects_project p ON p.id = r.project_id JOIN projects_assignment a ON a.id = p.assignment_id"
_OF_ASSESSMENT = (
    "JOIN projects_assessment s ON s.id = r.assessment_id JOIN projects_project p ON p.id = s.project_id"
    " JOIN projects_assignment a ON a.id = p.assignment_id"
)
_OF_MATERIAL = "JOIN lectures_material m ON m.id = r.material_id JOIN lectures_lecture l ON l.id = m.lecture_id"
_OF_ENROLMENT = "JOIN courses_enrolment e ON e.id = r.enrolment_id"
_OF_REGISTRATION = "JOIN exams_registration g ON g.id = r.registration_id"
_OF_EXAM = "JOIN exams_exam x ON x.id = r.exam_id"
_MEMBERS = (
    "JOIN projects_membership m ON m.project_id = {project} JOIN courses_enrolment e ON e.id = m.enrolment_id"
)

# What everybody of the course may see: the table, its course, how it is found.
_COURSE = {
    **dict.fromkeys(
        (
            "courses_weeklyslot", "courses_staffmember", "courses_rosterentry", "grading_roll", "mail_mailsettings",
            "mail_reminderrule", "mail_announcement", "mail_itemchange", "lectures_freeday", "lectures_deadline",
            "lectures_part", "lectures_lecture", "lectures_officehour", "lectures_passage", "projects_assignment",
            "projects_topic", "projects_extension", "exams_examrules", "exams_exam", "exams_registration",
            "exams_admissiondecision",
        ),
        ("r.course_id", ""),
    ),
    "courses_course": ("r.id", ""),
    "grading_rollentry": ("o.course_id", "JOIN grading_roll o ON o.id = r.roll_id"),
    "lectures_officehourexception": ("o.course_id", "JOIN lectures_officehour o ON o.id = r.office_hour_id"),
    "lectures_material": ("l.course_id", "JOIN lectures_lecture l ON l.id = r.lecture_id"),
    "lectures_chapter": ("l.course_id", "JOIN lectures_lecture l ON l.id = r.lecture_id"),
    "lectures_materialfile": ("l.course_id", _OF_MATERIAL),
    "lectures_extraction": (
        "l.course_id",
        "JOIN lectures_materialfile f ON f.id = r.file_id JOIN lectures_material m ON m.id = f.material_id"
        " JOIN lectures_lecture l ON l.id = m.lecture_id",
    ),
    **dict.fromkeys(
        (
            "projects_allocation", "projects_handout", "projects_task", "projects_excuse", "projects_mentorlimit",
            "projects_matchrequest", "projects_teammatching", "projects_seekingnote", "projects_membership",
            "projects_project",
        ),
        ("a.course_id", _OF_ASSIGNMENT),
    ),
    "projects_handoutfile": (
        "a.course_id",
        "JOIN projects_handout h ON h.id = r.handout_id JOIN projects_assignment a ON a.id = h.assignment_id",
    ),
    **dict.fromkeys(
        (
            "projects_topicswitch", "projects_invitation", "projects_assessment", "projects_extensionrequest",
            "projects_wishlist", "projects_topicplacement", "projects_wishchange",
        ),
        ("a.course_id", _OF_PROJECT),
    ),
    **dict.fromkeys(
        ("projects_memberassessment", "projects_taskpoints", "projects_pointsquestion"),
        ("a.course_id", _OF_ASSESSMENT),
    ),
    "projects_wish": (
        "a.course_id",
        "JOIN projects_wishlist w ON w.id = r.wish_list_id JOIN projects_project p ON p.id = w.project_id"
        " JOIN projects_assignment a ON a.id = p.assignment_id",
    ),
    **dict.fromkeys(("exams_room", "exams_gradestep", "exams_examtask", "exams_universityentry"), ("x.course_id", _OF_EXAM)),
    **dict.fromkeys(
        ("exams_result", "exams_resultchange", "exams_checkinmark", "exams_examtaskpoints"),
        ("g.course_id", _OF_REGISTRATION),
    ),
    "exams_seat": ("x.course_id", "JOIN exams_room o ON o.id = r.room_id JOIN exams_exam x ON x.id = o.exam_id"),
}  # fmt: skip
# What only some people see: the table, the course (0 for any), the person, how they are found.
_PEOPLE = {
    "courses_enrolment": ("r.course_id", "r.user_id", ""),
    "agenda_feedtoken": ("e.course_id", "e.user_id", _OF_ENROLMENT),
    "projects_earlierpass": ("e.course_id", "e.user_id", _OF_ENROLMENT),
    "exams_accommodation": ("e.course_id", "e.user_id", _OF_ENROLMENT),
    # Dates of everybody have no enrolment.
    "agenda_agendaitem": (
        "r.course_id", "coalesce(e.user_id, 0)", "LEFT JOIN courses_enrolment e ON e.id = r.enrolment_id",
    ),
    "mail_preference": ("coalesce(r.course_id, 0)", "r.user_id", ""),
    "lectures_watchposition": ("l.course_id", "r.user_id", _OF_MATERIAL),
    "lectures_lastdownload": ("l.course_id", "r.user_id", _OF_MATERIAL),
    "projects_submission": ("e.course_id", "e.user_id", _MEMBERS.format(project="r.project_id")),
    "projects_submissionfile": (
        "e.course_id", "e.user_id",
        "JOIN projects_submission s ON s.id = r.submission_id " + _MEMBERS.format(project="s.project_id"),
    ),
    "files_keptupload": ("0", "r.owner_id", ""),
    "account_emailaddress": ("0", "r.user_id", ""),
    "exports_export": ("coalesce(r.course_id, 0)", "coalesce(r.requested_by_id, 0)", ""),
}  # fmt: skip

_FUNCTION = """
CREATE FUNCTION invalidate_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    INSERT INTO courses_invalidation (course_id, user_id)
    SELECT DISTINCT {course}, {person} FROM (SELECT * FROM before UNION ALL SELECT * FROM changed) r {joins};
  ELSE
    INSERT INTO courses_invalidation (course_id, user_id) SELECT DISTINCT {course}, {person} FROM changed r {joins};
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER invalidate_insert AFTER INSERT ON {table} REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION invalidate_{table}();
CREATE TRIGGER invalidate_delete AFTER DELETE ON {table} REFERENCING OLD TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION invalidate_{table}();
CREATE TRIGGER invalidate_update AFTER UPDATE ON {table} REFERENCING OLD TABLE AS before NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION invalidate_{table}();
"""
# An account shows its name to others; when it signed in last is shown to nobody.
_ACCOUNTS = """
CREATE FUNCTION invalidate_courses_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO courses_invalidation (course_id, user_id)
  SELECT DISTINCT 0, CASE WHEN (r.display_name, r.email, r.is_active) IS DISTINCT FROM (b.display_name, b.email, b.is_active)
    THEN 0 ELSE r.id END
  FROM changed r JOIN before b ON b.id = r.id
  WHERE to_jsonb(r) - 'last_login' - 'password' IS DISTINCT FROM to_jsonb(b) - 'last_login' - 'password';
  RETURN NULL;
END $$;
CREATE TRIGGER invalidate_update AFTER UPDATE ON courses_user REFERENCING OLD TABLE AS before NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION invalidate_courses_user();
"""


def _sql() -> str:
    rules = {table: (course, "0", joins) for table, (course, joins) in _COURSE.items()} | _PEOPLE
    return _ACCOUNTS + "".join(
        _FUNCTION.format(table=table, course=course, person=person, joins=joins)
        for table, (course, person, joins) in rules.items()
    )


def _back() -> str:
    tables = ["courses_user", *_COURSE, *_PEOPLE]
    return "".join(f"DROP FUNCTION invalidate_{table}() CASCADE;" for table in tables)


class Migration(migrations.Migration):
    """Sets the triggers of all tables that pages show."""

    dependencies = [
        ("portal", "0003_upstream"),
        ("courses", "0006_invalidations"),
        ("account", "0001_initial"),
        ("agenda", "0003_days_without_a_time"),
        ("exams", "0004_tasks_of_exams"),
        ("exports", "0002_file_is_a_file_field"),
        ("files", "0002_missing_files"),
        ("grading", "0002_notes_on_people"),
        ("lectures", "0003_missing_files"),
        ("mail", "0002_only_what_is_reminded_of"),
        ("projects", "0011_matched_teams"),
    ]

    operations = [migrations.RunSQL(_sql(), _back())]
