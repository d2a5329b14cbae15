"""Check the file of an allocation: `python -m projects.allocation FILE`. Needs highspy, and nothing else of AMLS."""

import sys
from pathlib import Path

from projects.allocation.files import check
from projects.allocation.problem import SolverFailedError


def main(arguments: list[str]) -> int:
    """Say what is wrong with the files that are named; return 0 if nothing is, 1 if something is, 2 for no such file."""
    if not arguments:
        sys.stderr.write("Name the file of an allocation: python -m projects.allocation FILE\n")
        return 2
    is_wrong = False
    for name in arguments:
        try:
            problems = check(Path(name).read_bytes())
        except (OSError, ValueError, SolverFailedError) as error:
            sys.stderr.write(f"{name}: {error}\n")
            return 2
        is_wrong = is_wrong or bool(problems)
        sys.stdout.write("".join(f"{name}: {problem}\n" for problem in problems) or f"{name}: right\n")
    return int(is_wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
