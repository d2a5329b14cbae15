"""What in exams follows every change of a course, whoever makes it."""

from amls.courses.services import after_course_change
from exams.services.calendars import follow_course

after_course_change(follow_course)
