"""By what people are put in order: their family name, though accounts know one name only.

Which part of a name that is, nobody can say for the whole world. These rules follow how names are written,
not where people come from:

- 'Heide, Anna von der': what stands before a comma. Whoever knows better writes it so: it holds for all.
- 'Anna Maria Meier': the last word. Brackets, 'Jr.', 'III' and degrees behind a name are not part of it.
- 'Anna von der Heide' stands under Heide, also as 'von der Heide, Anna'; 'd'Alembert' under Alembert and
  'al-Rahman' under Rahman: lower case before the name does not count (Duden; The Chicago Manual of Style, 16.71).
- 'Robert De Niro' stands under De Niro: in capitals it is part of the name.
- '山田太郎' stands as it is written, '山田 太郎' under 山田: Chinese, Japanese and Korean names begin with the family.
- One name alone is the name, and without any name the address stands for it.

Letters count as in the root collation of Unicode (CLDR), which German (DIN 5007-1) and English share: 'Änne'
between 'Anna' and 'Anton', 'Łukasz' with L, 'ß' as 'ss'; marks decide only between names that are alike without
them. A language that sorts otherwise, such as Swedish with its Ä after Z, would need a key of its own here. ICU
collations would do the same for the letters, but the embedded PostgreSQL has none, and a list on the screen, in a
PDF and in a table should be in the same order on every server.
"""

from typing import Any

from django.db.models import Func, TextField

from amls.core.folding import fold_sql

_BRACKETS = r"\s*\([^()]*\)"
_BEHIND = r"(,?\s+(jr\.?|sr\.?|iii?|iv|ph\.?\s?d\.?|[bm]\.\s?(a|sc|eng|ed)\.))+$"
_BEFORE_COMMA = r"^\s*([^,]*\S)\s*,\s*(.*)$"
_EAST = r"\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_EASTERN = rf"^([{_EAST}]+)\s+(.+)$"
_PARTS = r"(?:De|Del|Della|Di|Du|Des|Dos|Le|La|Van|Vande|Von|Mac|Mc|St\.)"
_LAST_WORD = rf"^(\S.*?)\s+((?:{_PARTS}\s+(?:[[:lower:]]+\s+)*)*\S+)$"
_SMALL = r"^((?:[[:lower:]]+\s+)+|[[:lower:]]{1,3}[-''’])([[:upper:]].*)$"


class SortName(Func):
    """The text by which people are put in order, of a name and of the address that stands for a missing one.

    Family name, tab, the rest, tab, the name as it is written; all but the last folded. It is to be compared by
    code points (collation "C"): a tab comes before all that a name may hold, so that 'Li' comes before 'Li Wei'.
    """

    output_field = TextField(db_collation="C")

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **extra: Any) -> tuple[str, tuple[str | int, ...]]:
        """Return the SQL; all of it is immutable, as a generated column asks for."""
        name, address = (compiler.compile(expression)[0] for expression in self.get_source_expressions())
        written = f"COALESCE(NULLIF({name}, ''), {address})"
        bare = _without(_without(written, _BRACKETS, "g"), _BEHIND, "i")
        parted = (
            f"CASE WHEN {bare} ~ '{_BEFORE_COMMA}' THEN regexp_replace({bare}, '{_BEFORE_COMMA}', E'\\\\1\\t\\\\2')"
            f" WHEN {bare} ~ '{_EASTERN}' THEN regexp_replace({bare}, '{_EASTERN}', E'\\\\1\\t\\\\2')"
            f" ELSE regexp_replace({bare}, '{_LAST_WORD}', E'\\\\2\\t\\\\1') END"
        )
        moved = rf"regexp_replace({parted}, '{_SMALL}', '\2 \1')"
        return f"""(({fold_sql(moved)} || E'\\t' || {written}) COLLATE "C")""", ()


def _without(sql: str, pattern: str, flags: str) -> str:
    return f"regexp_replace({sql}, '{pattern}', '', '{flags}')"
