"""Letters about what was handed in."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amls.core.markdown import escape_markdown
from amls.core.times import say_time
from amls.mail.letters import Letter, letter
from amls.mail.models import Notice
from amls.mail.wording import escaped
from projects.deadlines import Deadlines, counting_submission, standing_of, standing_when_received
from projects.hooks.letters.wording import due, mine, why_member
from projects.models import Membership, Submission
from projects.receipts import receipt_code


def _submission(notice: Notice) -> Submission | None:
    rows = Submission.objects.select_related(
        "project__topic", "project__assignment__course", "project__picked", "submitted_by__user"
    )
    return rows.prefetch_related("files").filter(pk=notice.references["submission"]).first()


@letter("projects.receipt", label=gettext_lazy("Receipt of a hand-in"))
def receipt(notice: Notice, now: datetime) -> Letter | None:
    """Give everyone in the team the receipt of an attempt."""
    submission = _submission(notice)
    if submission is None:
        return None
    project = submission.project
    course = project.course
    values = {
        "attempt": submission.attempt,
        "topic": project.title,
        "name": submission.submitted_by.user,
        "began": say_time(submission.began_at, course.zone, now=now),
        "code": receipt_code(submission.pk),
    }
    lines = [
        f"- {escape_markdown(file.filename)} ({file.size} B)  \n  SHA-256 `{file.sha256}`"
        for file in submission.files.all()
    ]
    if submission.repository_url:
        lines.append(f"- {escape_markdown(submission.repository_url)}  \n  `{submission.commit}`")
    return Letter(
        subject=_("Receipt: attempt %(attempt)s of %(topic)s") % values,
        text="\n\n".join(
            [
                _("**%(name)s** handed in attempt %(attempt)s of **%(topic)s**. The upload began %(began)s.")
                % escaped(values),
                _standing(submission, now),
                "\n".join(lines),
                _("Code of the receipt: `%(code)s`") % values,
            ]
        ),
        action=(_("Check the receipt"), reverse("projects:receipt", args=[values["code"]])),
        reason=why_member(submission.project.assignment),
    )


def _standing(submission: Submission, now: datetime) -> str:
    """Say how an attempt stands, in Markdown: in time or late, whether it counts, and what the deadline was where it is late."""
    project = submission.project
    # Whenever it leaves or is read again: what it says is how it stood when it was given.
    given = standing_when_received(submission)
    stands = given or standing_of(submission)
    if stands.is_counting:
        standing = _("It is in time.")
        if given is None and not stands.is_in_time and submission.accepted_at is not None:
            standing = _("It is late, and the staff accepted it as if it were in time.")
        elif not stands.is_in_time:
            standing = _("**It is late.** It counts, and **%(percent)s %%** of its points are deducted.") % escaped(
                {"percent": stands.percent}
            )
        if project.picked is not None and project.picked_id != submission.pk:
            standing += " " + _(
                "**Attempt %(picked)s goes on counting**, because your team picked it. "
                "Let this one count on your project's page if you want to."
            ) % {"picked": project.picked.attempt}
    else:
        standing = _("**It is late.** It is kept, and counts only if the staff accept it.")
    if not stands.is_in_time and stands.due_at is not None:
        due_at = say_time(stands.due_at, project.course.zone, now=now)
        standing += " " + _("The deadline was **%(due)s**.") % {"due": due_at}
    return standing


@letter("projects.late-accepted", label=gettext_lazy("Late hand-in accepted"))
def late_accepted(notice: Notice, now: datetime) -> Letter | None:
    """Tell that a late attempt counts."""
    submission = _submission(notice)
    if submission is None or submission.accepted_at is None:
        return None
    values = {"attempt": submission.attempt, "topic": submission.project.title}
    text = _("The staff accepted attempt %(attempt)s of **%(topic)s** although it was late.") % escaped(values)
    if submission.project.assignment.late_percent:
        text += " " + _("Nothing is deducted for that.")
    return Letter(
        subject=_("Your late hand-in counts: %(topic)s") % values,
        text=text,
        action=mine(submission.project),
        reason=why_member(submission.project.assignment),
    )


@letter("projects.attempt-withdrawn", label=gettext_lazy("Hand-in taken out of account"))
def attempt_withdrawn(notice: Notice, now: datetime) -> Letter | None:
    """Tell that the staff took an attempt out of account, and what counts instead."""
    submission = _submission(notice)
    if submission is None or submission.withdrawn_at is None:
        return None
    text = _("The staff took attempt %(attempt)s of **%(topic)s** out of account. It is kept, but no longer counts.")
    return _about_attempt(submission, now, subject=_("A hand-in no longer counts: %(topic)s"), text=text)


@letter("projects.attempt-refused", label=gettext_lazy("Hand-in not readable"))
def attempt_refused(notice: Notice, now: datetime) -> Letter | None:
    """Tell that a file of an attempt turned out not to be what its name says, and what counts instead."""
    submission = _submission(notice)
    if submission is None or submission.withdrawn_at is None:
        return None
    reasons = " ".join(escape_markdown(file.why_refused) for file in submission.files.all() if file.refusal)
    text = _("Attempt %(attempt)s of **%(topic)s** was looked into after it was kept, and no longer counts.")
    letter = _about_attempt(submission, now, subject=_("A hand-in can't be read: %(topic)s"), text=text)
    advice = _("If you need more time because of this, ask the staff: they can bring the attempt back.")
    return replace(letter, text=f"{letter.text}\n\n{reasons}\n\n{advice}")


@letter("projects.attempt-restored", label=gettext_lazy("Hand-in brought back"))
def attempt_restored(notice: Notice, now: datetime) -> Letter | None:
    """Tell that the staff brought an attempt back, and what counts now."""
    submission = _submission(notice)
    if submission is None or submission.withdrawn_at is not None:
        return None
    text = _("The staff brought attempt %(attempt)s of **%(topic)s** back.")
    return _about_attempt(submission, now, subject=_("A hand-in is back: %(topic)s"), text=text)


def _about_attempt(submission: Submission, now: datetime, *, subject: str, text: str) -> Letter:
    project, values = submission.project, {"attempt": submission.attempt, "topic": submission.project.title}
    members = Membership.objects.active().filter(project=project).values_list("enrolment", flat=True)
    counting = counting_submission(project, project.submissions.all(), Deadlines.of(project.assignment), members)
    if counting is not None:
        standing = _("Attempt %(attempt)s counts now.") % {"attempt": counting.attempt}
    else:
        standing = _("No attempt counts now.") + " " + due(project, now)
    return Letter(
        subject=subject % values,
        text=f"{text % escaped(values)} {standing}",
        action=mine(project),
        reason=why_member(project.assignment),
    )
