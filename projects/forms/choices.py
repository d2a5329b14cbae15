"""What staff choose from at the desk, called so that two of one name are told apart."""

from __future__ import annotations

from typing import Any

from django import forms

from amls.courses.models import Enrolment
from projects.models import Project, Topic
from projects.progress import label_of


class TeamField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """A team, called by its members too: several teams may have one topic."""

    def label_from_instance(self, obj: Project) -> str:
        """Say who it is."""
        return label_of(obj)


class TopicField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """A topic, named with the assignment that it belongs to."""

    def label_from_instance(self, obj: Topic) -> str:
        """Return what tells it from one with the same title in another course."""
        return f"{obj} · {obj.assignment} ({obj.course})"


class OfCourseField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """Something that other courses have with the same name, such as a mentor or an assignment."""

    def label_from_instance(self, obj: Any) -> str:
        """Return its name with its course's."""
        return f"{obj} ({obj.course})"


class PersonField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """A student, with the address that tells two of one name apart."""

    def label_from_instance(self, obj: Enrolment) -> str:
        """Say who it is, and in which course."""
        return f"{obj.user} <{obj.user.email}> · {obj.course.slug}"
