"""Addresses of projects."""

from collections.abc import Callable

from django.http import HttpResponseBase
from django.urls import path

from projects.views import (
    decisions,
    handin,
    handouts,
    ideas,
    invitations,
    mine,
    mypoints,
    points,
    receipts,
    tasks,
    topics,
    wishes,
)

app_name = "projects"

# What a student does with an assignment: the course's project, and any other.
_OF_ASSIGNMENT: tuple[tuple[str, Callable[..., HttpResponseBase], str], ...] = (
    ("", mine.mine, "mine"),
    ("invite/", mine.invite, "invite"),
    ("invitations/<int:pk>/revoke/", mine.revoke, "revoke"),
    ("switch/", mine.switch, "switch"),
    ("switch-back/", mine.switch_back, "switch_back"),
    ("leave/", mine.leave, "leave"),
    ("dissolve/", mine.dissolve, "dissolve"),
    ("extension/", mine.extension, "extension"),
    ("extension/<int:pk>/take-back/", mine.take_back, "extension_take_back"),
    ("pick/", mine.pick, "pick"),
    ("points/", mypoints.my_points, "my_points"),
    ("submit/", handin.submit, "submit"),
    ("submit/ticket/", handin.ticket, "ticket"),
)

# What the staff do with an assignment.
_STAFF = "<slug:slug>/staff/assignments/<int:pk>/"

urlpatterns = [
    path(f"{_STAFF}files/", handouts.handouts, name="handouts"),
    path("<slug:slug>/assignments/files/<int:pk>/<str:filename>", handouts.handout, name="handout"),
    path(f"{_STAFF}excused/", decisions.excuses, name="excuses"),
    path(f"{_STAFF}questions/", decisions.questions, name="questions"),
    path("<slug:slug>/staff/snippets/", decisions.snippets, name="snippets"),
    path(f"{_STAFF}points/", points.points, name="points"),
    path(f"{_STAFF}points/import/", points.points_import, name="points_import"),
    path(f"{_STAFF}tasks/", tasks.tasks, name="tasks"),
    path("receipts/<str:code>/", receipts.receipt, name="receipt"),
    path("receipts/<str:code>/receipt.pdf", receipts.receipt_pdf, name="receipt_pdf"),
    path("<slug:slug>/projects/", topics.topics, name="topics"),
    path("<slug:slug>/projects/topics.pdf", topics.topics_pdf, name="topics_pdf"),
    path("<slug:slug>/projects/topics/<int:pk>/", topics.topic, name="topic"),
    path("<slug:slug>/projects/register/", topics.register, name="register"),
    path("<slug:slug>/projects/seek/", topics.seek, name="seek"),
    path("<slug:slug>/projects/propose/", ideas.propose, name="propose"),
    path("<slug:slug>/assignments/<int:assignment>/propose/", ideas.propose, name="assignment_propose"),
    path("<slug:slug>/projects/propose/<int:pk>/take-back/", ideas.take_back, name="take_back"),
    path("<slug:slug>/projects/invitations/<int:pk>/", invitations.invitation, name="invitation"),
    path("<slug:slug>/assignments/", mine.assignments, name="assignments"),
    *(path(f"<slug:slug>/projects/mine/{rest}", view, name=name) for rest, view, name in _OF_ASSIGNMENT),
    *(
        path(f"<slug:slug>/assignments/<int:assignment>/{rest}", view, name=f"assignment_{name}")
        for rest, view, name in _OF_ASSIGNMENT
    ),
    path("<slug:slug>/wishes/", wishes.wishes, name="wishes"),
    path("<slug:slug>/wishes/<int:pk>/", wishes.wishes, name="wishes_for"),
    path("<slug:slug>/wishes/<int:pk>/team/", wishes.team, name="wishes_team"),
    path("<slug:slug>/wishes/<int:pk>/match/", wishes.match, name="wishes_match"),
    path("<slug:slug>/wishes/<int:pk>/allocation.json", wishes.allocation_file, name="allocation_file"),
    path("<slug:slug>/projects/files/<int:pk>/<str:filename>", handin.file, name="file"),
]
