"""Teams without a topic yet, and what they wish for."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from amls.agenda.services import follow_people
from amls.core.meanwhile import CODE, changed_meanwhile
from amls.core.text import clean_line
from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment, User
from amls.held.services import HOLD
from amls.mail.corrections import Correction, notify_corrected
from projects.models import (
    Allocation,
    Assignment,
    MentorLimit,
    Project,
    TeamMatching,
    Topic,
    TopicPlacement,
    Wish,
    WishChange,
    WishList,
)
from projects.services.locks import (
    active_membership,
    lock_enrolment,
    lock_project,
    require_registration_open,
    require_running,
    require_within,
    save_checked,
    told_of,
    whom_to_ask,
)
from projects.services.registration import add_member, require_active, require_without_project
from projects.services.teams import invite_member
from projects.teamrows import members_of


def form_team(*, assignment: Assignment, enrolment: Enrolment, emails: Iterable[str] = (), now: datetime) -> Project:
    """Form a team whose topic is given by wish, all or nothing; pressed twice it is the same team.

    Raises:
        RuleViolation: topics are not given by wish here or were given already, registration is not open, the person
            is no student of the course or in another team; or as for `invite_member`.
    """
    with transaction.atomic():
        enrolment = lock_enrolment(enrolment.pk)
        existing = active_membership(enrolment, assignment)
        if existing is not None and existing.project.topic_id is None:
            return existing.project
        if enrolment.is_staff or enrolment.course_id != assignment.course_id:
            raise RuleViolation(_("Only students of this course form teams."), code="not-a-student")
        require_by_wish(assignment)
        require_not_given(assignment)
        require_registration_open(assignment, now=now)
        require_without_project(enrolment, assignment)
        project = Project.objects.create(assignment=assignment, registered_at=now)
        add_member(project, enrolment, now=now)
        # In order, as bounds want it.
        for email in sorted({email.lower(): email for email in emails}.values(), key=str.lower):
            invite_member(project=project, email=email, by=enrolment, now=now)
    return project


def rank_topics(
    *,
    project: Project,
    topics: Sequence[int],
    version: int,
    by: Enrolment | None = None,
    now: datetime,
    is_late: bool = False,
) -> WishList:
    """Keep what a team wishes for: any member may change it until the deadline, and each sees what the others did.

    Args:
        project: of an assignment whose topics are given by wish.
        topics: the keys of topics on offer, the best first. Fewer than the fewest wishes are kept, and don't count.
        version: of the list that was changed: 0 where there was none. What a teammate did since is not lost.
        by: the member; None for the staff.
        now: the request's clock.
        is_late: whether the staff add it after the deadline.

    Raises:
        RuleViolation: the time is over, a teammate changed the list meanwhile (code 'changed-meanwhile'), a topic is
            there twice, unknown or not on offer any more, or these are too many.
    """
    with transaction.atomic():
        project = lock_project(project.pk)
        assignment = project.assignment
        require_active(project)
        require_by_wish(assignment)
        require_not_given(assignment)
        if not is_late:
            require_wishes_open(assignment, now=now)
        row = WishList.objects.select_for_update(of=("self",)).filter(project=project).first()
        kept = [] if row is None else list(row.wishes.order_by("rank").values_list("topic", flat=True))
        if kept == list(topics) and row is not None:
            # Pressed twice, or as the teammate left it.
            return row
        if version != (0 if row is None else row.version):
            raise _changed_by_a_teammate() if by is not None else changed_meanwhile(*_last_change(row, project))
        _require_rankable(assignment, topics, kept, by)
        row = write_list(row or WishList(project=project), topics, by=by, now=now)
        follow_people(members_of(project), now=now, sources=["wishes"])
    return row


def _changed_by_a_teammate() -> RuleViolation:
    return RuleViolation(
        _("A teammate changed the list meanwhile. Nothing of yours is lost: compare the two, then choose."), code=CODE
    )


def _last_change(row: WishList | None, project: Project) -> tuple[User | None, str]:
    """Return who changed a team's list last, if that is known, and what it says since."""
    if row is None:
        return None, ""
    if row.ranked_by is not None:
        by: User | None = row.ranked_by.user
    else:
        changes = WishChange.objects.filter(project=project, changed_at=row.ranked_at).select_related("changed_by")
        change = changes.first()
        by = change.changed_by if change is not None else None
    titles = row.wishes.order_by("rank").values_list("topic__title", flat=True)
    return by, " · ".join(titles)


def write_list(row: WishList, topics: Sequence[int], *, by: Enrolment | None, now: datetime) -> WishList:
    """Write a new version of a locked team's list."""
    row.version, row.ranked_at, row.ranked_by = row.version + 1, now, by
    row.save()
    row.wishes.all().delete()
    wishes = [Wish(wish_list=row, topic_id=topic, rank=rank) for rank, topic in enumerate(topics, 1)]
    Wish.objects.bulk_create(wishes)
    return row


