"""By what the lists of an exam tell people apart."""

from collections import Counter
from collections.abc import Collection

from amls.courses.models import Enrolment


def known_by(people: Collection[Enrolment]) -> dict[int, str]:
    """Return by what each is told from the others of a list, beside the name, by pk: their matriculation number.

    Who has none and shares the name with somebody is known by the address; who has none and shares it with nobody, by
    nothing.

    Args:
        people: all of the list, each with its user loaded.
    """
    names = Counter(str(person.user) for person in people)
    return {person.pk: person.number or (person.user.email if names[str(person.user)] > 1 else "") for person in people}
