"""What becomes of a person's projects when their account goes: nothing that a team made is lost."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db import transaction
from django.db.models.functions import Lower

from amls.courses.models import Course, Enrolment, User
from amls.courses.nameless import nameless_address
from amls.privacy.registry import delete_with_history
from amls.privacy.traces import addresses_of
from projects.managers import TopicQuerySet
from projects.models import (
    Assessment,
    Extension,
    ExtensionRequest,
    Invitation,
    MatchRequest,
    Membership,
    Project,
    SeekingNote,
    Topic,
)
from projects.services.locks import follow_in_feeds, lock_enrolments, lock_teams, tell
from projects.services.registration import close_project, end_membership
from projects.teamrows import members_of


def say_farewell(*, user: User, now: datetime) -> None:
    """Let go of what is the person's alone, as ideas that were not accepted are, and of teams that came to nothing.

    A team without hand-ins goes on without the person, who is its last one withdraws it. Where something was
    handed in or assessed the membership stays, as nameless as the account. Archived courses stay as they are.
    Registration may be closed: nobody is kept by a deadline.
    """
    with transaction.atomic():
        mine = Membership.objects.active().filter(enrolment__user=user, project__withdrawn_at__isnull=True)
        mine = mine.exclude(project__assignment__course__state=Course.State.ARCHIVED)
        ideas = _unused_ideas(user).values_list("pk", flat=True)
        # In the order of all writes: projects, topics, invitations, people.
        _topics, projects = lock_teams(*mine.values_list("project", flat=True), topics=ideas)
        addresses = addresses_of(user)
        invitations = _lock_invitations(user, addresses)
        own = Enrolment.objects.filter(user=user).values_list("pk", flat=True)
        team = Membership.objects.active().filter(project__in=projects).values_list("enrolment", flat=True)
        lock_enrolments(*own, *team)
        for pk in sorted(projects):
            _leave(projects[pk], user, now=now)
        delete_with_history(_unused_ideas(user))
        _close_invitations(user, invitations, addresses, now=now)
        _withdraw_requests(user, now=now)
        SeekingNote.objects.filter(enrolment__user=user).delete()
        MatchRequest.objects.filter(enrolment__user=user).delete()


def _unused_ideas(user: User) -> TopicQuerySet:
    return Topic.objects.filter(proposed_by__user=user).unused()


def _lock_invitations(user: User, addresses: Collection[str]) -> list[Invitation]:
    rows = Invitation.objects.annotate(lowered=Lower("email"))
    theirs = rows.filter(lowered__in=addresses) | rows.filter(invited_by__user=user, state=Invitation.State.OPEN)
    return list(theirs.select_for_update(of=("self",)).order_by("pk"))


def _leave(project: Project, user: User, *, now: datetime) -> None:
    memberships = Membership.objects.active().filter(project=project, enrolment__user=user)
    membership = memberships.select_related("enrolment__user", "enrolment__course").first()
    has_work = project.submissions.exists() or Assessment.objects.filter(project=project).exists()
    if membership is None or not project.is_active or has_work:
        return
    rest = [member for member in members_of(project) if member.pk != membership.enrolment_id]
    if not rest:
        close_project(project, now=now)
        return
    end_membership(membership, project, now=now)
    references = {"project": project.pk, "who": membership.enrolment_id}
    tell("projects.member-left", rest, cause=str(membership.pk), now=now, references=references)
    # An extension of the person who left was the team's as well.
    follow_in_feeds(rest, now=now)


def _close_invitations(
    user: User, invitations: Collection[Invitation], addresses: Collection[str], *, now: datetime
) -> None:
    nameless = nameless_address(user.pk)
    history: Any = apps.get_model("projects", "InvitationEvent")
    for invitation in Invitation.objects.filter(pk__in=[row.pk for row in invitations]):
        is_to_them = invitation.email.lower() in addresses
        if invitation.state == Invitation.State.OPEN:
            invitation.state = Invitation.State.DECLINED if is_to_them else Invitation.State.REVOKED
            invitation.closed_at = now
        if is_to_them:
            invitation.email = nameless
        invitation.save(update_fields=["state", "closed_at", "email"])
        if is_to_them:
            history.objects.filter(pgh_obj_id=invitation.pk).update(email=nameless)


def _withdraw_requests(user: User, *, now: datetime) -> None:
    ExtensionRequest.objects.filter(enrolment__user=user, state=ExtensionRequest.State.OPEN).update(
        state=ExtensionRequest.State.WITHDRAWN, decided_at=now
    )
    # Why somebody needed more time is often about their health; that they had it is the team's.
    for model in (ExtensionRequest, Extension):
        rows: Any = model._default_manager.filter(enrolment__user=user)  # noqa: SLF001 - Django's documented way
        pks = list(rows.values_list("pk", flat=True))
        rows.update(reason="")
        event: Any = apps.get_model("projects", f"{model.__name__}Event")
        event.objects.filter(pgh_obj_id__in=pks).update(reason="")
