"""Nothing that tells somebody leaves at one click of the staff: each place that tells at once says why it may."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# What puts mails into the outbox, at once where `not_before` isn't given.
TELLING = {"notify", "notify_each", "notify_enrolled", "tell", "tell_teams", "_tell_teams", "tell_revoked"}
GIVE = ("amls.mail.outbox", "exams.services.capacity", "projects.services.locks")
HELD = "a held act: its five minutes are over"
ASKED = "whoever did it is no staff, or at the door with them: they and theirs hear at once"
WORKER = "nobody's act: its time has come, or something broke"
PASSED_ON = "passes on what it is given"
AT_ONCE = {
    "amls.held.services:_tell_maker": f"{WORKER}, or a colleague changed what somebody wanted published",
    "amls.mail.account_mail:send_mail": "codes, and what somebody must hear who may have lost their account",
    "amls.mail.announcements:mail_announcements": "an announcement that was shown and waited, or has its own time",
    "amls.mail.changes:tell_changes": "dates wait as ItemChange",
    "amls.mail.trials:try_typed": "a test, to whoever asks for it",
    "amls.mail.views.staff:send_test": "a test, to whoever asks for it",
    "amls.portal.hooks.letters:tell_of_claim": f"{HELD}; or the staff are asked",
    "amls.portal.inviting.people:invite": HELD,
    "amls.portal.strays:report_strays": WORKER,
    "exams.services.admission:_tell": HELD,
    "exams.services.two_dates:hold_beside": ASKED,
    "exams.services.two_dates:wait_beside": ASKED,
    "exams.services.afterwards:enter_afterwards": HELD,
    "exams.services.waitinglist:end_idle_waits": WORKER,
    "exams.services.registration:_end": f"{HELD}; {ASKED}",
    "exams.services.otherdate:move": ASKED,
    "exams.services.otherdate:staff_move": HELD,
    "exams.services.registration:withdraw": ASKED,
    "exams.services.regrading:grade_anew": HELD,
    "exams.services.regrading:tell_removed": HELD,
    "exams.services.seating:_tell": HELD,
    "projects.hooks.leaving:tell_of_freed_projects": "an account is gone, which nobody can take back",
    "projects.services.allocating:publish_allocation": HELD,
    "projects.services.assessing:publish_assessments": HELD,
    "projects.services.checking:_finish": WORKER,
    "projects.services.extensions:_ask": ASKED,
    "projects.services.extensions:revoke_extension": f"{HELD}; until its own mail left nobody is told",
    "projects.services.farewell:_leave": ASKED,
    "projects.services.handin:_set_withdrawn": HELD,
    "projects.services.handin:accept_late_attempts": HELD,
    "projects.services.handin:_add_attempt": ASKED,
    "projects.services.ideas:decide_idea": HELD,
    "projects.services.ideas:propose_idea": ASKED,
    "projects.services.locks:tell_revoked": PASSED_ON,
    "projects.services.locks:tell_teams": PASSED_ON,
    "projects.services.matching:make_teams": HELD,
    "projects.services.registration:_tell_teams": PASSED_ON,
    "projects.services.registration:close_projects": f"{HELD}; {ASKED}",
    "projects.services.registration:leave_team": ASKED,
    "projects.services.registration:restore_projects": HELD,
    "projects.services.registration:start_project": f"{HELD}; {ASKED}",
    "projects.services.switching:_go_back": ASKED,
    "projects.services.switching:switch_topic": ASKED,
    "projects.services.teams:_take_out": HELD,
    "projects.services.teams:_tell_of_invitation": ASKED,
    "projects.services.teams:accept_invitation": ASKED,
    "projects.services.teams:decline_invitation": ASKED,
    "projects.services.teams:move_member": HELD,
    "projects.services.teams:revoke_invitation": ASKED,
}


def told_at_once() -> Iterator[str]:
    """Yield 'module:function' of each call that tells at once."""
    for app in ("amls", "exams", "lectures", "projects"):
        for path in (ROOT / app).rglob("*.py"):
            text = path.read_text()
            if not any(name in text for name in TELLING):
                continue
            tree = ast.parse(text)
            telling = telling_in(tree)
            for function in ast.walk(tree):
                if isinstance(function, ast.FunctionDef):
                    name = f"{path.relative_to(ROOT).with_suffix('').as_posix().replace('/', '.')}:{function.name}"
                    yield from (name for call in ast.walk(function) if is_at_once(call, telling))


def telling_in(tree: ast.Module) -> set[str]:
    """Return under which names a module tells somebody: what others give it, and its own."""
    given = [row for row in ast.walk(tree) if isinstance(row, ast.ImportFrom) and (row.module or "").startswith(GIVE)]
    own = [row.name for row in tree.body if isinstance(row, ast.FunctionDef)]
    return TELLING & {*own, *(alias.name for row in given for alias in row.names)}


def is_at_once(call: ast.AST, telling: set[str]) -> bool:
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.func.id not in telling:
        return False
    return "not_before" not in {keyword.arg for keyword in call.keywords}


@pytest.mark.unit
def test_who_is_told_at_once_is_told_so_for_a_reason() -> None:
    assert set(told_at_once()) == set(AT_ONCE)
