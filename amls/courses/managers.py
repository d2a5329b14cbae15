"""Reading people and courses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Count, Expression, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from amls.courses.nameless import NAMELESS_DOMAIN
from amls.courses.slots import WeeklySlot

if TYPE_CHECKING:
    from amls.courses.models import Course, Enrolment, RosterEntry, User  # noqa: F401


class UserManager(BaseUserManager["User"]):
    """People, by their e-mail address whatever its case."""

    def get_by_natural_key(self, email: str | None) -> User:
        """Return the person who signs in with `email`."""
        return self.get(email__iexact=email)

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Make a person; without a password they sign in by code or passkey."""
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Make a person who may do everything."""
        return self.create_user(email, password, is_superuser=True, **fields)

    def present(self) -> models.QuerySet[User]:
        """Return the people whose account is not deleted."""
        return self.exclude(email__endswith=f"@{NAMELESS_DOMAIN}")


class CourseQuerySet(models.QuerySet["Course"]):
    """Courses."""

    def public(self) -> CourseQuerySet:
        """Return the courses that everyone may see: drafts are the staff's."""
        return self.exclude(state="draft")

    def with_slots(self) -> CourseQuerySet:
        """Return the courses with their weekly slots, which then cost no query: `Course.slots`."""
        return self.annotate(slot_values=WeeklySlot.objects.of_each())

    def visible_to(self, user: User | AnonymousUser) -> CourseQuerySet:
        """Return the public courses and the drafts whose staff `user` is."""
        if not user.is_authenticated:
            return self.public()
        if user.is_superuser:
            return self.all()
        return self.filter(~Q(state="draft") | Q(pk__in=user.enrolments.staff().values("course")))

    def taught_by(self, user: User | AnonymousUser) -> CourseQuerySet:
        """Return the courses that `user` may manage."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.is_superuser:
            return self.all()
        return self.with_staff(user)

    def with_staff(self, user: User | Expression) -> CourseQuerySet:
        """Return the courses in which a person teaches, also one who is known only when a statement runs."""
        parts: Any = self.model._meta.get_field("enrolments").related_model  # noqa: SLF001 - Django's documented name
        return self.filter(pk__in=parts.objects.staff().filter(user=user).values("course"))


class EnrolmentQuerySet(models.QuerySet["Enrolment"]):
    """Enrolments."""

    def with_course_count(self) -> EnrolmentQuerySet:
        """Return the enrolments with how many running courses their people have: `Enrolment.course_count`."""
        theirs = type(self)(self.model).filter(user=OuterRef("user"), course__state="running").order_by()
        counts = theirs.values("user").annotate(count=Count("pk")).values("count")
        return self.annotate(counted_courses=Coalesce(Subquery(counts), 0))

    def staff(self) -> EnrolmentQuerySet:
        """Return the enrolments of those who teach."""
        return self.filter(role__in=("assistant", "lecturer"))

    def present(self) -> EnrolmentQuerySet:
        """Return the enrolments of people whose account is not deleted: who can be given something in the course."""
        return self.exclude(user__email__endswith=f"@{NAMELESS_DOMAIN}")

    def reachable(self) -> EnrolmentQuerySet:
        """Return the enrolments of people who can sign in: who can be told something, or be given something to do."""
        return self.filter(user__is_active=True)

    def found_by(self, typed: str) -> EnrolmentQuerySet:
        """Return whose name, address or matriculation number holds each of the words that were typed."""
        rows = self
        for word in typed.split():
            rows = rows.filter(
                Q(user__display_name__finds=word)
                | Q(user__email__finds=word)
                | Q(user__matriculation_number__finds=word)
                | Q(verified_number__finds=word)
            )
        return rows

    def students(self) -> EnrolmentQuerySet:
        """Return the enrolments of those who study."""
        return self.filter(role="student")


class RosterEntryQuerySet(models.QuerySet["RosterEntry"]):
    """Entries of rosters."""

    def waiting_for(self, user: User) -> RosterEntryQuerySet:
        """Return the entries without anybody by which a person joins without asking for it.

        Where they have a part in the course already, all; else none that they left, and none of an archived course.
        """
        parts: Any = self.model._meta.get_field("enrolment").related_model  # noqa: SLF001 - Django's documented name
        is_in = Q(course__in=parts.objects.filter(user=user).values("course"))
        may_join = ~Q(left_by=user) & ~Q(course__state="archived")
        return self.filter(is_in | may_join, enrolment__isnull=True)
