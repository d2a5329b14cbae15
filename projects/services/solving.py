"""What the worker does with a run that waits: it asks the solver. Nothing else imports the solver."""

import logging
from datetime import datetime

from projects.allocation.files import run, to_json
from projects.allocation.problem import input_from_json
from projects.allocation.program import SolverFailedError
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
                made = to_json(run(input_from_json(claim.row.inputs)))
        except SolverFailedError as error:
            logger.error("run %s of the solver failed: %s", claim.row.pk, error)
            claim.finish(state=Allocation.State.FAILED, done_at=claim.clock.now())
            return True
        state = Allocation.State.CLASH if made["result"] is None else Allocation.State.DONE
        solved = {name: made[name] for name in ("result", "worst", "clash", "reasons")}
        claim.finish(state=state, done_at=claim.clock.now(), **solved)
        return True
    return False
