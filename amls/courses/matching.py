"""Whom a line of a file or form means: one participant by number, address and name together, or a problem.

Every file that names people asks here: points, results, the university's list, earlier passes, seats. Whoever reads
the file says what stands in it; this says who it is.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from allauth.account.models import EmailAddress
from django.db.models import QuerySet
from django.utils.functional import cached_property
from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from amls.core.text import clean_line
from amls.core.violations import RuleViolation
from amls.courses.models import Course, Enrolment, RosterEntry
from amls.courses.numbers import plain_number, plain_number_of
from amls.courses.spellings import names_agree
from amls.files.tables.meanings import EMAIL, NUMBER
from amls.files.tables.people import number_of, person_name
from amls.files.tables.table import Row


class Participants:
    """Who is enrolled in a course, whatever their role, to be found by what a file or form says of them.

    Loads everything with the first search, in 4 queries; make one for each file, within the transaction that writes.
    """

    def __init__(self, course: Course) -> None:
        self._course = course

    @classmethod
    def of_each(cls, courses: Sequence[Course]) -> list["Participants"]:
        """Return those of each course, with who they are, the roster and the other courses' numbers loaded: 3 queries."""
        pks = [course.pk for course in courses]
        people: dict[int, dict[int, Enrolment]] = defaultdict(dict)
        entries: dict[int, list[RosterEntry]] = defaultdict(list)
        for enrolment in Enrolment.objects.filter(course__in=pks).select_related("user").order_by("pk"):
            people[enrolment.course_id][enrolment.pk] = enrolment
        for entry in RosterEntry.objects.filter(course__in=pks).order_by("pk"):
            entries[entry.course_id].append(entry)
        verified = _verified_numbers(Enrolment.objects.all())
        of_courses = []
        for course in courses:
            participants = cls(course)
            participants.people, participants.entries = people[course.pk], entries[course.pk]
            participants.elsewhere = {(user, plain) for pk, user, plain in verified if pk != course.pk}
            of_courses.append(participants)
        return of_courses

    def find(self, *, number: str = "", email: str = "", name: str = "") -> Enrolment:
        """Return the one participant on whom all that is given agrees. Each part may be empty, not all of them.

        A verified number goes before one that people typed into their profiles: that one counts only while nothing
        contradicts it. An address is the account's, a confirmed second one, or that of the roster's entry that the
        person joined. A name finds nobody, because people choose theirs; it may only agree or not.

        Args:
            number: a matriculation number as it stands in the file; leading zeros and blanks don't matter.
            email: an address, in whatever case.
            name: in either order, with or without marks, titles and second names; it may have lost letters.

        Returns:
            The enrolment, with `user` loaded.

        Raises:
            RuleViolation: with a sentence for that line, naming what contradicts what. Codes: 'names-nobody' (neither
                number nor address), 'not-here' (no participant has it), 'several' (more than one may be meant),
                'contradiction' (number, address and name belong to different people, or somebody typed a number
                that the roster or another course knows as another's).
        """
        plain, address = plain_number(number), email.strip().lower()
        if not plain and not address:
            raise RuleViolation(_nobody(name), code="names-nobody")
        addressed = self._by_address(address)
        bearers = self._bearers(plain)
        if addressed is not None:
            person = self._agree(addressed, bearers, number=number, email=email)
        elif bearers:
            person = self._by_number_alone(bearers, number=number, email=email)
        else:
            raise RuleViolation(self._not_here(plain, number or email), code="not-here")
        is_proven = addressed is not None or bool(person.verified_number)
        self._check_name(person, name, is_proven=is_proven)
        return person

    def find_in(self, row: Row | Mapping[str, str], *, is_turned: bool = False) -> Enrolment:
        """Return the one participant whom a row of a table means: `find` by its number, address and name.

        Args:
            row: by the names of meanings.
            is_turned: whether the table's `names_are_turned`.

        Raises:
            RuleViolation: as `find`; or a spreadsheet shortened the number (code 'shortened').
        """
        email = clean_line(row.get(EMAIL.name, ""))
        return self.find(number=number_of(row), email=email, name=person_name(row, is_turned=is_turned))

    def mentioned_in(self, row: Row | Mapping[str, str]) -> set[int]:
        """Return of whom a row of a table has the number or an address, whether or not it is clear whom it means.

        Args:
            row: by the names of meanings.

        Returns:
            The enrolments' primary keys.
        """
        address = clean_line(row.get(EMAIL.name, "")).lower()
        people = (*self._bearers(plain_number(row.get(NUMBER.name, ""))), *self._addresses.get(address, ()))
        return {person.pk for person in people}

    def _agree(self, person: Enrolment, bearers: Sequence[Enrolment], *, number: str, email: str) -> Enrolment:
        """Return whose the address is, if the number doesn't speak against it."""
        plain = plain_number(number)
        if not plain or person in bearers:
            return person
        if bearers:
            raise RuleViolation(
                _("%(email)s is %(person)s, but %(number)s is the matriculation number of %(other)s.")
                % {"email": email, "person": person.user, "number": number, "other": _named(bearers)},
                code="contradiction",
            )
        if person.number:
            raise RuleViolation(
                _("%(email)s is %(person)s, whose matriculation number is %(theirs)s, not %(number)s.")
                % {"email": email, "person": person.user, "theirs": person.number, "number": number},
                code="contradiction",
            )
        self._check_claim(person, number)
        return person

    def _by_number_alone(self, bearers: Sequence[Enrolment], *, number: str, email: str) -> Enrolment:
        """Return whose the number is, where the address is nobody's or none is given."""
        if len(bearers) > 1:
            raise RuleViolation(
                _("%(number)s was typed by %(people)s and is verified for none of them. Check it at the desk first.")
                % {"number": number, "people": _named(bearers)},
                code="several",
            )
        person = bearers[0]
        if person.verified_number:
            return person
        if email.strip():
            raise RuleViolation(
                _("%(email)s is no participant's, and %(person)s typed %(number)s, which nobody has verified.")
                % {"email": email, "person": person.user, "number": number},
                code="contradiction",
            )
        self._check_claim(person, number)
        return person

    def _check_claim(self, person: Enrolment, number: str) -> None:
        """Refuse a number that nobody has verified for the person where the roster or another course has it otherwise."""
        plain = plain_number(number)
        for entry in self._roster.get(plain, ()):
            if entry.enrolment_id != person.pk:
                raise RuleViolation(
                    _("%(number)s is that of %(entry)s <%(email)s> on the roster, not known to be that of %(person)s.")
                    % {"number": number, "entry": entry, "email": entry.email, "person": person.user},
                    code="contradiction",
                )
        if any(user != person.user_id for user, known in self.elsewhere if known == plain):
            raise RuleViolation(
                _("%(number)s is verified for somebody else in another course, not for %(person)s.")
                % {"number": number, "person": person.user},
                code="contradiction",
            )
        others = sorted(known for user, known in self.elsewhere if user == person.user_id)
        if others and plain not in others:
            raise RuleViolation(
                _("%(person)s typed %(number)s, but another course has verified %(other)s for them.")
                % {"number": number, "person": person.user, "other": others[0]},
                code="contradiction",
            )

    def _check_name(self, person: Enrolment, name: str, *, is_proven: bool) -> None:
        known = [spelling for spelling in (person.user.display_name, self._roster_names.get(person.pk, "")) if spelling]
        if name.strip() and known and not any(names_agree(name, spelling, loosely=is_proven) for spelling in known):
            raise RuleViolation(
                _("The line names %(name)s, but number or address are those of %(person)s.")
                % {"name": name.strip()[:80], "person": person.user},
                code="contradiction",
            )

    def _not_here(self, plain: str, who: str) -> str:
        if plain in self._roster:
            entry = self._roster[plain][0]
            return _("'%(who)s' is %(entry)s on the roster, who has not joined the course.") % {"who": who[:80], "entry": entry}  # fmt: skip
        return _("Nobody in this course has '%(who)s'.") % {"who": who[:80]}

    # ── what is known ──

    @cached_property
    def people(self) -> dict[int, Enrolment]:
        """Everybody by the enrolment's pk."""
        rows = Enrolment.objects.filter(course=self._course).select_related("user").order_by("pk")
        return {row.pk: row for row in rows}

    def _bearers(self, plain: str) -> Sequence[Enrolment]:
        """Return for whom a number is verified, else who typed it."""
        return self.verified.get(plain) or self.typed.get(plain) or () if plain else ()

    @cached_property
    def verified(self) -> dict[str, list[Enrolment]]:
        """For whom the course has verified a number, by its plain form: one person each."""
        return _by_key((plain_number(person.verified_number), person) for person in self.people.values())

    @cached_property
    def typed(self) -> dict[str, list[Enrolment]]:
        """Who typed a number, of those for whom none is verified, by its plain form."""
        unverified = (person for person in self.people.values() if not person.verified_number)
        return _by_key((plain_number(person.user.matriculation_number), person) for person in unverified)

    def _by_address(self, address: str) -> Enrolment | None:
        people = {person.pk: person for person in self._addresses.get(address, ())} if address else {}
        if len(people) > 1:
            raise RuleViolation(
                _("%(email)s is an address of %(people)s.") % {"email": address, "people": _named(people.values())},
                code="several",
            )
        return next(iter(people.values()), None)

    @cached_property
    def _addresses(self) -> dict[str, list[Enrolment]]:
        people = {person.user_id: person for person in self.people.values()}
        pairs = [(person.user.email.lower(), person) for person in people.values()]
        confirmed = EmailAddress.objects.filter(user__in=people, verified=True).values_list("email", "user_id")
        pairs += [(email.lower(), people[pk]) for email, pk in confirmed]
        joined = [(entry.email.lower(), self.people.get(entry.enrolment_id or 0)) for entry in self.entries]
        return _by_key(pairs + [(email, person) for email, person in joined if person is not None])

    @cached_property
    def entries(self) -> list[RosterEntry]:
        """The course's roster."""
        return list(RosterEntry.objects.filter(course=self._course).order_by("pk"))

    @cached_property
    def _roster(self) -> dict[str, list[RosterEntry]]:
        entries: dict[str, list[RosterEntry]] = defaultdict(list)
        for entry in self.entries:
            if plain := plain_number(entry.matriculation_number):
                entries[plain].append(entry)
        return dict(entries)

    @cached_property
    def _roster_names(self) -> dict[int, str]:
        return {entry.enrolment_id: entry.name for entry in self.entries if entry.enrolment_id}

    @cached_property
    def elsewhere(self) -> set[tuple[int, str]]:
        """For whom other courses have verified which number."""
        others = Enrolment.objects.exclude(course=self._course)
        return {(user, plain) for _course, user, plain in _verified_numbers(others)}


def _by_key(pairs: Iterable[tuple[str, Enrolment]]) -> dict[str, list[Enrolment]]:
    people: dict[str, list[Enrolment]] = defaultdict(list)
    for key, person in pairs:
        if key:
            people[key].append(person)
    return dict(people)


def _verified_numbers(rows: QuerySet[Enrolment]) -> list[tuple[int, int, str]]:
    """Return course, person and number: 1 query."""
    verified = rows.exclude(verified_number="").annotate(plain=plain_number_of("verified_number"))
    return list(verified.values_list("course_id", "user_id", "plain"))


def _named(people: Iterable[Enrolment]) -> str:
    return get_text_list([f"{person.user} <{person.user.email}>" for person in people], _("and"))


def _nobody(name: str) -> str:
    if name.strip():
        return _("'%(name)s' alone doesn't say who it is: give a matriculation number or an e-mail address.") % {
            "name": name.strip()[:80]
        }
    return _("it names nobody: give a matriculation number or an e-mail address.")
