"""What leaves the desk and comes back: archives of hand-ins, tables of results and topics; and what is printed."""

from projects.exports.documents import RECEIPT, TOPICS

__all__ = ["RECEIPT", "TOPICS"]
