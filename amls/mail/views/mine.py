"""What I get by mail, what I got, and why."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from amls.courses.access import open_course
from amls.courses.accounts import user_of
from amls.mail.categories import TOPICS
from amls.mail.letters import topic_of
from amls.mail.models import Notice
from amls.mail.preferences import preferences_of, set_preference

_PER_PAGE = 50


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def mine(request: HttpRequest, slug: str) -> HttpResponse:
    """My mail settings in a course, and everything that was sent to me about it or about my account."""
    access = open_course(request, slug)
    if access.enrolment is None:
        raise Http404
    user, course = user_of(request), access.course
    if request.method == "POST":
        for topic in TOPICS.values():
            set_preference(user=user, course=course, topic=topic, is_on=topic.name in request.POST)
        messages.success(request, _("Saved. Mail that is on its way already may still come."))
        return redirect("mail:mine", slug=slug)
    told = Notice.objects.filter(Q(course=course) | Q(course__isnull=True), recipient=user)
    told = told.filter(state__in=[Notice.State.SENT, Notice.State.FAILED]).order_by("-created_at", "-pk")
    page = Paginator(told, _PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "access": access,
        "course": course,
        "tab": "me",
        "preferences": preferences_of(user, course),
        "page": page,
        "rows": [(notice, topic_of(notice.kind)) for notice in page.object_list],
    }
    return render(request, "mail/mine.html", context)
