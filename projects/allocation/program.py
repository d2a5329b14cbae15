"""An allocation as a linear program, solved by HiGHS.

A column is a pair of a team and a topic that may come together; rows count the teams' topics, the topics' teams
and the mentors' teams. Where every topic may have any number of teams up to its slots, or has to be held, the rows
are two families of nested sets: every vertex is whole (the matrix is totally unimodular), and so are the prices.
Only a topic that is held by so many teams or by none needs a whole-numbered column of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import highspy
import numpy as np

from projects.allocation.problem import AllocationInput, Demand, SolverFailedError

_INFINITE = highspy.kHighsInf
# Costs and prices are whole numbers: what is off by less is zero.
_WHOLE = 0.5
# Of one solution; an allocation takes dozens of them, milliseconds each.
_LONGEST_SECONDS = 120.0


class _QuietSolver(highspy.Highs):
    """HiGHS without a word: its constructor sets callbacks, and that prints a banner before any option can be set."""

    def enableCallbacks(self) -> None:  # noqa: N802 - the solver's name
        """Be silent instead; no callback is used."""
        self.silent()


class Program:
    """Teams, topics and rules as the solver has them.

    Attributes:
        pairs: the columns, (team, topic) by their keys: team by team, each team's by rank.
        by_team: the columns of each team, by rank.
    """

    def __init__(
        self, problem: AllocationInput, *, without: Collection[Demand] = (), held: Collection[int] | None = None
    ) -> None:
        """Build the program.

        Args:
            problem: what it is made from.
            without: rules that are left out.
            held: the topics that are held, where that is decided; None: as is best.
        """
        self.problem = problem
        self._without = frozenset(without)
        self.pairs: list[tuple[int, int]] = []
        self.by_team: dict[int, list[int]] = {}
        lower: list[float] = []
        for team in problem.teams:
            pinned = problem.pins.get(team.key)
            is_bound = pinned is not None and Demand("pin", team=team.key, topic=pinned) not in self._without
            columns = self.by_team.setdefault(team.key, [])
            # A pin that is left out still lets the team have the topic: less rules never leave less to choose from.
            wished = [] if is_bound else team.wishes
            for topic in dict.fromkeys([*wished, *([] if pinned is None else [pinned])]):
                if is_bound or not self._is_forbidden(team.key, topic):
                    columns.append(len(self.pairs))
                    self.pairs.append((team.key, topic))
                    lower.append(float(is_bound))
        self._index, self._values, self._starts = list[int](), list[float](), [0]
        self._row_lower, self._row_upper = list[float](), list[float]()
        self.choices = self._add_rows(held)
        width = len(self.pairs) + len(self.choices)
        upper = [0.0 if self._is_forbidden(*pair) else 1.0 for pair in self.pairs]
        # A pin of what is forbidden: the bounds cross, and the solver says so.
        self.lower = np.array(lower + [0.0] * len(self.choices))
        self.upper = np.array(upper + [1.0] * len(self.choices))
        self._all = np.arange(width, dtype=np.int32)
        self._solver = self._passed_on(width)
        self.values = np.zeros(width)

    def _is_forbidden(self, team: int, topic: int) -> bool:
        return any(rule not in self._without for rule in self.problem.rules_against(team, topic))

    @property
    def has_choices(self) -> bool:
        """Whether some topics may be held or not, which takes whole-numbered columns."""
        return bool(self.choices)

    def _add_rows(self, held: Collection[int] | None) -> dict[int, int]:
        by_topic: dict[int, list[int]] = {topic.key: [] for topic in self.problem.topics}
        for column, (_, key) in enumerate(self.pairs):
            by_topic[key].append(column)
        for columns in self.by_team.values():
            self._add_row(dict.fromkeys(columns, 1), upper=1)
        choices: dict[int, int] = {}
        for topic in self.problem.topics:
            columns = by_topic[topic.key]
            slots = _INFINITE if Demand("slots", topic=topic.key) in self._without else topic.slots
            smallest = 0 if Demand("smallest", topic=topic.key) in self._without else topic.smallest
            counted = dict.fromkeys(columns, 1.0)
            if smallest and held is None and not topic.must_be_held:
                choice = choices[topic.key] = len(self.pairs) + len(choices)
                self._add_row({**counted, choice: -float(min(slots, len(columns)))}, upper=0)
                self._add_row({**counted, choice: -float(smallest)}, lower=0)
            elif smallest and held is not None and topic.key not in held:
                self._add_row(counted, upper=0)
            else:
                self._add_row(counted, lower=smallest or -_INFINITE, upper=slots)
        for mentor, topics in self.problem.mentored().items():
            if Demand("most", mentor=mentor) not in self._without:
                columns = [column for key in topics for column in by_topic[key]]
                self._add_row(dict.fromkeys(columns, 1), upper=self.problem.most[mentor])
        return choices

    def _add_row(self, entries: Mapping[int, float], *, lower: float = -_INFINITE, upper: float = _INFINITE) -> None:
        self._index += entries.keys()
        self._values += entries.values()
        self._starts.append(len(self._index))
        self._row_lower.append(lower)
        self._row_upper.append(upper)

    def _passed_on(self, width: int) -> highspy.Highs:
        rows = highspy.HighsLp()
        rows.num_col_, rows.num_row_ = width, len(self._row_lower)
        rows.col_cost_, rows.col_lower_, rows.col_upper_ = np.zeros(width), self.lower, self.upper
        rows.row_lower_, rows.row_upper_ = np.array(self._row_lower), np.array(self._row_upper)
        rows.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        rows.a_matrix_.start_ = np.array(self._starts, dtype=np.int32)
        rows.a_matrix_.index_ = np.array(self._index, dtype=np.int32)
        rows.a_matrix_.value_ = np.array(self._values, dtype=float)
        if self.choices:
            kinds = highspy.HighsVarType
            rows.integrality_ = [kinds.kContinuous] * len(self.pairs) + [kinds.kInteger] * len(self.choices)
        solver = _QuietSolver()  # type: ignore[no-untyped-call] # has no types
        options: dict[str, Any] = {
            "threads": 1,
            "random_seed": 0,
            "time_limit": _LONGEST_SECONDS,
            "mip_rel_gap": 0.0,
            "mip_abs_gap": _WHOLE,
        }
        for name, value in options.items():
            solver.setOptionValue(name, value)
        solver.passModel(rows)
        return solver

    def minimise(self, costs: Mapping[int, int]) -> bool:
        """Find the whole-numbered values of the columns that cost least; return whether there are any.

        Args:
            costs: of columns, whole numbers; others cost nothing.

        Raises:
            SolverFailedError: the solver came to no end.
        """
        if not self.pairs:
            # The solver looks at no row of a program without columns. Who needs nobody is content with nobody.
            return all(lower <= 0 for lower in self._row_lower)
        if np.any(self.lower > self.upper):
            return False
        priced = np.zeros(len(self._all))
        priced[list(costs)] = list(costs.values())
        self._solver.changeColsCost(len(self._all), self._all, priced)
        self._solver.changeColsBounds(len(self._all), self._all, self.lower, self.upper)
        self._solver.run()
        status = self._solver.getModelStatus()
        if status == highspy.HighsModelStatus.kInfeasible:
            return False
        if status != highspy.HighsModelStatus.kOptimal:
            raise SolverFailedError(str(status))
        solution = np.array(self._solver.getSolution().col_value)
        self.values = np.round(solution)
        if np.abs(solution - self.values).max(initial=0) > 1e-4:
            raise SolverFailedError("a value that is no whole number")
        return True

    def chosen(self) -> dict[int, int]:
        """Return the topic of each team that has one, as found last."""
        return dict(pair for column, pair in enumerate(self.pairs) if self.values[column] > _WHOLE)

    def cost(self, costs: Mapping[int, int]) -> int:
        """Return what was found last would cost."""
        return sum(cost for column, cost in costs.items() if self.values[column] > _WHOLE)

    def fix(self, columns: Iterable[int]) -> None:
        """Keep the columns as they were found last."""
        for column in columns:
            self.lower[column] = self.upper[column] = self.values[column]

    def keep_the_best(self) -> None:
        """Keep to what costs as little as what was found last, without a row more: only where there are no choices.

        A column whose reduced cost is not zero has its bound in all solutions that cost as little, and so has a row
        with a price (complementary slackness). What is left has whole vertices and prices as before.
        """
        solution = self._solver.getSolution()
        has_price = np.abs(np.array(solution.col_dual)) > _WHOLE
        self.lower[has_price] = self.upper[has_price] = self.values[has_price]
        rows = np.array(solution.row_value)
        for row in np.nonzero(np.abs(np.array(solution.row_dual)) > _WHOLE)[0]:
            self._solver.changeRowBounds(int(row), float(round(rows[row])), float(round(rows[row])))

    def require(self, costs: Mapping[int, int], total: int) -> None:
        """Keep to what costs `total` by a row more: where there are choices."""
        columns = np.array(list(costs), dtype=np.int32)
        self._solver.addRow(float(total), float(total), len(columns), columns, np.array(list(costs.values()), float))

    def open_columns(self, team: int) -> Sequence[int]:
        """Return the columns that a team may still get, by rank."""
        return [column for column in self.by_team[team] if self.upper[column] > _WHOLE]

    def is_settled(self, team: int) -> bool:
        """Return whether it is decided which topic a team gets, or that it gets none."""
        return all(self.lower[column] == self.upper[column] for column in self.by_team[team])
