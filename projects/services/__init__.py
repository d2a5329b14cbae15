"""Writes to projects: each takes locks in the order course, project, topic, enrolment."""
