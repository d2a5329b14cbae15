"""The readers of what lecturers have: each turns one container into numbered rows of cells, as values that JSON knows.

They run in the limited child and know neither Django nor what the rows mean.
"""
