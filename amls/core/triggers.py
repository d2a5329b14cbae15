"""Rules that a database keeps by itself and that no constraint can say, since they look at other rows."""

import pgtrigger


def refuses(
    name: str, *, where: str, because: str, operation: pgtrigger.Operation = pgtrigger.Insert | pgtrigger.Update
) -> pgtrigger.Trigger:
    """Return a trigger by which the database refuses a row, as a check constraint would.

    Args:
        name: of the trigger; the error says it.
        where: SQL that is true for what is refused; `NEW` is the row, `OLD` what it was.
        because: what is wrong then, for whoever reads the log.
        operation: of what is looked at.
    """
    return pgtrigger.Trigger(
        name=name,
        operation=operation,
        when=pgtrigger.Before,
        func=f"IF {where} THEN RAISE EXCEPTION '{name}: {because}' USING ERRCODE = 'check_violation'; END IF; RETURN NEW;",
    )


def differ(first: str, second: str) -> str:
    """Return the SQL that two belong to different ones; where one of them is empty it is not true."""
    return f"({first}) <> ({second})"


def owner(what: str, table: str, field: str) -> str:
    """Return the SQL that finds to what a row belongs that `NEW` points to.

    Args:
        what: it belongs to, such as 'course': its foreign key.
        table: in which it stands.
        field: the foreign key of `NEW`.
    """
    return f"SELECT {what}_id FROM {table} WHERE id = NEW.{field}_id"  # noqa: S608 - names of ours
