"""Who works with whom: invitations, notes of those who look for others, and what staff move."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from email.utils import parseaddr
from functools import partial
from typing import NamedTuple

from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from amls.core.bounds import Bound, spend
from amls.core.clock import is_open_until
from amls.core.text import clean_line
from amls.core.times import say_time
from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment, User
from amls.mail.outbox import notify
from projects.deadlines import Deadlines, registration_closes_at
from projects.models import Assessment, Assignment, Invitation, Membership, Project, SeekingNote, Topic
from projects.services.joining import in_team
from projects.services.locks import (
    active_membership,
    follow_in_feeds,
    lock_enrolment,
    lock_members,
    lock_team,
    lock_teams,
    require_registration_open,
    tell,
    tell_revoked,
    whom_to_ask,
)
from projects.services.registration import (
    add_member,
    close_project,
    end_membership,
    is_published_to,
    let_go,
    register_once,
    require_active,
    require_others,
    require_unpublished,
    require_without_project,
    start_project,
)
from projects.teamrows import members_of, places_taken

INVITATION_LASTS = timedelta(days=14)
_TOO_MANY = gettext_lazy("These are many invitations for one day. Ask the person yourself, or try again in %(wait)s.")
# Invitations are mails to people who may not want them: a few a day are enough, however they end.
_OF_ONE = Bound("projects.invitations", most=20, per=timedelta(days=1), message=_TOO_MANY, field="email")
_TO_ONE = Bound("projects.invitations-to", most=6, per=timedelta(days=1), message=_TOO_MANY, field="email")
_OF_ONE_TO_ONE = Bound("projects.invitations-by-to", most=2, per=timedelta(days=1), message=_TOO_MANY, field="email")


def register_team(*, enrolment: Enrolment, topic: Topic, emails: Iterable[str] = (), now: datetime) -> Project:
    """Register a project and invite teammates to it, all or nothing; pressed twice it is the same.

    Raises:
        RuleViolation: as for `register_project` and `invite_member`.
    """
    # In order, as bounds want it.
    addresses = [email for _lower, email in sorted({email.lower(): email for email in emails}.items())]
    with transaction.atomic():
        project, is_new = register_once(enrolment=enrolment, topic=topic, now=now)
        if is_new:
            for email in addresses:
                invite_member(project=project, email=email, by=enrolment, now=now)
    if not is_new:
        # Pressed twice it is one registration, and no error. Outside of the transaction above, which
        # locked the topic: the project comes before it.
        waiting = Invitation.objects.filter(project=project).open_at(now).values_list("email", flat=True)
        invited = {email.lower() for email in waiting}
        for email in addresses:
            if email.lower() not in invited:
                invite_member(project=project, email=email, by=enrolment, now=now)
    return project


def address_in(text: str) -> str:
    """Return the address that somebody typed, also as mail programs copy it: 'Şahin Größe <sahin@example.org>'."""
    typed = clean_line(text)
    return (parseaddr(typed)[1] or typed) if "<" in typed else typed


def invite_member(
    *, project: Project | Assignment, email: str, by: Enrolment, now: datetime, seeker: Enrolment | None = None
) -> Invitation:
    """Ask somebody by e-mail to join a team, whether or not they have an account.

    To an assignment without topics they are asked into the team of `by`, which is made with the invitation where there
    is none. The invitation ends after 14 days, at the latest when registration closes. Whether the
    address has an account or a project is not told. A `seeker`, who wrote a note, is called
    by name: the team does not get to know the address.

    Raises:
        RuleViolation: registration is closed, the team's result is published, it has no place left, the address is no
            address, a member's, or invited already, or too many were invited today.
    """
    email = address_in(email)
    try:
        validate_email(email)
    except ValidationError as error:
        raise RuleViolation(
            _("'%(email)s' is not an e-mail address.") % {"email": email[:100]}, code="no-address", field="email"
        ) from error
    invite = partial(_invite, email=email, by=by, now=now, seeker=seeker)
    if isinstance(project, Assignment):
        return in_team(invite, enrolment=by, assignment=project, now=now)
    return invite(project)


def _invite(project: Project, *, email: str, by: Enrolment, now: datetime, seeker: Enrolment | None) -> Invitation:
    with transaction.atomic():
        project = lock_team(project.pk)
        require_active(project)
        require_registration_open(project.assignment, now=now)
        require_unpublished(project)
        expire_invitations(project, now=now)
        invitation = Invitation(project=project, email=email, seeker=seeker, invited_by=by, invited_at=now)
        _require_may_join(invitation, project)
        _spend_invitation(invitation, project)
        closes = registration_closes_at(project.assignment)
        invitation.expires_at = min([now + INVITATION_LASTS, *([closes + timedelta(minutes=1)] if closes else [])])
        invitation.save(force_insert=True)
        _tell_of_invitation(invitation, project)
    return invitation


def _require_may_join(invitation: Invitation, project: Project) -> None:
    """Refuse to invite whoever is in the team or invited already, and more people than the team has places for."""
    people, email, name = members_of(project), invitation.email, {"email": invitation.label}
    waiting = Invitation.objects.filter(project=project, state=Invitation.State.OPEN)
    if waiting.filter(email__iexact=email).exists():
        raise RuleViolation(_("%(email)s is invited already.") % name, code="invited-already", field="email")
    addresses = EmailAddress.objects.filter(user__in=[person.user_id for person in people], email__iexact=email)
    if addresses.exists() or any(person.user.email.lower() == email.lower() for person in people):
        raise RuleViolation(_("%(email)s is in your team already.") % name, code="member-already", field="email")
    _require_place(project, places_taken(people) + waiting.count())


def _tell_of_invitation(invitation: Invitation, project: Project) -> None:
    """Ask the person, and tell who invited them when the invitation ends: whether it was answered is looked at then."""
    now, references = invitation.invited_at, {"invitation": invitation.pk}
    notify(
        key=f"projects.invited:{invitation.pk}",
        kind="projects.invited",
        now=now,
        address=invitation.email,
        course=project.course,
        references=references,
        due_at=invitation.expires_at,
    )
    tell(
        "projects.invitation-expired",
        [invitation.invited_by],
        cause=str(invitation.pk),
        now=now,
        references=references,
        not_before=invitation.expires_at,
    )


def _spend_invitation(invitation: Invitation, project: Project) -> None:
    by, to = invitation.invited_by.pk, f"{project.course.pk} {invitation.email.lower()}"
    for bound, who in ((_OF_ONE, by), (_TO_ONE, to), (_OF_ONE_TO_ONE, f"{by} {to}")):
        spend(bound, who=who, now=invitation.invited_at)


def _require_place(project: Project, spoken_for: int) -> None:
    if spoken_for >= project.team_max:
        raise RuleViolation(
            ngettext(
                "A team has at most %(count)d here, counted with those invited. Name fewer people, or take an "
                "open invitation back.",
                "A team has at most %(count)d here, counted with those invited. Name fewer people, or take an "
                "open invitation back.",
                project.team_max,
            )
            % {"count": project.team_max},
            code="team-full",
            field="email",
        )


def expire_invitations(project: Project, *, now: datetime) -> None:
    """Close a project's invitations whose time is over."""
    Invitation.objects.filter(project=project, state=Invitation.State.OPEN, expires_at__lte=now).update(
        state=Invitation.State.EXPIRED, closed_at=now
    )


