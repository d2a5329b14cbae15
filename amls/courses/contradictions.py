"""What speaks against each other about who has which matriculation number: shown to the staff, who mend it."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db.models import Case, F, Q, Value, When
from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from amls.core.statements import Parameter, Statement, is_among
from amls.courses.matching import Participants
from amls.courses.models import Course, Enrolment, RosterEntry
from amls.courses.numbers import looks_like_a_number, plain_number


@dataclass(frozen=True, slots=True)
class Contradiction:
    """One person of a course, and what speaks against their number, in words."""

    enrolment: Enrolment
    text: str


@dataclass(frozen=True, slots=True)
class Doubts:
    """What a look at the bare numbers finds in some courses.

    Attributes:
        claims: how many say that they are somebody of a roster.
        courses: those in which anything can speak against a number; the others have no contradiction.
    """

    claims: int
    courses: list[Course]


def doubts_in(courses: Sequence[Course]) -> Doubts:
    """Return what waits for a confirmation, and where contradictions are to be looked for: 1 query, no rows of people.

    A number can only be contradicted where two bear it, where one person bears two, or where it is none.
    """
    borne: dict[int, list[tuple[int, str]]] = defaultdict(list)
    elsewhere: set[tuple[int, str]] = set()
    odd: set[int] = set()
    claims = 0
    for nobody, (where, course, user, number, is_claimed) in enumerate(_read_numbers(courses), 1):
        plain = plain_number(number)
        claims += is_claimed
        if where == "elsewhere":
            elsewhere.add((user, plain))
        else:
            # Whoever of the roster has not come yet is somebody else, too.
            borne[course].append((user or -nobody, plain))
        if where == "people":
            if number and not looks_like_a_number(number):
                odd.add(course)
            elsewhere.add((user, plain))
    return Doubts(claims, [course for course in courses if course.pk in odd or _disagree(borne[course.pk], elsewhere)])


def _read_numbers(courses: Sequence[Course]) -> list[tuple[Any, ...]]:
    """Return where a number is said, in which course, of which person, and whether somebody of a roster is claimed: 1 query."""
    return _borne_numbers().run({"courses": [course.pk for course in courses]})


@cache
def _borne_numbers() -> Statement:
    in_courses = is_among("course_id", Parameter("courses"))
    no, number = Value(value=False), "matriculation_number"
    said = Case(When(~Q(verified_number=""), then=F("verified_number")), default=F(f"user__{number}"))
    columns = ("where", "of_course", "person", "said", "is_claimed")
    people = Enrolment.objects.filter(in_courses).annotate(
        where=Value("people"), of_course=F("course"), person=F("user"), said=said, is_claimed=no
    )
    roster = RosterEntry.objects.filter(in_courses).annotate(
        where=Value("roster"), of_course=F("course"), person=F("enrolment__user"), said=F(number),
        is_claimed=Q(claimed_by__isnull=False),
    )  # fmt: skip
    others = (
        Enrolment.objects.exclude(in_courses)
        .exclude(verified_number="")
        .annotate(
            where=Value("elsewhere"), of_course=F("course"), person=F("user"), said=F("verified_number"), is_claimed=no
        )
    )
    first, *more = (rows.order_by().values_list(*columns) for rows in (people, roster, others))
    return Statement.of(first.union(*more, all=True))


def _disagree(borne: list[tuple[int, str]], elsewhere: set[tuple[int, str]]) -> bool:
    """Return whether two bear one number or one bears two, with what other courses have verified."""
    numbers: dict[str, int] = {}
    bearers: dict[int, str] = {}
    here = [pair for pair in borne if pair[1]]
    known = {user for user, _plain in here}
    plains = {plain for _user, plain in here}
    others = [(user, plain) for user, plain in elsewhere if user in known or plain in plains]
    return any(
        numbers.setdefault(plain, user) != user or bearers.setdefault(user, plain) != plain
        for user, plain in [*here, *others]
    )


def contradictions_of(courses: Sequence[Course]) -> list[Contradiction]:
    """Return what speaks against whose number in these courses: 3 queries, however many, none without a course.

    That nobody has verified a number is no contradiction. What another course has verified is told to both, since
    each looks from its own side.
    """
    if not courses:
        return []
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
