"""Why a team got what it got, in words: on its page, in its mail, and on the staff's preview."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from projects.allocation.problem import AllocationInput


def say_reason(reason: Mapping[str, Any]) -> str:
    """Return why a team did not get one of its wishes.

    Args:
        reason: as `projects.allocation.reasons.Reason` has it.
    """
    return " ".join(part for part in (_say_holders(reason), _say_why(reason)) if part)


def _say_holders(reason: Mapping[str, Any]) -> str:
    if not reason["teams"] or reason["why"] in {"block", "size", "closed", "not-held"}:
        return ""
    if reason["teams"] == reason["as_high"]:
        return ngettext(
            "Its slot went to a team with the same wish, ranked as high as yours or higher.",
            "All its %(teams)d slots went to teams with the same wish, ranked as high as yours or higher.",
            reason["teams"],
        ) % {"teams": reason["teams"]}
    return ngettext(
        "%(teams)d team has it, of which %(as_high)d had ranked it as high as you or higher.",
        "%(teams)d teams have it, of which %(as_high)d had ranked it as high as you or higher.",
        reason["teams"],
    ) % {"teams": reason["teams"], "as_high": reason["as_high"]}


def _say_why(reason: Mapping[str, Any]) -> str:
    by = reason["by"]
    words = {
        "block": _("The staff excluded it for your team."),
        "size": _("Your team is larger than it takes."),
        "closed": _("It was taken off the offer, or has no slot left."),
        "not-held": _("It is not held: too few teams would have come together for it."),
        "rules": _("The staff's rules for topics and mentors left no way to give it to you."),
        "fewer": ngettext(
            "Had you got it, %(by)d more team would be without a topic.",
            "Had you got it, %(by)d more teams would be without a topic.",
            by,
        ),
        "worse": _("Had you got it, a team would have had to take its wish number %(by)d, worse than anyone has now."),
        "sum": ngettext(
            "Had you got it, others would have lost more by that than you won: %(by)d place in all.",
            "Had you got it, others would have lost more by that than you won: %(by)d places in all.",
            by,
        ),
        "drawn": _("It would have been as good for all teams together: the published seed drew another one."),
    }
    return words[reason["why"]] % {"by": by}


def say_clash(
    rule: Mapping[str, Any],
    problem: AllocationInput,
    *,
    teams: Mapping[int, str],
    topics: Mapping[int, str],
    mentors: Mapping[int, str],
) -> str:
    """Return one of the rules that clash, or that are not kept, with its number.

    Args:
        rule: as `projects.allocation.problem.Demand` has it.
        problem: whose rule it is.
        teams: their names, by keys.
        topics: their titles, by keys.
        mentors: their names, by keys.
    """
    topic = problem.topic_by_key.get(rule["topic"])
    slots, smallest = (topic.slots, topic.smallest) if topic is not None else (0, 0)
    most = problem.most.get(rule["mentor"], 0)
    words = {
        "pin": _("%(team)s gets %(topic)s."),
        "block": _("%(team)s doesn't get %(topic)s."),
        "size": _("%(team)s is larger than %(topic)s takes."),
        "slots": ngettext("%(topic)s has %(slots)d slot.", "%(topic)s has %(slots)d slots.", slots),
        "smallest": ngettext(
            "%(topic)s has to be held, by at least %(smallest)d team.",
            "%(topic)s has to be held, by at least %(smallest)d teams.",
            smallest,
        )
        if topic is not None and topic.must_be_held
        else ngettext(
            "%(topic)s is held by at least %(smallest)d team, or by none.",
            "%(topic)s is held by at least %(smallest)d teams, or by none.",
            smallest,
        ),
        "most": ngettext(
            "%(mentor)s looks after at most %(most)d team.", "%(mentor)s looks after at most %(most)d teams.", most
        ),
    }
    return words[rule["kind"]] % {
        "team": teams.get(rule["team"], ""),
        "topic": topics.get(rule["topic"], ""),
        "mentor": mentors.get(rule["mentor"], ""),
        "slots": slots,
        "smallest": smallest,
        "most": most,
    }
