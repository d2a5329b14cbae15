"""A course as a file: read from a hand-kept page or a course.toml, compared, applied, written."""
