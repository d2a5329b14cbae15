"""What is read of wishes: by the pages, the agenda and the reminders."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count
from django.utils.translation import gettext as _

from amls.courses.models import Enrolment
from projects.allocation.problem import input_from_json
from projects.allocation_words import say_reason
from projects.models import Allocation, Assignment, Membership, Project, Topic, Wish, WishList


@dataclass(frozen=True, slots=True)
class RankedTopics:
    """A team's list, and what else there is to choose from.

    Attributes:
        row: None where the team has none yet.
        ranked: the topics in their order.
        others: on offer, and not on the list.
        fewest: so many make the list count.
    """

    row: WishList | None
    ranked: list[Topic]
    others: list[Topic]
    fewest: int

    @property
    def version(self) -> int:
        """By which a change says what it changes."""
        return 0 if self.row is None else self.row.version

    @property
    def missing(self) -> int:
        """How many more wishes it takes for the list to count."""
        return max(0, self.fewest - len(self.ranked))


def fewest_wishes(assignment: Assignment) -> int:
    """Return how many wishes make a list count: never more than there are topics on offer; 1 query."""
    return min(assignment.wishes_min, Topic.objects.rankable_by(None, assignment).count())


def ranked_topics(project: Project, by: Enrolment | None) -> RankedTopics:
    """Return a team's list as one of its members sees it, or the staff: 4 queries."""
    row = WishList.objects.filter(project=project).select_related("ranked_by__user").first()
    wishes = (
        Wish.objects.filter(wish_list=row).select_related("topic__mentor") if row is not None else Wish.objects.none()
    )
    ranked = [wish.topic for wish in wishes.order_by("rank")]
    there = {topic.pk for topic in ranked}
    rankable = Topic.objects.rankable_by(by, project.assignment).select_related("mentor").order_by("position", "pk")
    others = [topic for topic in rankable if topic.pk not in there]
    return RankedTopics(row, ranked, others, fewest_wishes(project.assignment))


def who_has_ranked(assignment: Assignment, enrolments: Iterable[Enrolment]) -> set[int]:
    """Return the keys of those whose team has a list that counts, or a topic: 2 queries."""
    complete = Project.objects.annotate(wishes=Count("wish_list__wishes")).filter(wishes__gte=fewest_wishes(assignment))
    settled = Project.objects.active().filter(assignment=assignment, topic__isnull=False)
    teams = Membership.objects.active().filter(assignment=assignment, enrolment__in=list(enrolments))
    ranked = teams.filter(project__in=complete.filter(assignment=assignment, wish_list__isnull=False).values("pk"))
    return {*ranked.values_list("enrolment", flat=True)} | {
        *teams.filter(project__in=settled).values_list("enrolment", flat=True)
    }


@dataclass(frozen=True, slots=True)
class ToldTeam:
    """What a team is told of an allocation.

    Attributes:
        rank: which wish it got, in words; empty where it got none or one that it had not wished for.
        lines: why it did not get each wish that it liked better, in words.
        is_by_hand: whether the staff changed it by hand.
    """

    rank: str
    lines: list[str]
    is_by_hand: bool


def told_team(allocation: Allocation, project: Project) -> ToldTeam:
    """Return what a team is told of a published allocation: 1 query."""
    problem = input_from_json(allocation.inputs)
    if project.pk not in problem.team_by_key:
        # It was formed since.
        return ToldTeam("", [], is_by_hand=False)
    topic = allocation.given().get(project.pk)
    rank = None if topic is None else problem.rank_of(project.pk, topic)
    is_by_hand = project.pk in dict(allocation.changes) or project.pk in problem.pins
    reasons = dict(allocation.reasons).get(project.pk, [])
    titles = dict(Topic.objects.filter(pk__in=[reason["topic"] for reason in reasons]).values_list("pk", "title"))
    lines = [
        f"{reason['rank']}. {titles.get(reason['topic'], '–')}: {say_reason(reason)}"
        for reason in reasons
        if (rank is None or reason["rank"] < rank) and not is_by_hand
    ]
    if is_by_hand:
        lines = [_("The staff decided it by hand.")]
    elif not problem.team_by_key[project.pk].wishes:
        lines = [_("Your team had not ranked enough topics in time.")]
    return ToldTeam(_("It was your wish number %(rank)d.") % {"rank": rank} if rank else "", lines, is_by_hand)
