"""Which topics a reader wants to see: words, several tracks and skills at a time, and only those with a slot left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.http import QueryDict

from amls.core.folding import is_found, searchable
from amls.core.markdown import first_sentence
from projects.models import Topic


@dataclass(frozen=True, slots=True)
class FilterChoice:
    """A track or a skill to filter by.

    Attributes:
        label: the value in words.
        count: how many topics would be seen with it, as the other filters stand.
    """

    value: str
    label: str
    count: int
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class WantedTopics:
    """What a reader asked for: within one kind any of the choices, all kinds together; the page's script does the same.

    Attributes:
        words: each of which is to stand in what a card shows.
    """

    words: str
    tracks: tuple[str, ...]
    skills: tuple[str, ...]
    only_free: bool

    @classmethod
    def asked_by(cls, query: QueryDict) -> WantedTopics:
        """Return what the address says: `?q=…&track=…&track=…&skill=…&free`."""
        return cls(
            query.get("q", "").strip()[:200],
            tuple(filter(None, query.getlist("track"))),
            tuple(filter(None, query.getlist("skill"))),
            "free" in query,
        )

    @property
    def is_set(self) -> bool:
        """Whether anything is asked for."""
        return bool(self.words or self.tracks or self.skills or self.only_free)

    def fits(self, topic: Topic, *, but: str = "") -> bool:
        """Return whether a topic is to be seen; `but` names a kind of filter that is left out, 'track' or 'skill'."""
        return (
            (but == "track" or not self.tracks or topic.track in self.tracks)
            and (but == "skill" or not self.skills or not set(self.skills).isdisjoint(topic.skills))
            and (not self.only_free or topic.is_available)
            and (not self.words or is_found(self.words, searchable(said_on_card(topic))))
        )

    def track_choices(self, topics: Sequence[Topic]) -> list[FilterChoice]:
        """Return the tracks in the order of the topics."""
        there = [topic.track for topic in topics if self.fits(topic, but="track")]
        return _choices({topic.track: topic.said_track for topic in topics}, there, self.tracks)

    def skill_choices(self, topics: Sequence[Topic]) -> list[FilterChoice]:
        """Return the skills by name."""
        there = [skill for topic in topics if self.fits(topic, but="skill") for skill in topic.skills]
        skills = sorted({skill for topic in topics for skill in topic.skills}, key=str.casefold)
        return _choices({skill: skill for skill in skills}, there, self.skills)


def said_on_card(topic: Topic) -> str:
    """Return what a topic's card says in words."""
    mentor = topic.mentor.name if topic.mentor is not None else ""
    return " ".join([topic.title, first_sentence(topic.description), mentor, *topic.skills])


def _choices(values: Mapping[str, str], there: Sequence[str], chosen: Sequence[str]) -> list[FilterChoice]:
    return [FilterChoice(value, label, there.count(value), value in chosen) for value, label in values.items()]
