"""What speaks against each other about who has which matriculation number: shown to the staff, who mend it."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from amls.courses.matching import Participants
from amls.courses.models import Course, Enrolment, RosterEntry
from amls.courses.numbers import looks_like_a_number, plain_number


@dataclass(frozen=True, slots=True)
class Contradiction:
    """One person of a course, and what speaks against their number, in words."""

    enrolment: Enrolment
    text: str


def contradictions_of(courses: Sequence[Course]) -> list[Contradiction]:
    """Return what speaks against whose number in these courses: 3 queries, however many.

    That nobody has verified a number is no contradiction. What another course has verified is told to both, since
    each looks from its own side.
    """
    contradictions: list[Contradiction] = []
    for people in Participants.of_each(courses):
        for look in (_against_the_roster, _of_two_bearers, _of_other_courses, _of_odd_form):
            contradictions.extend(look(people))
    return sorted(contradictions, key=lambda contradiction: contradiction.enrolment.pk)


def _against_the_roster(people: Participants) -> Iterator[Contradiction]:
    for entry in people.entries:
        bearer, plain = people.people.get(entry.enrolment_id or 0), plain_number(entry.matriculation_number)
        if bearer is None or not plain or plain_number(bearer.verified_number) == plain:
            continue
        others = [other for other in people.verified.get(plain, ()) if other != bearer]
        if others:
            text = _("The roster says %(number)s, which is verified for %(other)s.")
        elif bearer.verified_number:
            text = _("The roster says %(number)s, the staff have checked %(own)s.")
        else:
            continue
        values = {"number": entry.matriculation_number, "own": bearer.verified_number, "other": _names(others)}
        yield Contradiction(bearer, text % values)


def _of_two_bearers(people: Participants) -> Iterator[Contradiction]:
    roster: dict[str, list[RosterEntry]] = defaultdict(list)
    for entry in people.entries:
        roster[plain_number(entry.matriculation_number)].append(entry)
    for plain, bearers in people.typed.items():
        for bearer in bearers:
            number, rivals = bearer.number, [other for other in bearers if other != bearer]
            owners = [
                entry for entry in roster.get(plain, ()) if entry.enrolment_id != bearer.pk and not entry.claimed_by_id
            ]
            if verified := people.verified.get(plain):
                text = _("They typed %(number)s, which is verified for %(others)s.")
                yield Contradiction(bearer, text % {"number": number, "others": _names(verified)})
            elif rivals:
                text = _("They typed %(number)s, and so did %(others)s.")
                yield Contradiction(bearer, text % {"number": number, "others": _names(rivals)})
            elif owners:
                text = _("They typed %(number)s, which is that of %(others)s on the roster.")
                others = get_text_list([f"{entry} <{entry.email}>" for entry in owners], _("and"))
                yield Contradiction(bearer, text % {"number": number, "others": others})


def _of_other_courses(people: Participants) -> Iterator[Contradiction]:
    by_number, by_user = defaultdict(set), defaultdict(set)
    for user, plain in people.elsewhere:
        by_number[plain].add(user)
        by_user[user].add(plain)
    for person in people.people.values():
        plain, own = plain_number(person.number), by_user.get(person.user_id, set())
        if plain and by_number.get(plain, set()) - {person.user_id}:
            yield Contradiction(
                person, _("Another course has verified %(number)s for somebody else.") % {"number": person.number}
            )
        elif plain and own and plain not in own:
            yield Contradiction(
                person,
                _("They have %(number)s here, but another course has verified %(other)s.")
                % {"number": person.number, "other": min(own)},
            )


def _of_odd_form(people: Participants) -> Iterator[Contradiction]:
    for person in people.people.values():
        if person.number and not looks_like_a_number(person.number):
            yield Contradiction(person, _("'%(number)s' is no matriculation number.") % {"number": person.number})


def _names(people: list[Enrolment]) -> str:
    return get_text_list([f"{person.user} <{person.user.email}>" for person in people], _("and"))
