"""What was handed in, to be read beside the decision: files, what archives hold, and how two attempts differ.

Each answer is a document in a sandbox of its own: no script of anybody runs in it, and nothing from elsewhere is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from hashlib import sha256

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header
from django.utils.translation import get_language

from amls.core.violations import RuleViolation
from amls.files.checks import suffix_of
from amls.files.insides import HeldText, compare_texts, look_inside, take_out, texts_in
from amls.files.serving import PDF_POLICY, SANDBOX, ServedFile, guarded, serve_file
from projects.admin.assess.page import open_team
from projects.admin.pages import KeptAdmin
from projects.models import Submission, SubmissionFile
from projects.queries import TeamView

# Links of the document lead on within the frame, as the person who is signed in.
_POLICY = (
    "sandbox allow-same-origin; default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
# Changes with what these documents say of the same bytes.
_EDITION = 3
# Why an archive can't be read as a whole, as `HeldText` says it.
_UNREAD = {"encrypted": "encrypted", "too_big": "long", "too_slow": "long", "broken": "broken"}
_KEPT_FOR = timedelta(minutes=5)


def show_file(desk: KeptAdmin, request: HttpRequest, pk: int, file: int) -> HttpResponseBase:
    """Show one file of an attempt; of an archive also what lies in it.

    Raises:
        Http404: there is no such file in the person's courses.
    """
    row = _file(open_team(desk, request, pk), file)
    suffix = suffix_of(row.filename)
    if suffix == ".pdf":
        return serve_file(
            request,
            ServedFile(
                name=row.file.name or "", filename=row.filename, content_type=row.content_type, size=row.size,
                sha256=row.sha256, changed_at=row.submission.received_at, is_inline_safe=True, is_public=False,
            ),
        )  # fmt: skip
    path = request.GET.get("path", "")

    def answer() -> HttpResponse:
        context = {"file": row}
        try:
            with row.file.open("rb") as stream:
                inside = look_inside(stream, suffix=suffix, path=path)
        except (RuleViolation, OSError) as problem:
            return _document(request, "admin/projects/inside.html", {**context, "problem": _words(problem)}, status=422)
        return _document(request, "admin/projects/inside.html", {**context, "inside": inside})

    return _unless_kept(request, [row.sha256, suffix, path], answer)


def show_member(desk: KeptAdmin, request: HttpRequest, pk: int, file: int) -> HttpResponseBase:
    """Send a picture or a PDF that lies in an archive.

    Raises:
        Http404: there is none of this path.
    """
    row = _file(open_team(desk, request, pk), file)
    path = request.GET.get("path", "")

    def answer() -> HttpResponse:
        try:
            with row.file.open("rb") as stream:
                kind, content = take_out(stream, suffix=suffix_of(row.filename), path=path)
        except (RuleViolation, OSError) as problem:
            raise Http404 from problem
        name = path.rpartition("/")[2]
        return guarded(
            HttpResponse(
                content,
                content_type=kind,
                headers={"Content-Disposition": content_disposition_header(False, name) or "inline"},
            ),
            PDF_POLICY if kind == "application/pdf" else SANDBOX,
        )

    return _unless_kept(request, [row.sha256, "member", path], answer, (PDF_POLICY, SANDBOX))


def show_differences(desk: KeptAdmin, request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show how what two attempts hold differs, line by line.

    Raises:
        Http404: there are no such attempts.
    """
    view = open_team(desk, request, pk)
    by_number = {str(attempt.row.attempt): attempt.row for attempt in view.attempts}
    asked = [by_number.get(request.GET.get(name, "")) for name in ("old", "new")]
    old, new = asked
    if old is None or new is None:
        raise Http404

    def answer() -> HttpResponse:
        context = {"old": old, "new": new}
        try:
            differences, is_cut = compare_texts(_held(old, beside=new), _held(new, beside=old))
        except (RuleViolation, OSError) as problem:
            return _document(request, "admin/projects/differences.html", {**context, "problem": _words(problem)}, 422)
        shown = {**context, "differences": differences, "is_cut": is_cut}
        return _document(request, "admin/projects/differences.html", shown)

    named = [file.sha256 + file.filename for row in (old, new) for file in row.files.all()]
    return _unless_kept(request, ["differences", str(old.pk), str(new.pk), old.commit, new.commit, *named], answer)


def _held(row: Submission, *, beside: Submission) -> Iterable[HeldText]:
    """Return what an attempt holds; files that are the same in both need no reading."""
    same = {(file.sha256, file.filename) for file in beside.files.all()}
    for file in row.files.all():
        if (file.sha256, file.filename) in same:
            continue
        try:
            with file.file.open("rb") as stream:
                texts = texts_in(stream, suffix=suffix_of(file.filename), name=file.filename)
        except RuleViolation as problem:
            if problem.code not in _UNREAD:
                raise
            # The others are compared, and this one is named.
            texts = [HeldText(file.filename, file.sha256, None, _UNREAD[problem.code])]
        yield from texts


def _file(view: TeamView, pk: int) -> SubmissionFile:
    rows = SubmissionFile.objects.filter(submission__project=view.project).select_related("submission")
    return get_object_or_404(rows, pk=pk)


def _words(problem: RuleViolation | OSError) -> str:
    return str(problem.message) if isinstance(problem, RuleViolation) else ""


def _document(request: HttpRequest, template: str, context: dict[str, object], status: int = 200) -> HttpResponse:
    return guarded(render(request, template, context, status=status), _POLICY)


def _unless_kept(
    request: HttpRequest, named: list[str], answer: Callable[[], HttpResponse], policies: Iterable[str] = (_POLICY,)
) -> HttpResponseBase:
    """Answer anew only where the browser does not have it: what was handed in never changes.

    Args:
        request: which may name what the browser has.
        named: what the answer depends on.
        answer: makes it, guarded by one of the policies.
        policies: each has its own tag, so that what the browser has is confirmed with the one that it came with.
    """
    for policy in policies:
        etag = _tag(named, policy)
        kept = get_conditional_response(request, etag=etag, response=HttpResponse())
        if kept is not None and kept.status_code == 304:
            return _to_be_kept(guarded(kept, policy), etag)
    response = answer()
    if response.status_code == 200:
        _to_be_kept(response, _tag(named, response.headers["Content-Security-Policy"]))
    return response


def _tag(named: list[str], policy: str) -> str:
    said = "\0".join([str(_EDITION), get_language() or "", policy, *named])
    return f'"{sha256(said.encode()).hexdigest()[:32]}"'


def _to_be_kept(response: HttpResponseBase, etag: str) -> HttpResponseBase:
    response.headers["ETag"] = etag
    response.headers["Cache-Control"] = f"private, max-age={int(_KEPT_FOR.total_seconds())}"
    return response
