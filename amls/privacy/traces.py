"""By what texts a person is known: so that what others keep forgets them, too, when they go."""

import re
from collections.abc import Collection, Iterable
from typing import Any

from allauth.account.models import EmailAddress
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import F, Func, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, Lower

from amls.courses.models import Enrolment, RosterEntry, User

# What stands where a name stood.
NAMELESS = "…"


def addresses_of(user: User) -> set[str]:
    """Return the addresses that are proven to be the person's, and those of the account before, in small letters.

    Whoever only claims an address must not take along what is there for its owner; one that somebody else has by now
    is theirs.
    """
    proven = EmailAddress.objects.filter(verified=True).annotate(lowered=Lower("email"))
    present = {user.email.lower(), *proven.filter(user=user).values_list("lowered", flat=True)}
    before = set(user.events.values_list("email", flat=True)) - present  # type: ignore[attr-defined]
    others = User.objects.filter(email__in=before).exclude(pk=user.pk).values_list("email", flat=True)
    of_others = proven.filter(lowered__in=before).exclude(user=user).values_list("lowered", flat=True)
    return present | (before - {*others, *of_others})


def names_of(user: User) -> set[str]:
    """Return what the person is called, and was before, as far as the history knows, and as rosters call them."""
    names = set(user.events.values_list("display_name", flat=True))  # type: ignore[attr-defined]
    entries = RosterEntry.objects.alias(lowered=Lower("email"))
    theirs = entries.filter(Q(enrolment__user=user) | Q(lowered__in=addresses_of(user)))
    names |= set(theirs.values_list("name", flat=True))
    return {name for name in {user.display_name, *names} if name}


def blot_out(rows: QuerySet[Any], *fields: str, texts: set[str]) -> None:
    """Put an ellipsis for each of the texts in these fields of the rows, where it stands as whole words.

    A name counts as it is written, an address in whatever case. Ordinary words may be names: the rows are those that
    speak of the person.
    """
    for text in sorted(texts, key=len, reverse=True):
        pattern = Value(rf"(?<!\w){re.escape(text)}(?!\w)")
        is_address = "@" in text
        for field in fields:
            naming = rows.filter(**{f"{field}__{'icontains' if is_address else 'contains'}": text})
            naming.update(
                **{
                    field: Func(
                        F(field),
                        pattern,
                        Value(NAMELESS),
                        Value("gi" if is_address else "g"),
                        function="regexp_replace",
                        output_field=TextField(),
                    )
                }
            )


def forget_in_admin_log(user: User) -> None:
    """Take the person's names and addresses out of what the admin remembers of their rows, and of rows that are gone."""
    names, addresses = names_of(user), addresses_of(user)
    models = {content_type.model_class() for content_type in ContentType.objects.all()}
    for model in models:
        if model is not None and (pointers := _pointers_to_people(model)):
            logged = LogEntry.objects.filter(content_type=ContentType.objects.get_for_model(model))
            rows = model._default_manager.annotate(pk_text=Cast("pk", TextField()))  # noqa: SLF001 - Django's documented way
            theirs = rows.filter(_is_theirs(model, pointers, user, addresses)).values("pk_text")
            blot_out(logged, "object_repr", "change_message", texts=addresses)
            of_them = logged.filter(Q(object_id__in=theirs) | ~Q(object_id__in=rows.values("pk_text")))
            blot_out(of_them, "object_repr", "change_message", texts=names)


def _pointers_to_people(model: Any) -> list[str]:
    """Return by which lookups the rows of a model lead to the people whom they are about."""
    fields = [field for field in model._meta.get_fields() if field.concrete]  # noqa: SLF001 - Django's documented API
    paths = {User: "", Enrolment: "__user"}
    pointers = [f"{field.name}{paths[field.related_model]}" for field in fields if field.related_model in paths]
    return ["pk", *pointers] if model is User else pointers


def _is_theirs(model: Any, pointers: Iterable[str], user: User, addresses: Collection[str]) -> Q:
    theirs = Q(pk__in=[])
    for pointer in pointers:
        theirs |= Q(**{pointer: user.pk})
    if any(field.name == "email" for field in model._meta.concrete_fields):  # noqa: SLF001 - Django's documented API
        for address in addresses:
            theirs |= Q(email__iexact=address)
    return theirs