def revoke_invitation(*, invitation: Invitation, now: datetime) -> Invitation:
    """Take an open invitation back; one that was answered stays answered. Returns it as it is then."""
    with transaction.atomic():
        rows = Invitation.objects.select_for_update(of=("self",)).select_related(
            "project__topic", "project__assignment__course"
        )
        invitation = rows.get(pk=invitation.pk)
        if invitation.state == Invitation.State.OPEN:
            _close(invitation, Invitation.State.REVOKED, now=now)
            tell_revoked([invitation], now=now)
    return invitation


def decline_invitation(*, invitation: Invitation, now: datetime) -> None:
    """Say no to an invitation; the team is told.

    Raises:
        RuleViolation: it was accepted, taken back or is over.
    """
    with transaction.atomic():
        invitation = Invitation.objects.select_for_update().get(pk=invitation.pk)
        if invitation.state == Invitation.State.DECLINED:
            return
        _require_open(invitation, now=now)
        _close(invitation, Invitation.State.DECLINED, now=now)
        people = members_of(invitation.project)
        references = {"project": invitation.project_id, "invitation": invitation.pk}
        tell("projects.invitation-declined", people, cause=str(invitation.pk), now=now, references=references)


def accept_invitation(
    *,
    invitation: Invitation,
    enrolment: Enrolment,
    now: datetime,
    leaves_team: bool = False,
    gives_up: bool = False,
) -> Project:
    """Join the team that asked. Accepted twice, or by who is in it already, it is the same place.

    Args:
        invitation: to any address of the person.
        enrolment: who joins.
        now: the request's clock.
        leaves_team: whether they leave the team in which they are, in the same step: they are never without one.
        gives_up: whether they know that it is withdrawn, as they are the last one in it.

    Raises:
        RuleViolation: the invitation is no longer open, registration is closed, the result of this team or of theirs
            is published, the team is full, or the person is in another project and would stay there, or be the last to
            leave it without knowing.
    """
    with transaction.atomic():
        left = active_membership(enrolment, invitation.project.assignment) if leaves_team else None
        _topics, projects = lock_teams(invitation.project_id, *([left.project_id] if left else []))
        project = projects[invitation.project_id]
        invitation = Invitation.objects.select_for_update().get(pk=invitation.pk)
        enrolment = lock_members(*projects.values(), also=[enrolment])[enrolment.pk]
        existing = active_membership(enrolment, project.assignment)
        if existing is not None and existing.project_id == project.pk:
            # They came by another way, or press twice: there is no team to leave.
            if invitation.state == Invitation.State.OPEN:
                _close(invitation, Invitation.State.ACCEPTED, now=now)
            return project
        _require_open(invitation, now=now)
        require_active(project)
        require_registration_open(project.assignment, now=now)
        require_unpublished(project)
        if enrolment.is_staff or enrolment.course_id != project.assignment.course_id:
            raise RuleViolation(_("Only students of this course join its teams."), code="not-a-student")
        is_leaving = existing is not None and left is not None and existing.pk == left.pk
        if not is_leaving:
            require_without_project(enrolment, project.assignment)
        people = members_of(project)
        if places_taken(people) >= project.team_max:
            raise RuleViolation(_("This team is full by now. Ask them, or look for another one."), code="team-full")
        if existing is not None and is_leaving:
            if not gives_up:
                require_others(projects[existing.project_id], enrolment)
            require_unpublished(projects[existing.project_id])
            _take_out(existing, projects, now=now)
        _close(invitation, Invitation.State.ACCEPTED, now=now)
        add_member(project, enrolment, now=now)
        references = {"project": project.pk, "who": enrolment.pk}
        cause = str(invitation.pk)
        tell("projects.member-joined", [*people, enrolment], cause=cause, now=now, references=references)
        # An extension of the new member is the team's as well.
        follow_in_feeds(people, now=now)
    return project


