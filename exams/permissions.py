"""Who opens the door of an exam: its course's staff, and helpers with a link of that day."""

from amls.core.seals import is_one_of, seal_of, seals_of
from exams.models import Exam, HelperLink, Registration

_LINK_SALT, _SLIP_SALT = "exams.helper", "exams.slip"
_LENGTH = 32


def helper_token(link: HelperLink) -> str:
    """Return what stands in a helper's address: the link's number and an HMAC over it and its exam."""
    return _signed(link.pk, seal_of(_LINK_SALT, f"{link.pk}:{link.exam_id}"))


def find_helper(token: str, exam: Exam) -> HelperLink | None:
    """Return whose token it is, if it is one of this exam; whether it works now is for works_at() to say."""
    number = token.partition("-")[0]
    if not number.isascii() or not number.isdigit() or len(number) > 18:
        return None
    link = HelperLink.objects.filter(pk=int(number), exam=exam).first()
    if link is None or not _is_signed(token, link.pk, _LINK_SALT, f"{link.pk}:{link.exam_id}"):
        return None
    link.exam = exam
    return link


def slip_code(registration_pk: int, exam_pk: int) -> str:
    """Return what the slip's QR code says of a registration: its number and an HMAC, so that none can be made up."""
    return _signed(registration_pk, seal_of(_SLIP_SALT, f"{registration_pk}:{exam_pk}"))


def find_by_slip(code: str, exam: Exam) -> Registration | None:
    """Return whose slip it is, or None if it is not one of this exam."""
    number = code.partition("-")[0]
    if not number.isascii() or not number.isdigit() or len(number) > 18:
        return None
    if not _is_signed(code, int(number), _SLIP_SALT, f"{int(number)}:{exam.pk}"):
        return None
    return Registration.objects.with_people().filter(pk=int(number), exam=exam).first()


def _signed(number: int, seal: bytes) -> str:
    return f"{number}-{seal.hex()[:_LENGTH]}"


def _is_signed(token: str, number: int, salt: str, value: str) -> bool:
    """Return whether a token is one by the present key, or by one that was replaced."""
    return is_one_of(token, (_signed(number, seal) for seal in seals_of(salt, value)))
