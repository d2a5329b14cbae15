"""What stands in a catalogue of translations, and what a developer is told is missing there."""

from pathlib import Path

import pytest

from tests.tools.messages import overlooked, untranslated

CATALOGUE = """msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"

#: lectures/views.py templates/lectures/one.html
msgid "Said in both languages"
msgstr "In beiden Sprachen gesagt"

#: templates/lectures/one.html
msgid "Said in a template alone"
msgstr ""

#: lectures/views.py
#, fuzzy, python-format
msgid "Was %(count)d, is %(other)d"
msgstr "War %(count)d"

#: lectures/views.py
#, python-format
msgid "%(count)d page"
msgid_plural "%(count)d pages"
msgstr[0] "%(count)d Seite"
msgstr[1] ""

#: lectures/views.py
msgctxt "of a door"
msgid "open"
msgstr "offen"
"""
CODE = """
_("Said in both languages")
_("Was %(count)d, is %(other)d")
ngettext("%(count)d page", "%(count)d pages", 2)
pgettext("of a door", "open")
f"{_('Said within another text')}"
pgettext("of a shop", "open")
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "lectures").mkdir()
    (tmp_path / "lectures" / "views.py").write_text(CODE, encoding="utf-8")
    (tmp_path / "django.po").write_text(CATALOGUE, encoding="utf-8")
    return tmp_path


def test_each_text_without_a_translation_is_named_with_its_files(project: Path) -> None:
    assert list(untranslated(project / "django.po")) == [
        "templates/lectures/one.html: 'Said in a template alone' is untranslated.",
        "lectures/views.py: 'Was %(count)d, is %(other)d' is fuzzy.",
        "lectures/views.py: '%(count)d page' is untranslated.",
    ]


def test_only_what_was_not_collected_is_overlooked(project: Path) -> None:
    """What is collected and not yet translated, or fuzzy, is no text within an f-string."""
    why = "is not collected: xgettext doesn't look into f-strings."
    said = sorted(overlooked(project, project / "django.po"))
    assert said == [f"lectures/views.py:6 {why}", f"lectures/views.py:7 {why}"]
