"""By what texts a person is known: so that what others keep forgets them, too, when they go."""

import re
from typing import Any

from allauth.account.models import EmailAddress
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import F, Func, Q, QuerySet, TextField, Value
from django.db.models.functions import Lower

from amls.courses.models import Enrolment, RosterEntry, User

# What stands where a name stood.
NAMELESS = "…"


def addresses_of(user: User) -> set[str]:
    """Return the addresses that are proven to be the person's, in small letters.

    Whoever only claims an address must not take along what is there for its owner.
    """
    confirmed = EmailAddress.objects.filter(user=user, verified=True).values_list(Lower("email"), flat=True)
    return {user.email.lower(), *confirmed}


def names_of(user: User) -> set[str]:
    """Return what the person is called, and was before, as far as the history knows, and as rosters call them."""
    names = set(user.events.values_list("display_name", flat=True))  # type: ignore[attr-defined]
    entries = RosterEntry.objects.alias(lowered=Lower("email"))
    theirs = entries.filter(Q(enrolment__user=user) | Q(lowered__in=addresses_of(user)))
    names |= set(theirs.values_list("name", flat=True))
    return {name for name in {user.display_name, *names} if name}


def blot_out(rows: QuerySet[Any], *fields: str, texts: set[str]) -> None:
    """Put an ellipsis for each of the texts in these fields of the rows, where it stands as whole words."""
    for text in sorted(texts, key=len, reverse=True):
        pattern = Value(rf"(?<!\w){re.escape(text)}(?!\w)")
        for field in fields:
            naming = rows.filter(**{f"{field}__icontains": text})
            naming.update(
                **{
                    field: Func(
                        F(field),
                        pattern,
                        Value(NAMELESS),
                        Value("gi"),
                        function="regexp_replace",
                        output_field=TextField(),
                    )
                }
            )


def forget_in_admin_log(user: User) -> None:
    """Take the person's names and addresses out of what the admin remembers of rows that are about people."""
    models = {content_type.model_class() for content_type in ContentType.objects.all()}
    about_people = [model for model in models if model is not None and _is_about_people(model)]
    types = ContentType.objects.get_for_models(*about_people).values()
    rows = LogEntry.objects.filter(content_type__in=types)
    blot_out(rows, "object_repr", "change_message", texts=names_of(user) | addresses_of(user))


def _is_about_people(model: Any) -> bool:
    related = {field.related_model for field in model._meta.get_fields() if field.concrete}  # noqa: SLF001 - Django's documented API
    return model is User or not related.isdisjoint({User, Enrolment})
