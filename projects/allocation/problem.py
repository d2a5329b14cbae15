"""What an allocation is made from, and the rules that bind it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any


class SolverFailedError(Exception):
    """The solver came to no end: it says how."""


@dataclass(frozen=True, slots=True)
class Team:
    """A team that has no topic yet.

    Attributes:
        key: names it in the input and the result.
        size: how many people.
        wishes: the keys of topics, the best first, none twice.
    """

    key: int
    size: int
    wishes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class OfferedTopic:
    """A topic that teams may have wished for.

    Attributes:
        key: names it in wishes and the result.
        slots: how many teams may have it; 0 where it is not on offer any more.
        largest_team: how many people its teams may have.
        smallest: how many teams it takes for the topic to be held.
        must_be_held: whether it has to be held; else it may as well stay without any team.
        mentor: who looks after its teams, for the most that one looks after.
    """

    key: int
    slots: int
    largest_team: int
    smallest: int = 0
    must_be_held: bool = False
    mentor: int | None = None


@dataclass(frozen=True, order=True, slots=True)
class Demand:
    """One of the rules that an allocation keeps to, so that those which clash can be named.

    Attributes:
        kind: 'pin' (a team has a topic), 'block' (a team doesn't get a topic), 'size' (a team is too large for a
            topic), 'slots', 'smallest' (of a topic), 'most' (of a mentor).
        team, topic, mentor: whom it is about, as far as the kind has them.
    """

    kind: str
    team: int | None = None
    topic: int | None = None
    mentor: int | None = None


@dataclass(frozen=True)
class AllocationInput:
    """All that an allocation depends on.

    Attributes:
        teams, topics: each key once.
        most: how many teams a mentor looks after at most, for those who have a limit.
        pins: teams that the staff gave a topic, wished for or not.
        blocks: pairs of a team and a topic that the staff excluded.
        seed: by which teams are drawn where all else is equal.

    Raises:
        ValueError: a key is there twice, or one is named that isn't there.
    """

    teams: tuple[Team, ...]
    topics: tuple[OfferedTopic, ...]
    most: Mapping[int, int] = field(default_factory=dict)
    pins: Mapping[int, int] = field(default_factory=dict)
    blocks: frozenset[tuple[int, int]] = frozenset()
    seed: str = ""

    def __post_init__(self) -> None:
        """Refuse what contradicts itself before any rule is asked."""
        for what, keys in (
            ("team", [team.key for team in self.teams]),
            ("topic", [topic.key for topic in self.topics]),
        ):
            if len(set(keys)) < len(keys):
                raise ValueError(f"a {what} is there twice")
        teams, topics = self.team_by_key, self.topic_by_key
        for team in self.teams:
            if len(set(team.wishes)) < len(team.wishes):
                raise ValueError(f"team {team.key} wishes for a topic twice")
        pairs = [*self.pins.items(), *self.blocks]
        unknown_teams = {team for team, _ in pairs} - teams.keys()
        unknown_topics = (
            {topic for _, topic in pairs} | {topic for team in self.teams for topic in team.wishes}
        ) - topics.keys()
        if unknown_teams or unknown_topics:
            raise ValueError(f"no such teams: {sorted(unknown_teams)}, no such topics: {sorted(unknown_topics)}")

    @cached_property
    def team_by_key(self) -> dict[int, Team]:
        """The teams by their keys."""
        return {team.key: team for team in self.teams}

    @cached_property
    def topic_by_key(self) -> dict[int, OfferedTopic]:
        """The topics by their keys."""
        return {topic.key: topic for topic in self.topics}

    @cached_property
    def drawn(self) -> tuple[int, ...]:
        """The keys of the teams in the order in which the seed draws them: by SHA-256 of 'seed:key'."""
        return tuple(sorted(self.team_by_key, key=lambda key: (lot(self.seed, key), key)))

    @cached_property
    def rules(self) -> tuple[Demand, ...]:
        """All rules, each by itself."""
        pins = (Demand("pin", team=team, topic=topic) for team, topic in self.pins.items())
        against = (rule for pair in self._pairs() for rule in self.rules_against(*pair))
        return tuple(sorted([*pins, *against, *self._numbers()], key=repr))

    def rules_against(self, team: int, topic: int) -> list[Demand]:
        """Return the rules by which a team can't get a topic, whoever else gets it."""
        broken = []
        if (team, topic) in self.blocks:
            broken.append(Demand("block", team=team, topic=topic))
        if self.team_by_key[team].size > self.topic_by_key[topic].largest_team:
            broken.append(Demand("size", team=team, topic=topic))
        return broken

    def _pairs(self) -> set[tuple[int, int]]:
        return {*self.pins.items(), *((team.key, topic) for team in self.teams for topic in team.wishes)}

    def _numbers(self) -> Iterable[Demand]:
        for topic in self.topics:
            yield Demand("slots", topic=topic.key)
            if topic.smallest:
                yield Demand("smallest", topic=topic.key)
        for mentor in self.most:
            yield Demand("most", mentor=mentor)

    def rank_of(self, team: int, topic: int) -> int | None:
        """Return at which place a team wished for a topic, counted from 1; None where it didn't."""
        wishes = self.team_by_key[team].wishes
        return wishes.index(topic) + 1 if topic in wishes else None

    def mentored(self) -> dict[int, list[int]]:
        """Return the topics of each mentor who has a limit, by keys."""
        topics: dict[int, list[int]] = {mentor: [] for mentor in self.most}
        for topic in self.topics:
            if topic.mentor in topics:
                topics[topic.mentor].append(topic.key)
        return topics


def lot(seed: str, key: int) -> str:
    """Return what a team draws: the smaller, the earlier."""
    return hashlib.sha256(f"{seed}:{key}".encode()).hexdigest()


def teams_to_json(teams: Iterable[Team]) -> list[dict[str, Any]]:
    """Return teams as JSON has them, by their keys."""
    return [asdict(team) | {"wishes": list(team.wishes)} for team in sorted(teams, key=lambda team: team.key)]


def teams_from_json(rows: Iterable[Mapping[str, Any]]) -> tuple[Team, ...]:
    """Return what `teams_to_json` wrote.

    Raises:
        KeyError, TypeError: it is no such thing.
    """
    return tuple(Team(row["key"], row["size"], tuple(row["wishes"])) for row in rows)


def input_to_json(problem: AllocationInput) -> dict[str, Any]:
    """Return what an allocation is made from as JSON has it, in one order."""
    return {
        "teams": teams_to_json(problem.teams),
        "topics": [asdict(topic) for topic in sorted(problem.topics, key=lambda topic: topic.key)],
        "most": sorted([mentor, most] for mentor, most in problem.most.items()),
        "pins": sorted([team, topic] for team, topic in problem.pins.items()),
        "blocks": sorted([team, topic] for team, topic in problem.blocks),
        "seed": problem.seed,
    }


def input_from_json(data: Mapping[str, Any]) -> AllocationInput:
    """Return what `input_to_json` wrote.

    Raises:
        ValueError: it is no such thing.
    """
    try:
        return AllocationInput(
            teams=teams_from_json(data["teams"]),
            topics=tuple(OfferedTopic(**topic) for topic in data["topics"]),
            most=dict(data["most"]),
            pins=dict(data["pins"]),
            blocks=frozenset((team, topic) for team, topic in data["blocks"]),
            seed=data["seed"],
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no input of an allocation: {error!r}") from error


def to_bytes(data: Mapping[str, Any]) -> bytes:
    """Return JSON as the file has it: one line, keys sorted, UTF-8."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
