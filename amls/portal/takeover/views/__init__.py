"""Bringing a course in, and holding one again."""
