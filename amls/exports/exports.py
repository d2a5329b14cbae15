"""The kinds that belong to no course."""

from amls.exports.archive import NAME

__all__ = ["NAME"]
