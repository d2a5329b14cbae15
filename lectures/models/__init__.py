"""Lectures, their materials with text and counts, and office hours."""

from lectures.models.days import Deadline, FreeDay
from lectures.models.materials import Material, MaterialFile, stored_name
from lectures.models.schedule import Lecture, OfficeHour, OfficeHourException, Part
from lectures.models.texts import Extraction, Passage, PassageVector, Problem, WordList
from lectures.models.usage import Chapter, LastDownload, MaterialCount, WatchPosition

__all__ = [
    "Chapter",
    "Deadline",
    "Extraction",
    "FreeDay",
    "LastDownload",
    "Lecture",
    "Material",
    "MaterialCount",
    "MaterialFile",
    "OfficeHour",
    "OfficeHourException",
    "Part",
    "Passage",
    "PassageVector",
    "Problem",
    "WatchPosition",
    "WordList",
    "stored_name",
]