def _close(invitation: Invitation, state: Invitation.State, *, now: datetime) -> None:
    invitation.state, invitation.closed_at = state, now
    invitation.save(update_fields=["state", "closed_at"])


def _require_open(invitation: Invitation, *, now: datetime) -> None:
    words = {
        Invitation.State.ACCEPTED: _("This invitation was accepted already."),
        Invitation.State.DECLINED: _("This invitation was declined. Ask the team for a new one."),
        Invitation.State.REVOKED: _("The team took this invitation back. Ask them for a new one."),
        Invitation.State.EXPIRED: _("This invitation is over. Ask the team for a new one."),
    }
    state = Invitation.State(invitation.state)
    if state == Invitation.State.OPEN and invitation.expires_at <= now:
        state = Invitation.State.EXPIRED
    if state != Invitation.State.OPEN:
        raise RuleViolation(words[state], code=f"invitation-{state.value}")


class InvitationStanding(NamedTuple):
    """How an open invitation stands, with the registration as it is now.

    Attributes:
        until: when it ends, as deadlines are said.
        why_over: why nobody can accept it any more, and what to do; '' while somebody can.
    """

    until: datetime
    why_over: str


def standing_of_invitations(invitations: Sequence[Invitation], *, now: datetime) -> dict[int, InvitationStanding]:
    """Return how open invitations stand, by their keys: the registration may have been moved since: 2 queries.

    Args:
        invitations: with their projects, of assignments of one course.
        now: aware.
    """
    if not invitations:
        return {}
    deadlines = Deadlines.of_each({row.project.assignment_id: row.project.assignment for row in invitations}.values())
    projects = [row.project_id for row in invitations]
    settled = set(
        Assessment.objects.filter(project__in=projects, published_at__isnull=False).values_list("project", flat=True)
    )
    return {
        row.pk: standing_of_invitation(
            row, deadlines[row.project.assignment_id], is_settled=row.project_id in settled, now=now
        )
        for row in invitations
    }


