"""What the site borrows is German too where its reader is, and says 'Sie'."""

import re
from collections.abc import Iterator
from pathlib import Path

import allauth
import django
import unfold
from django.apps import apps
from django.utils.translation import gettext, override

from amls.accounts.allauth_texts import BORROWED as OF_ALLAUTH
from amls.desk.unfold_texts import BORROWED as OF_UNFOLD
from tests.catalogues import CatalogueEntry, entries

_FAMILIAR = re.compile(
    r"""\b(?:du|dich|dir|dein(?:e[mnrs]?)?|euch|euer|eure[mnrs]?|gib|klicke?|folge|versuche|wähle|kontaktiere
    |bestätige|verwende|überprüfe|lass|rufe?|hast|bist|kannst|musst|möchtest|solltest)\b""",
    re.IGNORECASE | re.VERBOSE,
)


def sources_of(package: object) -> str:
    folder = Path(str(package.__file__)).parent  # type: ignore[attr-defined]
    return "\n".join(path.read_text() for path in folder.rglob("*") if path.suffix in (".py", ".html", ".txt"))


def installed() -> Iterator[CatalogueEntry]:
    """Yield what the catalogues of Django and of the installed apps say."""
    for root in [Path(django.__file__).parent / "conf", *(Path(config.path) for config in apps.get_app_configs())]:
        # What is ours stands in one catalogue of its own.
        yield from entries(root / "locale" / "de" / "LC_MESSAGES" / "django.po")


def test_texts_of_the_desk_are_german_and_still_in_use() -> None:
    sources = sources_of(unfold)
    assert [text for text in OF_UNFOLD if text not in sources] == []
    with override("de"):
        assert [text for text in OF_UNFOLD if gettext(text) == text] == []


def test_texts_of_the_accounts_are_german_and_still_in_use() -> None:
    said = {entry.text for entry in entries(Path(allauth.__file__).parent / "locale/de/LC_MESSAGES/django.po")}
    assert [text for text in OF_ALLAUTH if text not in said] == []
    with override("de"):
        assert [text for text in OF_ALLAUTH if gettext(text) == text] == []


def test_no_borrowed_text_is_familiar_with_its_reader() -> None:
    # Allauth has one catalogue for all its apps; as a provider of identities it isn't installed.
    texts = {
        entry.text
        for entry in installed()
        if not entry.context and not entry.plural and not all("idp/" in place for place in entry.places)
    }
    assert len(texts) > 300
    with override("de"):
        translated = {text: gettext(text) for text in texts}
    assert {text: german for text, german in translated.items() if _FAMILIAR.search(german)} == {}
