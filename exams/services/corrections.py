"""Published results that are corrected by hand: kept as they were, so that a correction is taken back where it was made."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext_lazy

from amls.courses.models import User
from amls.files.models import ImportedRow, TableImport
from amls.files.tables.imports import Imported, need_unchanged, record_import, takes_back, why_taken_back
from amls.grading.tasks import TaskSum
from exams.models import Exam, ExamTaskPoints, Registration, Result
from exams.services import pointfile
from exams.services.points import PointChange
from exams.services.tasks import ExamScoreChange, enter_task_points

BY_TASKS = "exams.tasks"


def keep_corrected(changes: Iterable[PointChange], *, exam: Exam, by: User | None, now: datetime) -> TableImport | None:
    """Keep how published results were before these changes; None where there are none: 3 queries."""
    published = [change for change in changes if change.registration.result.state == Result.State.PUBLISHED]
    rows = [pointfile.imported(change, line) for line, change in enumerate(published, 1)]
    return _record(rows, pointfile.KIND, exam, by=by, now=now)


def keep_corrected_tasks(
    changes: Iterable[ExamScoreChange], *, exam: Exam, by: User | None, now: datetime
) -> TableImport | None:
    """Keep how the tasks of published results were before these changes; None where there are none: 3 queries."""
    rows = [
        Imported(
            line, str(change.registration.enrolment.user), change.registration.pk,
            {**_by_task(change.before), pointfile.WHY: change.correction}, _by_task(change.after), change.registration.enrolment.user_id,
        )
        for line, change in enumerate((change for change in changes if change.is_published), 1)
    ]  # fmt: skip
    return _record(rows, BY_TASKS, exam, by=by, now=now)


def _record(rows: Iterable[Imported], kind: str, exam: Exam, *, by: User | None, now: datetime) -> TableImport | None:
    return record_import(course_id=exam.course_id, kind=kind, rows=rows, filename="", by=by, now=now, subject=str(exam))


def _by_task(score: TaskSum | None) -> dict[str, str]:
    tasks = score.tasks if score is not None else ()
    return _said({given.task.pk: given.points for given in tasks if given.task is not None})


def _said(points: Mapping[int, Decimal | None]) -> dict[str, str]:
    return {str(task): f"{value.normalize():f}" for task, value in points.items() if value is not None}


@takes_back(BY_TASKS, gettext_lazy("Points for tasks"))
def take_back(row: ImportedRow, by: User, now: datetime) -> None:
    """Give a person the points for tasks that they had before a correction.

    Raises:
        RuleViolation: they were changed since, or the exam is frozen.
    """
    registration = Registration.objects.filter(pk=row.object_id).first()
    given = ExamTaskPoints.objects.filter(registration=row.object_id).values_list("task", "points")
    need_unchanged(row, _said(dict(given)) if registration is not None else None)
    assert registration is not None  # noqa: S101 - looked at above
    before = {name: points for name, points in (row.before or {}).items() if name != pointfile.WHY}
    points = {int(task): Decimal(before[task]) if task in before else None for task in {**before, **row.after}}
    enter_task_points(
        exam_pk=registration.exam_id, points={registration.pk: points}, by=by, reason=why_taken_back(row), now=now
    )  # fmt: skip
    pointfile.forget_untold(row, now=now)
