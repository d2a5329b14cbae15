"""Teams with something handed in, for tests of the desk."""

import io
import uuid
import zipfile
from datetime import datetime, timedelta
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from amls.courses.models import Enrolment
from projects.models import Project, Submission
from projects.services.handin import hand_in
from projects.services.registration import register_project
from tests.factories import TopicFactory
from tests.projects.conftest import NOW, World


def packed(name: str = "project.zip", content: bytes = b"print('hello')") -> SimpleUploadedFile:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        # Of a fixed time: the same content is the same file whenever it is packed.
        archive.writestr(zipfile.ZipInfo("main.py"), content)
    return SimpleUploadedFile(name, buffer.getvalue())


def handed_in(project: Project, by: Enrolment, began: datetime = NOW, **values: Any) -> Submission:
    values = {"uploads": [packed()], "request_key": uuid.uuid4(), **values}
    return hand_in(project=project, by=by, began_at=began, now=began + timedelta(seconds=5), **values)


def make_teams(world: World, count: int, **topic: Any) -> list[Project]:
    """Register teams of one on a topic of their own size, each with two attempts."""
    offered = TopicFactory.create(course=world.course, slots=count, team_max=3, **topic)
    teams = []
    for _each in range(count):
        person = world.another()
        project = register_project(enrolment=person, topic=offered, now=NOW)
        handed_in(project, person)
        handed_in(project, person, NOW + timedelta(days=1))
        teams.append(project)
    return teams


def assess_url(project: Project) -> str:
    return reverse("admin:projects_project_assess", args=[project.pk])


def list_url(query: str = "") -> str:
    return f"{reverse('admin:projects_project_changelist')}?{query}"
