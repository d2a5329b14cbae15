"""What providers of sign-ins say of a person: it counts as verified, and only they change it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django.conf import settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouched:
    """What one provider said of a person at their last sign-in by it, as allauth's row of it keeps it.

    Attributes:
        name: as it stands on rosters and lists.
        number: the matriculation number; '' where the provider sends none.
        affiliations: such as 'student@tu-berlin.de', lower case.
        factor: whether a second factor was used there.
    """

    name: str = ""
    number: str = ""
    affiliations: tuple[str, ...] = ()
    factor: bool = False

    def kept(self) -> dict[str, Any]:
        """Return what is kept of it."""
        return asdict(self)

    @classmethod
    def of_kept(cls, values: Any) -> "Vouched":
        """Return what was kept."""
        facts = values if isinstance(values, Mapping) else {}
        return cls(
            name=str(facts.get("name", "")),
            number=str(facts.get("number", "")),
            affiliations=tuple(facts.get("affiliations", ())),
            factor=bool(facts.get("factor")),
        )


def vouched_of(user: Any) -> dict[str, Vouched]:
    """Return what the providers that the site has say of a person, by their id: 1 query, none where it has none."""
    ids = [provider.id for provider in settings.SIGN_IN_PROVIDERS]
    if not ids or user.pk is None:
        return {}
    rows = user.socialaccount_set.filter(provider__in=ids).order_by("pk").values_list("provider", "extra_data")
    return {provider: Vouched.of_kept(values) for provider, values in rows}


def vouched_name(user: Any) -> str:
    """Return the name that a provider gives a person; '' where none does."""
    return next((vouched.name for vouched in vouched_of(user).values() if vouched.name), "")


def vouched_number(user: Any) -> str:
    """Return the matriculation number that a provider gives a person; '' where none does."""
    return next((vouched.number for vouched in vouched_of(user).values() if vouched.number), "")


def is_of_course_makers(user: Any) -> bool:
    """Return whether a provider gives the person an affiliation whose people make courses (`may_create_courses`)."""
    makers = {
        provider.id: provider.may_create_courses
        for provider in settings.SIGN_IN_PROVIDERS
        if provider.may_create_courses
    }
    if not makers:
        return False
    return any(
        not makers[key].isdisjoint(vouched.affiliations) for key, vouched in vouched_of(user).items() if key in makers
    )
