"""Topics, teams, what they hand in, and what the staff decide."""

import pghistory

from projects.models.allocations import Allocation
from projects.models.assessment import (
    Assessment,
    AssessmentDraft,
    EarlierPass,
    MemberAssessment,
    Outcome,
)
from projects.models.assignments import Assignment
from projects.models.extensions import Extension, ExtensionRequest
from projects.models.handouts import Handout, HandoutFile
from projects.models.points import Excuse, Task, TaskPoints
from projects.models.questions import CommentSnippet, PointsQuestion
from projects.models.rules import HAND_IN_SUFFIXES
from projects.models.submissions import Submission, SubmissionFile
from projects.models.teams import Invitation, Membership, Project, SeekingNote, StaffNote, TopicSwitch
from projects.models.topics import Topic
from projects.models.wishes import (
    MatchRequest,
    MentorLimit,
    TeamMatching,
    TopicPlacement,
    Wish,
    WishChange,
    WishList,
)

__all__ = [
    "HAND_IN_SUFFIXES",
    "Allocation",
    "Assessment",
    "AssessmentDraft",
    "Assignment",
    "CommentSnippet",
    "EarlierPass",
    "Excuse",
    "Extension",
    "ExtensionRequest",
    "Handout",
    "HandoutFile",
    "Invitation",
    "MatchRequest",
    "MemberAssessment",
    "Membership",
    "MentorLimit",
    "Outcome",
    "PointsQuestion",
    "Project",
    "SeekingNote",
    "StaffNote",
    "Submission",
    "SubmissionFile",
    "Task",
    "TaskPoints",
    "TeamMatching",
    "Topic",
    "TopicPlacement",
    "TopicSwitch",
    "Wish",
    "WishChange",
    "WishList",
]

for _model in (
    Assignment,
    Project,
    Membership,
    Invitation,
    Submission,
    SubmissionFile,
    ExtensionRequest,
    Extension,
    MemberAssessment,
    EarlierPass,
    StaffNote,
    Task,
    TaskPoints,
    Excuse,
    Handout,
    HandoutFile,
    PointsQuestion,
    CommentSnippet,
    WishList,
    Wish,
    TopicPlacement,
    MentorLimit,
):
    pghistory.track()(_model)
# To whom a reason was said follows from the points, whose history is kept.
pghistory.track(exclude=["corrections"])(Assessment)
# The counter follows from the projects, whose history is kept.
pghistory.track(exclude=["taken"])(Topic)
# Its input and result never change, and are large; leases are of no interest to anyone afterwards.
pghistory.track(exclude=["inputs", "result", "clash", "reasons", "leased_until", "attempts"])(Allocation)