def standing_of_invitation(
    invitation: Invitation, deadlines: Deadlines, *, is_settled: bool, now: datetime
) -> InvitationStanding:
    """Return how an open invitation stands by the deadlines of its assignment, and by whether its team's result is published."""
    closes, course = deadlines.registration_closes_at, invitation.project.assignment.course
    why = ""
    if closes is not None and not is_open_until(closes, now):
        why = _("Teams could be changed until %(time)s: nobody can accept this invitation any more. %(ask)s") % {
            "time": say_time(closes, course.zone, now=now),
            "ask": whom_to_ask(course),
        }
    elif is_settled:
        why = _("The result of this team is published: nobody can join it any more. %(ask)s") % {
            "ask": whom_to_ask(course)
        }
    return InvitationStanding(min(invitation.open_until, closes or invitation.open_until), why)


def write_seeking_note(
    *, enrolment: Enrolment, assignment: Assignment, topic: Topic | None, text: str, now: datetime
) -> SeekingNote:
    """Let others read that a person looks for teammates, on one topic or on any; a newer note replaces it.

    Raises:
        RuleViolation: registration is closed, the text is empty or too long, or the person is no student of the course or has
            a project.
    """
    text = clean_line(text)
    if not text or len(text) > 300:
        raise RuleViolation(
            _("Write one to 300 characters: what you can do, what you want to work on."),
            code="note-length",
            field="text",
        )
    with transaction.atomic():
        enrolment = lock_enrolment(enrolment.pk)
        if enrolment.is_staff or enrolment.course_id != assignment.course_id:
            raise RuleViolation(_("Only students of this course look for teammates."), code="not-a-student")
        require_registration_open(assignment, now=now)
        require_without_project(enrolment, assignment)
        note, _created = SeekingNote.objects.update_or_create(
            enrolment=enrolment, assignment=assignment, defaults={"topic": topic, "text": text, "written_at": now}
        )
    return note


def remove_seeking_note(*, enrolment: Enrolment, assignment: Assignment) -> None:
    """Take the person's note back."""
    SeekingNote.objects.filter(enrolment=enrolment, assignment=assignment).delete()


def invite_seeker(*, project: Project, note: SeekingNote, by: Enrolment, now: datetime) -> Invitation:
    """Invite who wrote a note, without showing their address.

    Raises:
        RuleViolation: as for `invite_member`.
    """
    return invite_member(project=project, email=note.enrolment.user.email, by=by, now=now, seeker=note.enrolment)


