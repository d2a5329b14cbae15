"""The demo has teams at every stage, and stays as it is when it is made again."""

from datetime import timedelta

import pytest
from django.utils import timezone

from amls.courses.models import Course
from amls.mail.models import Notice
from amls.portal.demo.services import make_demo
from projects.models import ExtensionRequest, Project, Submission, Topic
from projects.progress import desk_views, state_of
from projects.queries import with_team
from tests.demo import restore_demo
from tests.snapshots import Snapshots

pytestmark = pytest.mark.django_db


def test_both_courses_have_something_at_every_stage(snapshots: Snapshots) -> None:
    restore_demo(snapshots, with_coursework=False)
    states = {}
    for slug in ("amls", "amls-ss2024"):
        views = desk_views(with_team(Project.objects.filter(topic__course__slug=slug)))
        states[slug] = sorted(state_of(view).value for view in views.values())
    assert states == {
        "amls": ["assessed", "published", "registered", "registered", "submitted"],
        "amls-ss2024": ["published", "published", "published", "registered"],
    }
    assert (ExtensionRequest.objects.get().state, Topic.objects.get(proposal="open").title) == (
        "open", "Energy of matrix multiplications",
    )  # fmt: skip
    archived = Course.objects.get(slug="amls-ss2024")
    assert archived.state == "archived"
    assert not Notice.objects.filter(course=archived).exists()
    before = Submission.objects.count()
    make_demo(now=timezone.now() + timedelta(days=1), with_coursework=False)
    assert (Submission.objects.count(), Project.objects.count()) == (before, 9)
