"""The agenda follows every change of a course."""

from amls.agenda.services import follow_course_change
from amls.courses.services import after_course_change

after_course_change(follow_course_change)
