"""One click in a mail that stops its kind (RFC 8058)."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from amls.courses.models import Course, User
from amls.mail.categories import TOPICS
from amls.mail.preferences import set_preference, wants
from amls.mail.tokens import read_token


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Stop (or take up again) the mails of one topic in one course, for whoever holds the address from the mail.

    A mail program posts here without cookies and gets 200 and no redirect; a person sees
    a page that asks first: programs that fetch links in advance change nothing.
    """
    subscription = read_token(token)
    user = User.objects.filter(pk=subscription.user_pk, is_active=True).first() if subscription else None
    course = Course.objects.filter(pk=subscription.course_pk).first() if subscription else None
    if subscription is None or user is None or course is None:
        raise Http404
    topic = TOPICS[subscription.topic]
    if request.method == "POST":
        set_preference(user=user, course=course, topic=topic, is_on="again" in request.POST)
    is_on = wants(user=user, course=course, topic=topic)
    context = {"topic": topic, "about": course, "is_on": is_on, "is_done": request.method == "POST", "token": token}
    with translation.override(user.language or course.language):
        return render(request, "mail/unsubscribe.html", context)
