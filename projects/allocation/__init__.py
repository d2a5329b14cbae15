"""Topics given by wish: from ranked wishes and the staff's rules to who works on what, and why.

Knows neither Django nor the database. Of all allocations that keep to the rules, the one is made that

1. places most teams on a topic that they wished for,
2. keeps the worst rank that a team gets as good as possible,
3. has the smallest sum of ranks,
4. is best for the teams in the order in which the seed draws them: the first drawn gets the best rank that it can
   have in any of these allocations, then the second, and so on.

The fourth leaves one allocation. So the same input gives the same result with any solver, on any machine, and
anyone can find it again from the published file: `python -m projects.allocation FILE`.
"""
