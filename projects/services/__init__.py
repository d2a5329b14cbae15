"""Writes to projects: each takes locks in the order course, topic, project, enrolment."""
