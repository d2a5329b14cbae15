"""The kind of export that belongs to no course: 'my data'."""

from amls.exports.archive import MY_DATA
from amls.exports.kinds import offer

offer(MY_DATA)
