"""Text that people typed becomes HTML in one place, `amls/core/markdown.py`."""

import re
from pathlib import Path

from django.utils.safestring import SafeString

from amls.core.text import no_markup

ROOT = Path(__file__).parents[2]
# Where something is said to be HTML already, and why that holds.
ESCAPED_ALREADY = {
    "amls/core/markdown.py": "nh3 cleans it",
    "amls/portal/search/snippets.py": "every piece is escaped",
    "amls/portal/search/hits.py": "what is typed is escaped",
    "amls/exports/pdf.py": "our own style sheet",
    "amls/core/word_tags.py": "words of templates and their translations, as Django gives them",
    "amls/pagecache/tags.py": "a template rendered it",
    # Rows of long tables, cell by cell: each piece is escaped.
    "amls/desk/listing.py": "what is typed is escaped",
    "amls/portal/gradebook/rows.py": "what is typed is escaped",
    # The next two are text, not HTML: the mail's text part.
    "templates/mail/letter.txt": "no_markup takes the mark off again",
    "templates/account/email/base_message.txt": "allauth strips it, and the letter escapes it",
}
TRUST = re.compile(r"\bmark_safe\(|\|\s*safe(seq)?\b|autoescape off|\bSafeString\([^)]|__html__|html_safe")


def test_only_what_is_clean_is_trusted() -> None:
    trusting = {
        str(path.relative_to(ROOT))
        for folder in ("amls", "lectures", "projects", "exams", "templates")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".html", ".txt"} and TRUST.search(path.read_text())
    }
    assert trusting == ESCAPED_ALREADY.keys()


def test_text_from_a_template_is_text() -> None:
    made = no_markup(SafeString("<b>"))
    assert (made, hasattr(made, "__html__")) == ("<b>", False)