def move_member(*, enrolment: Enrolment, to: Project | Topic, by: User, now: datetime) -> Project:
    """Put a student into another team, or as a new team on a topic: the staff's way, at any time.

    Their old team keeps its hand-ins; if nobody is left in it, it is withdrawn. Whoever has a published result there
    stays: it would be lost. Whoever joins a team with a published result has none by that.

    Raises:
        RuleViolation: the person has a published result in their team, the team is full, the topic has no slot, or it is another course.
    """
    with transaction.atomic():
        old, topics, locked, enrolment = _lock_for_move(enrolment, to)
        if enrolment.course_id != to.assignment.course_id:
            raise RuleViolation(_("This team belongs to another course."), code="other-course")
        if isinstance(to, Project):
            if old is not None and old.project_id == to.pk:
                return locked[to.pk]
            _require_nothing_to_lose(old)
            require_active(locked[to.pk])
            if places_taken(members_of(locked[to.pk])) >= locked[to.pk].team_max:
                raise RuleViolation(
                    _("This team is full: it has at most %(count)d.") % {"count": locked[to.pk].team_max},
                    code="team-full",
                )
        else:
            _require_nothing_to_lose(old)
            topic = topics[to.pk]
            let_go(topic, now=now)
            if topic.free < 1:
                raise RuleViolation(_("All slots of this topic are taken."), code="topic-full")
        if old is not None:
            _take_out(old, locked, by=by, now=now)
        if isinstance(to, Project):
            project = locked[to.pk]
            add_member(project, enrolment, now=now)
            follow_in_feeds(members_of(project), now=now)
        else:
            project = start_project(topic, [enrolment], now=now)
        cause = f"{project.pk}:{now.timestamp()}"
        references = {"project": project.pk, "who": enrolment.pk, "by": by.pk}
        if old is not None:
            references["from"] = old.project_id
        tell("projects.moved", members_of(project), cause=cause, now=now, references=references)
    return project


def _require_nothing_to_lose(membership: Membership | None) -> None:
    """Refuse to take somebody out of a team in which a published result is theirs."""
    if membership is not None and is_published_to(membership):
        raise RuleViolation(
            _(
                "%(name)s has a published result in %(project)s, which would be lost. Leave them in that team; if the "
                "result is not theirs, decide differently on them there, with the reason: they get a mail."
            )
            % {"name": membership.enrolment.user, "project": membership.project},
            code="result-published",
        )


def _lock_for_move(
    enrolment: Enrolment, to: Project | Topic
) -> tuple[Membership | None, dict[int, Topic], dict[int, Project], Enrolment]:
    """Return where the person is now, and projects, topics and the person, all locked in order."""
    old = active_membership(enrolment, to.assignment)
    topics, locked = lock_teams(
        *([old.project_id] if old else []),
        *([to.pk] if isinstance(to, Project) else []),
        topics=[] if isinstance(to, Project) else [to.pk],
    )
    person = lock_members(*locked.values(), also=[enrolment])[enrolment.pk]
    now_in = active_membership(person, to.assignment)
    if (now_in and now_in.pk) != (old and old.pk):
        raise RuleViolation(
            _("%(name)s has just joined or left a team. Look again before you move them.") % {"name": person.user},
            code="moved-meanwhile",
        )
    return now_in, topics, locked, person


def _take_out(membership: Membership, locked: dict[int, Project], *, now: datetime, by: User | None = None) -> None:
    project = locked[membership.project_id]
    rest = [member for member in members_of(project) if member.pk != membership.enrolment_id]
    if rest:
        end_membership(membership, project, now=now)
        references = {"project": project.pk, "who": membership.enrolment_id}
        if by is not None:
            references["by"] = by.pk
        tell("projects.member-left", rest, cause=str(membership.pk), now=now, references=references)
        follow_in_feeds(rest, now=now)
    else:
        close_project(project, now=now, who=membership.enrolment if by is None else None, by=by)


def merge_teams(*, source: Project, target: Project, by: User, now: datetime) -> Project:
    """Put everyone of one team into another, for teams below their topic's minimum.

    Raises:
        RuleViolation: together they are too many for the topic.
    """
    with transaction.atomic():
        _topics, locked = lock_teams(source.pk, target.pk)
        if source.assignment_id != target.assignment_id:
            raise RuleViolation(_("These teams work on different assignments."), code="other-assignment")
        people, most = members_of(source), locked[target.pk].team_max
        if places_taken(people) + places_taken(members_of(target)) > most:
            raise RuleViolation(
                _("Together they are more than the %(count)d of a team.") % {"count": most},
                code="team-full",
            )
        for person in people:
            move_member(enrolment=person, to=target, by=by, now=now)
    return target
