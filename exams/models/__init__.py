"""Exams: dates, registrations, seats, the door, results."""

from exams.models.door import CheckInMark, HelperLink
from exams.models.exam import Exam, ExamRules
from exams.models.registration import (
    ACTIVE_STATES,
    HOLDING_STATES,
    Accommodation,
    AdmissionDecision,
    Registration,
    UniversityEntry,
)
from exams.models.results import FAILED, GRADES, GradeStep, Result, ResultChange
from exams.models.seating import Room, Seat, Spacing
from exams.models.tasks import ExamTask, ExamTaskPoints

__all__ = [
    "ACTIVE_STATES",
    "FAILED",
    "GRADES",
    "HOLDING_STATES",
    "Accommodation",
    "AdmissionDecision",
    "CheckInMark",
    "Exam",
    "ExamRules",
    "ExamTask",
    "ExamTaskPoints",
    "GradeStep",
    "HelperLink",
    "Registration",
    "Result",
    "ResultChange",
    "Room",
    "Seat",
    "Spacing",
    "UniversityEntry",
]
