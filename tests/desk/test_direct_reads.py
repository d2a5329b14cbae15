"""Views that read what was sent without a form: each is named with why it writes over nothing that its sender has not seen."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOPS = ("amls", "lectures", "projects", "exams")
# What of `request.POST` gives what somebody typed or chose; that a button was pressed is asked with `in`.
READS = {"get", "getlist", "items", "lists", "dict"}
READ_DIRECTLY = {
    "The page sends along what it showed, and the service or the view asks by it": {
        "amls.desk.deleting.refuse_to_delete_unseen", "amls.grading.views._change",
        "amls.portal.takeover.views.upstream.decide", "exams.views.cancelling.hold", "exams.views.extra._show",
        "exams.views.plan._seen", "exams.views.plan.move", "exams.views.rules._hold", "exams.views.rules._show",
        "projects.admin.assess.acts.assign", "projects.admin.wishes.change_team", "projects.views.handouts._remove",
        "projects.views.handouts._save", "projects.views.points._save", "projects.views.wishes._wanted",
        "projects.views.wishes.wishes",
    },
    "Beside a form, or a question under a seal, which judge what is written: a reason, or a choice that is shown again": {
        "amls.desk.admin.course._AskedState.of", "amls.desk.admin.course.CourseAdmin.changeform_view",
        "amls.desk.admin.course.CourseAdmin.save_model", "amls.desk.site.CourseScopedAdmin._ask",
        "amls.desk.site.CourseScopedAdmin.changeform_view", "amls.portal.takeover.views.bringing.change",
        "exams.views.tasks._tried", "exams.views.tasks.tasks", "projects.admin.extensions.ExtensionAdmin.add_view",
        "projects.admin.matching.match_people", "projects.admin.rules.AssignmentAdmin.add_series",
        "projects.views.tasks._tried", "projects.views.tasks.tasks",
    },
    "It adds rows, or a run of its own, and writes over none": {
        "lectures.admin.lecture.LectureAdmin.upload_files", "lectures.admin.uploading.keep_files",
        "lectures.admin.weekly.days_asked_for", "lectures.admin.weekly.repeat",
        "projects.admin.allocations.AllocationAdmin._change", "projects.admin.allocations.AllocationAdmin.new_run_view",
    },
    "It takes back, ends or decides the one act that it names, once: the service refuses what is not so any more": {
        "amls.desk.admin.roster.RosterEntryAdmin._decide", "amls.portal.imports.views.imports", "exams.views.plan.undo",
        "lectures.admin.lecture.LectureAdmin._take_back", "lectures.admin.weekly.take_back", "lectures.views.edit.undo",
        "lectures.views.edit.undo_files", "projects.admin.assess.acts._attempt_of", "projects.admin.assess.acts.revoke",
        "projects.views.decisions.excuses", "exams.views.series.undo_plan", "lectures.views.slot.undo_move",
    },
    "What somebody does with what is their own, or at the door, where the last word holds": {
        "amls.mail.views.push.add", "amls.portal.me.views.enrol", "exams.views.door.mark",
        "lectures.views.recording.watched", "projects.views.handin._hand_in", "projects.views.invitations._answer",
        "projects.views.mine.pick.act", "projects.views.mine.switch.act", "projects.views.topics.register",
        "projects.views.topics.seek",
    },
    "It writes nothing of a course: which list, which way back, what was sent twice, which language, who signs in": {
        "amls.core.unsent.csrf_failure", "amls.desk.chosen_course.listed_course", "amls.desk.kept_files.waiting_files",
        "amls.desk.odd_requests._refuse_odd_choice", "amls.desk.odd_requests.careful.answer",
        "amls.core.sent_twice.add_once", "amls.core.sent_twice.token_of", "amls.portal.legal.views.language",
        "amls.signin.openid.ending.back_channel", "amls.signin.saml.views.acs", "exams.views.staff.show_person",
        "lectures.views.edit._back", "projects.views.points._filter",
    },
}  # fmt: skip


def direct_reads() -> Iterator[str]:
    """Go through every function that reads a value of `request.POST`."""
    for top in TOPS:
        for path in sorted((ROOT / top).rglob("*.py")):
            if "migrations" in path.parts:
                continue
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            yield from (
                ".".join((name, *within)) for within in _reading(ast.parse(path.read_text(encoding="utf-8")), ())
            )


def _reading(node: ast.AST, within: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for child in ast.iter_child_nodes(node):
        named = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        yield from _reading(child, (*within, child.name) if named else within)  # type: ignore[attr-defined]
        taken = child.value if isinstance(child, ast.Subscript | ast.Attribute) else None
        is_read = isinstance(child, ast.Subscript) or (isinstance(child, ast.Attribute) and child.attr in READS)
        if is_read and isinstance(taken, ast.Attribute) and taken.attr == "POST":
            yield within


def test_every_view_that_reads_what_was_sent_without_a_form_says_why_it_may() -> None:
    named = [name for names in READ_DIRECTLY.values() for name in names]
    assert len(named) == len(set(named))
    assert set(direct_reads()) == set(named)


def test_what_reads_directly_is_found() -> None:
    said = "class A:\n    def b(self, r):\n        return r.POST.get('x'), 'y' in r.POST\ndef c(page):\n    page.request.POST['z']\ndef d(r):\n    'y' in r.POST"
    assert [*_reading(ast.parse(said), ())] == [("A", "b"), ("c",)]
