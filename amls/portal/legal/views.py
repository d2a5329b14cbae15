"""What belongs to the whole site: legal pages, language, the person's own name."""

from pathlib import Path

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from amls.core.origin import is_same_origin, place_here
from amls.core.request import now_of
from amls.courses.accounts import user_of, user_or_none
from amls.courses.models import Language
from amls.courses.participation import change_profile
from amls.membership.claims import claim_in_own_courses
from amls.portal.me.forms import ProfileForm, bound_numbers
from amls.portal.models import LegalPage

_NOT_FOR_ROBOTS = ("/accounts/", "/admin/", "/exports/", "/language/", "/search/", "/*/search/")
_DEFAULTS = Path(__file__).resolve().parent


@require_safe
def legal(request: HttpRequest, kind: str) -> HttpResponse:
    """Show a legal page in the reader's language: the staff's words, or a useful default."""
    if kind not in LegalPage.Kind.values:
        raise Http404
    language = (get_language() or "en")[:2]
    page = LegalPage.objects.filter(kind=kind, language=language).first()
    text = page.text if page is not None else (_DEFAULTS / f"{kind}.{language}.md").read_text(encoding="utf-8")
    return render(request, "portal/legal.html", {"title": LegalPage.Kind(kind).label, "text": text})


@require_safe
@cache_control(public=True, max_age=86400)
def favicon(request: HttpRequest) -> HttpResponse:
    """Lead to the icon: browsers ask for it here where a page names none, such as one file alone."""
    return redirect(static("img/favicon.ico"))


@require_safe
@cache_control(public=True, max_age=86400)
def robots(request: HttpRequest) -> HttpResponse:
    """Say what machines leave alone (RFC 9309): what needs a person, and what is made when asked for."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in _NOT_FOR_ROBOTS)]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


@csrf_exempt
@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Keep the reader's choice of language, and go back.

    Its button stands on pages that are kept for everyone and can hold no CSRF token; so
    the browser's word for where the request comes from is checked instead.
    """
    if not is_same_origin(request):
        return HttpResponseBadRequest(_("This form was sent from another site. Go back and choose again."))
    chosen = request.POST.get("language", "")
    if chosen not in Language.values:
        return HttpResponseBadRequest(_("This language is not offered."))
    if (user := user_or_none(request)) is not None:
        change_profile(user=user, language=chosen)
    return _remember_language(HttpResponseRedirect(place_here(request, request.POST.get("next")) or "/"), chosen)


def _remember_language(response: HttpResponse, language: str) -> HttpResponse:
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=365 * 24 * 3600,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return response


@login_required
def profile(request: HttpRequest) -> HttpResponse:
    """Let people change their name, matriculation number and language."""
    user = user_of(request)
    form = ProfileForm(request.POST or None, user=user)
    bound_numbers(request, form)
    if request.method == "POST" and form.is_valid():
        changed = change_profile(user=user, **form.cleaned_data)
        claim_in_own_courses(user=changed, now=now_of(request))
        with override(form.cleaned_data["language"] or get_language()):
            messages.success(request, _("Saved."))
        response = redirect("portal:profile")
        chosen = form.cleaned_data["language"]
        return _remember_language(response, chosen) if chosen else response
    return render(request, "portal/profile.html", {"form": form})
