"""Several courses on one page: which of them is meant."""

from collections.abc import Sequence

from django.utils.translation import gettext as _

from amls.portal.takeover.sourcerows import SourceRow
from amls.portal.takeover.understanding.dates import find_days
from amls.portal.takeover.understanding.heads import is_no_title
from amls.portal.takeover.understanding.results import Answers, Question
from amls.portal.takeover.understanding.terms import find_term

_LEAST_DATED = 2


def chosen_section(
    rows: Sequence[SourceRow], answers: Answers
) -> tuple[Sequence[SourceRow], Question | None, set[int]]:
    """Return the rows of the course that is meant, the question which that is, and the rows of the others."""
    starts = [
        at for at, row in enumerate(rows)
        if row.kind == "heading" and (term := find_term(row.text)) is not None and term.season != "year" and not find_days(row.text)
        and not is_no_title(row.text.replace(term.label, ""))
    ]  # fmt: skip
    bounds = list(zip(starts, [*starts[1:], len(rows)], strict=False))
    full = [(start, end) for start, end in bounds if _dated(rows[start:end]) >= _LEAST_DATED]
    names = [rows[start].text for start, _end in full]
    if len(full) < 2 or len(set(names)) < 2:
        return rows, None, set()
    said = answers.get("course", "")
    chosen = int(said) if said.isdigit() and int(said) < len(full) else 0
    start, end = full[chosen]
    kept = [*(row for row in rows[: full[0][0]] if row.kind == "fact"), *rows[start:end]]
    inside = {id(row) for row in kept}
    question = Question(
        "course", _("There are %(count)d courses here. Which one is meant?") % {"count": len(full)}, "choice",
        tuple((str(number), name) for number, name in enumerate(names)), "0", len(full), "--title", must=said == "",
    )  # fmt: skip
    return kept, None if said else question, {id(row) for row in rows if id(row) not in inside}


def _dated(rows: Sequence[SourceRow]) -> int:
    return sum(any(mention.days for cell in row.cells for mention in find_days(cell.text[:200])) for row in rows)
