"""What a provider says of a person, in the site's terms: names of attributes are the provider's, values are checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from amls.core.providers import SignInProvider
from amls.core.text import clean_line, clean_name
from amls.courses.numbers import clean_number, looks_like_a_number
from amls.courses.validators import is_a_name
from amls.courses.vouched import Vouched

# schacPersonalUniqueCode: urn:schac:personalUniqueCode:de:tu-berlin.de:Matrikelnummer:123456
_UNIQUE_CODE = "urn:schac:personaluniquecode:"
_LONGEST = 150
_MOST_VALUES = 50


@dataclass(frozen=True, slots=True)
class Claims:
    """What a provider says of a person who signs in by it.

    Attributes:
        emails: addresses, lower case, the main one first.
        vouched: what is kept of it.
    """

    emails: tuple[str, ...]
    vouched: Vouched


def read_claims(provider: SignInProvider, sent: Mapping[str, Any], *, contexts: Sequence[str] = ()) -> Claims:
    """Return what a provider says of a person. What is no address, no name or no number is left out.

    Args:
        provider: who sends it, with the names of its attributes.
        sent: one value or several by the name of their attribute.
        contexts: how the person proved themselves there (`acr`, authentication context).
    """
    name = next(iter(values_of(provider, sent, "name")), "") or " ".join(
        value for part in ("given_name", "family_name") for value in values_of(provider, sent, part)[:1]
    )
    emails = tuple(
        dict.fromkeys(address.lower() for address in values_of(provider, sent, "email") if _is_address(address))
    )
    vouched = Vouched(
        name=_name(name),
        number=next(filter(None, (_number(text) for text in values_of(provider, sent, "matriculation_number"))), ""),
        affiliations=tuple(
            dict.fromkeys(affiliation.lower() for affiliation in values_of(provider, sent, "affiliation"))
        ),
        factor=not set(contexts).isdisjoint(provider.second_factor),
    )
    return Claims(emails, vouched)


def values_of(provider: SignInProvider, sent: Mapping[str, Any], what: str) -> list[str]:
    """Return the values of the first of a provider's attributes for something that it sends, as clean lines."""
    for name in provider.attributes[what]:
        raw = sent.get(name)
        values = raw if isinstance(raw, list | tuple) else [raw]
        lines = [
            clean_line(str(value)) for value in values if isinstance(value, str | int) and not isinstance(value, bool)
        ]
        if lines := [line for line in lines if line and len(line) <= 255][:_MOST_VALUES]:
            return lines
    return []


def addresses_of(provider: SignInProvider, emails: Sequence[str]) -> list[EmailAddress]:
    """Return rows for addresses that a provider sends, the main one first.

    Proven are those of its own domains alone, whatever it says of others: it may have taken them from whoever typed them.
    """
    return [
        EmailAddress(email=email, verified=provider.vouches_for(email), primary=place == 0)
        for place, email in enumerate(emails)
    ]


def _is_address(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True


def _name(text: str) -> str:
    name = clean_name(text)[:_LONGEST].strip()
    try:
        is_a_name(name)
    except ValidationError:
        return ""
    return name


def _number(text: str) -> str:
    number = text.rpartition(":")[2] if text.lower().startswith(_UNIQUE_CODE) else text
    number = clean_number(number)
    return number if len(number) <= 20 and looks_like_a_number(number) else ""
