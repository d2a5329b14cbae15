"""Files of assignments: announced, uploaded in versions, changed, removed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from amls.core.violations import RuleViolation
from amls.courses.models import User
from amls.courses.services import lock_course, touch
from amls.files.checks import check_upload, clean_filename
from amls.files.storing import keeping
from amls.files.versions import add_version
from amls.mail.materials import tell_of_material
from projects.addresses import address_of
from projects.models import Assignment, Handout, HandoutFile
from projects.models.handouts import handout_name
from projects.services.locks import save_checked

MOST_HANDOUTS = 50


def add_handout(
    *,
    assignment: Assignment,
    upload: UploadedFile[Any] | None,
    title: str = "",
    visible_from: datetime | None = None,
    by: User | None,
    now: datetime,
) -> Handout:
    """Put a file of an assignment online.

    Args:
        assignment: whose file it is.
        upload: None where it is announced only.
        title: as people call it; by default the name of the upload without its ending.
        visible_from: students see it from then; None: with the assignment.
        by: who does it.
        now: the request's clock.

    Raises:
        RuleViolation: the upload is not what its name says, there is neither title nor upload, or there are too many.
    """
    if not title.strip() and upload is not None:
        title = clean_filename(upload.name or "").rpartition(".")[0]
    with _changing(assignment, now=now):
        standing = Handout.objects.filter(assignment=assignment)
        if standing.count() >= MOST_HANDOUTS:
            raise RuleViolation(_("An assignment has at most %(most)d files.") % {"most": MOST_HANDOUTS}, "too-many")
        last = standing.aggregate(last=Max("position"))["last"]
        handout = Handout(
            assignment=assignment, title=title, visible_from=visible_from, position=0 if last is None else last + 1
        )
        save_checked(handout)
        if upload is not None:
            upload_handout(handout=handout, upload=upload, by=by, now=now)
    return handout


def change_handout(*, handout: Handout, title: str, visible_from: datetime | None, now: datetime) -> None:
    """Call a file otherwise, or show it from another time.

    Raises:
        RuleViolation: it has no title.
    """
    with _changing(handout.assignment, now=now):
        handout.title, handout.visible_from = title, visible_from
        save_checked(handout)


def upload_handout(*, handout: Handout, upload: UploadedFile[Any], by: User | None, now: datetime) -> HandoutFile:
    """Keep an upload as the newest version of a file, at the same address; older versions stay.

    The same content again changes nothing. Of the first version those hear who asked to hear of new files, once it
    is visible.

    Raises:
        RuleViolation: the upload is not what its name says.
    """
    checked = check_upload(upload, upload.name or "", size=upload.size or 0, max_bytes=settings.MAX_MATERIAL_BYTES)
    with keeping([(upload, checked)], handout_name) as (kept,), _changing(handout.assignment, now=now):
        row = Handout.objects.select_for_update(of=("self",)).select_related("current").get(pk=handout.pk)
        version, is_new = add_version(row.files, row.current, kept, by=by, now=now)
        if is_new:
            row.current = handout.current = version
            row.save(update_fields=["current"])
        if is_new and version.version == 1:
            _tell(handout, now=now)
    return version


def remove_handout(handout: Handout, *, now: datetime) -> None:
    """Remove a file with all its versions; what is stored goes once the removal is committed."""
    with _changing(handout.assignment, now=now):
        handout.delete()


def _tell(handout: Handout, *, now: datetime) -> None:
    assignment = handout.assignment
    times = [at for at in (handout.visible_from, assignment.visible_from) if at is not None]
    tell_of_material(
        course=assignment.course,
        key=f"handout:{handout.pk}",
        title=f"{assignment}: {handout}",
        path=address_of(assignment),
        now=now,
        visible_from=max(times, default=None),
    )


@contextmanager
def _changing(assignment: Assignment, *, now: datetime) -> Iterator[None]:
    """Hold the course's lock around a change of what its members see."""
    with transaction.atomic():
        course = lock_course(assignment.course_id)
        yield
        touch(course, now=now)
