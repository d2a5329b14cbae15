"""What the worker does with a run that waits: it asks the solver. Nothing else imports the solver."""

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from projects.allocation.problem import SolverFailedError, input_from_json
from projects.models import Allocation
from projects.services.allocating import ALLOCATIONS

logger = logging.getLogger(__name__)


def allocate_next(now: datetime) -> bool:
    """Claim one run that waits and find its allocation, or the rules that clash; return whether there was one."""
    for claim in ALLOCATIONS.claim(now=now):
        if claim.is_one_too_many:
            claim.finish(state=Allocation.State.FAILED, done_at=claim.clock.now())
            return True
        try:
            with claim.kept():
                made = _solved(claim.row.inputs)
        except SolverFailedError as error:
            logger.error("run %s of the solver failed: %s", claim.row.pk, error)
            claim.finish(state=Allocation.State.FAILED, done_at=claim.clock.now())
            return True
        state = Allocation.State.CLASH if made["result"] is None else Allocation.State.DONE
        solved = {name: made[name] for name in ("result", "worst", "clash", "reasons")}
        claim.finish(state=state, done_at=claim.clock.now(), **solved)
        return True
    return False


def _solved(inputs: Mapping[str, Any]) -> dict[str, Any]:
    # The solver and what it reckons with weigh 20 MB: only a process that has got a run loads them.
    from projects.allocation.files import run, to_json  # noqa: PLC0415

    return to_json(run(input_from_json(inputs)))
