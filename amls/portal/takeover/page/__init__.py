"""A course page, as lecturers keep it by hand: plain text or HTML."""

from amls.portal.takeover.page.reader import make_slug, read_page

__all__ = ["make_slug", "read_page"]
