"""Who opens the door of an exam: its course's staff, and helpers with a link of that day."""

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

from exams.models import Exam, HelperLink, Registration

_LINK_SALT, _SLIP_SALT = "exams.helper", "exams.slip"
_LENGTH = 32


def helper_token(link: HelperLink) -> str:
    """Return what stands in a helper's address: the link's number and an HMAC over it and its exam."""
    return f"{link.pk}-{_sign(_LINK_SALT, f'{link.pk}:{link.exam_id}')}"


def find_helper(token: str, exam: Exam) -> HelperLink | None:
    """Return whose token it is, if it is one of this exam; whether it works now is for works_at() to say."""
    number = token.partition("-")[0]
    if not number.isascii() or not number.isdigit() or len(number) > 18:
        return None
    link = HelperLink.objects.filter(pk=int(number), exam=exam).first()
    if link is None or not constant_time_compare(token, helper_token(link)):
        return None
    link.exam = exam
    return link


def slip_code(registration_pk: int, exam_pk: int) -> str:
    """Return what the slip's QR code says of a registration: its number and an HMAC, so that none can be made up."""
    return f"{registration_pk}-{_sign(_SLIP_SALT, f'{registration_pk}:{exam_pk}')}"


def find_by_slip(code: str, exam: Exam) -> Registration | None:
    """Return whose slip it is, or None if it is not one of this exam."""
    number = code.partition("-")[0]
    if not number.isascii() or not number.isdigit() or len(number) > 18:
        return None
    if not constant_time_compare(code, slip_code(int(number), exam.pk)):
        return None
    return Registration.objects.with_people().filter(pk=int(number), exam=exam).first()


def _sign(salt: str, value: str) -> str:
    return salted_hmac(salt, value, secret=settings.SECRET_KEY, algorithm="sha256").hexdigest()[:_LENGTH]