def change_wishes(
    *, project: Project, topics: Sequence[int], version: int, reason: str, by: User, now: datetime
) -> WishList:
    """Add or change a team's wishes for the staff, also after the deadline.

    Its members are told in five minutes, with the reason, unless the list is as it was by then.

    Raises:
        RuleViolation: there is no reason, topics are given; or as for `rank_topics`, but for the deadline.
    """
    reason = clean_line(reason)
    if not reason:
        raise RuleViolation(_("Say why: the team reads it."), code="no-reason", field="reason")
    with transaction.atomic():
        project = lock_project(project.pk)
        before = list(Wish.objects.filter(wish_list__project=project).order_by("rank").values_list("topic", flat=True))
        row = rank_topics(project=project, topics=topics, version=version, now=now, is_late=True)
        if before == list(topics):
            # Sent twice, or nothing was changed.
            return row
        change = WishChange(
            project=project, before=before, after=list(topics), reason=reason, changed_at=now, changed_by=by
        )
        save_checked(change)
        kind, references = "projects.wishes-changed", {"change": change.pk, "project": project.pk}
        told = [told_of(kind, person, str(change.pk), references) for person in members_of(project)]
        correction = Correction(str(project.pk), before, list(topics), told)
        notify_corrected([correction], kind=kind, now=now, not_before=now + HOLD)
    return row


def seed_of(assignment: Assignment) -> str:
    """Return by what all is drawn for an assignment: always the same, nobody can choose it, and nobody knows it before."""
    for rows in (
        TeamMatching.objects.filter(assignment=assignment).order_by("pk"),
        Allocation.objects.filter(assignment=assignment).order_by("number"),
    ):
        if seed := rows.values_list("seed", flat=True).first():
            return seed
    return salted_hmac("projects.services.wishes.seed_of", str(assignment.pk), algorithm="sha256").hexdigest()[:16]


def _require_rankable(assignment: Assignment, topics: Sequence[int], kept: Sequence[int], by: Enrolment | None) -> None:
    if len(set(topics)) < len(topics):
        raise RuleViolation(_("A topic is on the list twice. Take one of them off."), code="twice")
    if len(topics) > assignment.wishes_max:
        raise RuleViolation(
            _("These are more than %(most)d wishes. Take some off.") % {"most": assignment.wishes_max}, code="too-many"
        )
    rankable = {topic.pk for topic in Topic.objects.rankable_by(by, assignment)}
    # What was closed after it was ranked may stay where it is; nobody is made to look for another one.
    if unknown := set(topics) - rankable - set(kept):
        titles = Topic.objects.filter(assignment=assignment, pk__in=unknown).values_list("title", flat=True)
        raise RuleViolation(
            _("Not on offer any more: %(topics)s. Choose others.") % {"topics": ", ".join(titles) or "–"},
            code="not-on-offer",
        )


def require_by_wish(assignment: Assignment) -> None:
    """Refuse what is done with wishes where topics are not given by wish.

    Raises:
        RuleViolation: they are not.
    """
    if not assignment.gives_by_wish:
        raise RuleViolation(_("Here topics are not given by wish."), code="not-by-wish")


def require_not_given(assignment: Assignment) -> None:
    """Refuse what would change wishes after topics were given.

    Raises:
        RuleViolation: they were.
    """
    if Allocation.objects.filter(assignment=assignment, published_at__isnull=False).exists():
        raise RuleViolation(
            _("The topics are given. %(ask)s") % {"ask": whom_to_ask(assignment.course)}, code="topics-given"
        )


def require_wishes_open(assignment: Assignment, *, now: datetime) -> None:
    """Refuse a wish that comes too early or too late.

    Raises:
        RuleViolation: it does; with the exact deadline, the server's time and whom to ask.
    """
    require_running(assignment.course)
    require_within(
        assignment.course,
        opens_at=assignment.starts_at,
        closes_at=assignment.wishes_close_at,
        later=_("Registration opens %(time)s."),
        closed=_("Wishes were open until %(time)s. By the server's clock it is %(now)s. %(ask)s"),
        code="wishes-closed",
        now=now,
    )


def keep_placement(placement: TopicPlacement, *, by: User | None = None, now: datetime) -> None:
    """Keep what the staff settle for a team and a topic.

    Raises:
        RuleViolation: topics are given, the two are of different assignments, or the rule contradicts another one.
    """
    with transaction.atomic():
        project = lock_project(placement.project_id)
        require_not_given(project.assignment)
        if placement.topic.assignment_id != project.assignment_id:
            raise RuleViolation(_("This topic belongs to another assignment."), code="other-assignment", field="topic")
        placement.decided_at, placement.decided_by = now, by
        save_checked(placement)


def delete_placement(placement: TopicPlacement, *, by: User | None = None, now: datetime) -> None:
    """Take back what the staff settled for a team and a topic.

    Raises:
        RuleViolation: topics are given.
    """
    with transaction.atomic():
        require_not_given(lock_project(placement.project_id).assignment)
        placement.delete()


def keep_mentor_limit(limit: MentorLimit, *, by: User | None = None, now: datetime) -> None:
    """Keep how many teams a mentor looks after at most.

    Raises:
        RuleViolation: the mentor is one of another course, or has a limit already.
    """
    if limit.mentor.course_id != limit.assignment.course_id:
        raise RuleViolation(_("This mentor belongs to another course."), code="other-course", field="mentor")
    save_checked(limit)


def delete_mentor_limit(limit: MentorLimit, *, by: User | None = None, now: datetime) -> None:
    """Let a mentor look after any number of teams."""
    limit.delete()
