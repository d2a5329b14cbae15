"""What a page of a date that is cancelled shows in the place of what is done there."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from amls.courses.access import Access
from exams.models import Exam


def show_not_held(request: HttpRequest, access: Access, exam: Exam) -> HttpResponse:
    """Return, in the place of a page on which something is done in a date, that it is cancelled, and why."""
    context = {"access": access, "course": access.course, "tab": "exams", "exam": exam}
    return render(request, "exams/not_held.html", context)
