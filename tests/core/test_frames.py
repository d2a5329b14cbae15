"""What each page is put together from is looked for once: its view, the blocks of its frame, and its policy."""

import pytest
from csp.constants import NONCE, SELF
from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse
from django.template import Context, Engine
from django.test import Client, RequestFactory, override_settings
from django.urls import Resolver404, get_resolver, path, reverse
from django.views.decorators.http import require_safe

from amls.core.known_paths import KnownPaths
from amls.core.middleware import PolicyMiddleware


@require_safe
def _show(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    return HttpResponse(f"{slug} {pk}")


def test_an_address_leads_to_its_view_each_time_and_what_one_request_does_to_its_match_is_not_seen_by_the_next() -> (
    None
):
    for _again in range(2):
        match = get_resolver().resolve(reverse("exams:register", args=["amls", 7]))
        assert (match.view_name, match.kwargs) == ("exams:register", {"slug": "amls", "pk": 7})
        match.kwargs["pk"] = 8


def test_nothing_is_kept_of_addresses_that_lead_nowhere_or_are_very_long() -> None:
    addresses = KnownPaths([path("<slug:slug>/<int:pk>/", _show)])
    for _again in range(2):
        with pytest.raises(Resolver404):
            addresses.resolve("amls/seven/")
    assert addresses.resolve(f"{'a' * 300}/7/").kwargs["pk"] == 7
    assert addresses.resolve("amls/7/").kwargs == {"slug": "amls", "pk": 7}
    assert addresses._known.cache_info().currsize == 1


def test_a_page_fills_the_blocks_of_its_frame_also_where_frames_extend_one_another() -> None:
    engine = Engine(
        loaders=[
            (
                "django.template.loaders.cached.Loader",
                [
                    (
                        "django.template.loaders.locmem.Loader",
                        {
                            "frame": "<{% block a %}a{% block b %}b{% endblock %}{% endblock %}|{% block c %}c{% endblock %}>",
                            "section": '{% extends "frame" %}{% block b %}B{{ block.super }}{% endblock %}',
                            "page": '{% extends "section" %}{% block c %}C{{ block.super }}{% endblock %}',
                            "other": "{% extends name %}{% block a %}A{% endblock %}",
                        },
                    )
                ],
            )
        ],
        builtins=["amls.core.extends_tags"],
    )
    for _again in range(2):
        assert engine.get_template("page").render(Context()) == "<aBb|Cc>"
        assert engine.get_template("other").render(Context({"name": "frame"})) == "<A|c>"
        assert engine.get_template("other").render(Context({"name": engine.get_template("page")})) == "<A|Cc>"
        assert engine.get_template("frame").render(Context()) == "<ab|c>"


def test_each_answer_has_the_policy_of_the_settings_and_a_view_may_add_to_it() -> None:
    def plain(_request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    @csp_update({"script-src": ["https://videos.example.org"]})
    def other(_request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    def with_nonce(request: HttpRequest) -> HttpResponse:
        return HttpResponse(str(request.csp_nonce))  # type: ignore[attr-defined]

    with override_settings(CONTENT_SECURITY_POLICY={"DIRECTIVES": {"script-src": [SELF, NONCE]}}):
        middleware = PolicyMiddleware(plain)
        for view, policy in (
            (plain, "script-src 'self'"), (other, "script-src 'self' https://videos.example.org"), (plain, "script-src 'self'"),
        ):  # fmt: skip
            middleware.get_response = view
            said = middleware(RequestFactory().get("/")).headers["Content-Security-Policy"]
            assert set(said.split("; ")) == {"default-src 'self'", policy}
        middleware.get_response = with_nonce
        answer = middleware(RequestFactory().get("/"))
        nonce = answer.content.decode()
        assert f"script-src 'self' 'nonce-{nonce}'" in answer.headers["Content-Security-Policy"].split("; ")


def test_the_desk_has_its_own_policy_after_a_page_and_a_page_its_own_after_the_desk(client: Client) -> None:
    policies = [client.get(at).headers["Content-Security-Policy"] for at in ("/healthz", "/admin/login/", "/healthz")]
    assert policies[0] == policies[2] != policies[1]
