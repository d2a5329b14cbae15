"""People, courses, and who belongs to what."""

from functools import cache
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pghistory
import pgtrigger
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower, Now
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from amls.core.constraints import RowCheck
from amls.core.names import SortName
from amls.core.statements import Parameter, Statement
from amls.core.text import CleanTextField, LineField, LowerEmailField
from amls.courses.accountevents import AccountEvent
from amls.courses.choices import STAFF_ROLES, Audience, Language, Mode, Role, SessionKind, Weekday, choices_hold
from amls.courses.managers import CourseQuerySet, EnrolmentQuerySet, RosterEntryQuerySet, UserManager
from amls.courses.nameless import is_nameless_address
from amls.courses.numbers import is_a_number, plain_number, plain_number_of
from amls.courses.slots import WeeklySlot, in_weekly_order
from amls.courses.validators import is_a_name, validate_slug, validate_timezone
from amls.courses.vouched import vouched_name, vouched_number

# What of this app has a file of its own stands here too.
__all__ = [
    "STAFF_ROLES",
    "AccountEvent",
    "Audience",
    "Course",
    "CourseAddress",
    "Enrolment",
    "Language",
    "Mode",
    "Role",
    "RosterEntry",
    "SessionKind",
    "StaffMember",
    "User",
    "Weekday",
    "WeeklySlot",
    "choices_hold",
]  # fmt: skip


class User(AbstractBaseUser, PermissionsMixin):
    """A person; the e-mail address is the login."""

    email = LowerEmailField(_("e-mail address"))
    display_name = LineField(_("name"), max_length=150, blank=True, validators=[is_a_name])
    matriculation_number = LineField(
        _("matriculation number"),
        max_length=20,
        blank=True,
        validators=[is_a_number],
        help_text=_("Seen by you and the staff of your courses only."),
    )
    language = models.CharField(_("language"), max_length=5, choices=Language, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    date_joined = models.DateTimeField(_("joined"), auto_now_add=True)
    # By the sweep of accounts that no provider knows any more; the next sign-in by one opens it again.
    locked_at = models.DateTimeField(_("locked"), null=True, blank=True, editable=False)
    # In the database, so that every write follows: lists, PDFs and tables go by it.
    sort_name = models.GeneratedField(
        verbose_name=_("family name for sorting"),
        expression=SortName(F("display_name"), F("email")),
        output_field=models.TextField(db_collation="C"),
        db_persist=True,
    )

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        ordering = ["sort_name", "pk"]
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="user_email_unique",
                violation_error_message=_("This address has an account already."),
            ),
            RowCheck(name="user_email_lower", condition=Q(email=Lower("email"))),
            RowCheck(name="user_locked_is_inactive", condition=Q(locked_at__isnull=True) | Q(is_active=False)),
        ]

    def __str__(self) -> str:
        if self.is_nameless:
            return str(_("Deleted account"))
        return self.display_name or self.email

    @property
    def is_nameless(self) -> bool:
        """Whether the account was deleted: it has neither a name nor an address any more."""
        return is_nameless_address(self.email)

    @cached_property
    def staff_roles(self) -> frozenset[str]:
        """In which roles the person teaches, in whichever courses: 1 query, once for a loaded row."""
        return frozenset(role for (role,) in _roles_taught_in().run({"user": self.pk}))

    @cached_property
    def is_staff(self) -> bool:
        """Whether the person may enter the staff's desk: it follows from roles, it is never set."""
        return self.is_superuser or (self.is_active and bool(self.staff_roles))

    @property
    def is_matriculation_verified(self) -> bool:
        """Whether a provider of sign-ins or a course has verified the person's number: then they don't change it."""
        number = plain_number(self.matriculation_number)
        if number and number == plain_number(vouched_number(self)):
            return True
        verified = self.enrolments.exclude(verified_number="").values_list("verified_number", flat=True)
        return bool(number) and any(plain_number(text) == number for text in verified)

    @property
    def is_name_verified(self) -> bool:
        """Whether a provider of sign-ins gives the person their name: then nobody here changes it."""
        return bool(self.display_name) and self.display_name == vouched_name(self)

    def get_full_name(self) -> str:
        """Return the name, as Django and django-unfold ask for it."""
        return str(self)

    def get_short_name(self) -> str:
        """Return the name, or what stands before the @ of the address."""
        return self.display_name or self.email.partition("@")[0]

    @property
    def initials(self) -> str:
        """The first letters of the first and the last part of the name, for where it has no room: 'ŁŻ'; of one part its first."""
        first, *others = self.get_short_name().split() or [""]
        return "".join(part[:1] for part in (first, *others[-1:])).upper()


@cache
def _roles_taught_in() -> Statement:
    rows = Enrolment.objects.filter(user=Parameter("user"), role__in=sorted(STAFF_ROLES)).order_by()
    return Statement.of(rows.values_list("role").distinct())


# Each address that a course gets, by whatever way, stays its own.
_KEEPS_ITS_ADDRESSES = pgtrigger.Trigger(
    name="course_keeps_its_addresses",
    operation=pgtrigger.Insert | pgtrigger.UpdateOf("slug"),  # type: ignore[no-untyped-call]
    when=pgtrigger.After,
    func="""
        INSERT INTO courses_courseaddress (slug, course_id) VALUES (NEW.slug, NEW.id) ON CONFLICT (slug) DO NOTHING;
        IF NOT EXISTS (SELECT 1 FROM courses_courseaddress WHERE slug = NEW.slug AND course_id = NEW.id) THEN
            RAISE EXCEPTION 'course_keeps_its_addresses: % leads to another course.', NEW.slug
                USING ERRCODE = 'unique_violation';
        END IF;
        RETURN NULL;
    """,
)


class Course(models.Model):
    """One offering of a course in one term."""

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        RUNNING = "running", _("Running")
        ARCHIVED = "archived", _("Archived")

    class EnrolmentPolicy(models.TextChoices):
        OPEN = "open", _("Open to everyone with an account")
        CODE = "code", _("By code")
        ROSTER = "roster", _("By roster")
        CLOSED = "closed", _("Closed")

    slug = models.CharField(
        _("address"),
        max_length=60,
        unique=True,
        validators=[validate_slug],
        help_text=_("The first part of every address of the course. One that it had before goes on leading to it."),
    )
    title = LineField(_("title"), max_length=200)
    codes = ArrayField(LineField(max_length=30), verbose_name=_("codes"), default=list, blank=True)
    kinds = ArrayField(LineField(max_length=10), verbose_name=_("kinds"), default=list, blank=True)
    term = LineField(_("term"), max_length=30, help_text=_("Such as 'SS2024' or 'WS2024/25'."))
    institution = LineField(_("institution"), max_length=100, blank=True)
    ects = models.DecimalField(_("ECTS"), max_digits=4, decimal_places=1, null=True, blank=True)
    language = models.CharField(_("language of the content"), max_length=5, choices=Language, default=Language.ENGLISH)
    description = CleanTextField(_("description"), blank=True, help_text=_("Markdown."))
    grading = CleanTextField(_("grading"), blank=True, help_text=_("Markdown."))
    timezone = models.CharField(_("time zone"), max_length=60, default="Europe/Berlin", validators=[validate_timezone])
    first_day = models.DateField(_("first day"), null=True, blank=True)
    last_day = models.DateField(_("last day"), null=True, blank=True)
    contact_email = models.EmailField(
        _("contact address"), blank=True, help_text=_("Replies to every mail of this course go here.")
    )
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DRAFT)
    enrolment_policy = models.CharField(
        _("who may enrol"), max_length=10, choices=EnrolmentPolicy, default=EnrolmentPolicy.CLOSED
    )
    enrolment_code = LineField(_("enrolment code"), max_length=50, blank=True)
    revision = models.PositiveBigIntegerField(_("revision"), default=1, editable=False)
    revised_at = models.DateTimeField(_("last change"), auto_now_add=True, editable=False)

    objects: ClassVar[CourseQuerySet] = CourseQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("course")
        verbose_name_plural = _("courses")
        ordering = ["-first_day", "slug"]
        constraints = [
            choices_hold("course_state_valid", "state", ["draft", "running", "archived"]),
            choices_hold("course_policy_valid", "enrolment_policy", ["open", "code", "roster", "closed"]),
            choices_hold("course_language_valid", "language", Language.values),
            RowCheck(
                name="course_days_in_order",
                condition=Q(last_day__isnull=True) | Q(first_day__isnull=True) | Q(last_day__gte=F("first_day")),
                violation_error_message=_("The last day lies before the first."),
            ),
            RowCheck(
                name="course_ects_positive",
                condition=Q(ects__isnull=True) | Q(ects__gt=0),
                violation_error_message=_("ECTS must be more than 0."),
            ),
            RowCheck(
                name="course_code_policy_has_code",
                condition=~Q(enrolment_policy="code") | ~Q(enrolment_code=""),
                violation_error_message=_("Enrolment by code needs a code."),
            ),
        ]
        triggers = [_KEEPS_ITS_ADDRESSES]

    def __str__(self) -> str:
        return f"{self.title}, {self.term}"

    def clean(self) -> None:
        """Refuse an address that leads to another course: 1 query.

        Raises:
            ValidationError: it does, or did so when that course had it.
        """
        if CourseAddress.objects.filter(slug=self.slug).exclude(course=self.pk).exists():
            raise ValidationError(
                {
                    "slug": ValidationError(
                        _("This address leads to another course. Choose another one."), code="slug-taken"
                    )
                }
            )

    def get_absolute_url(self) -> str:
        """Return the address of the course's home page."""
        return reverse("portal:home", args=[self.slug])

    @cached_property
    def zone(self) -> ZoneInfo:
        """The course's time zone, in which people type and read its times."""
        return ZoneInfo(self.timezone)

    @cached_property
    def slots(self) -> list[WeeklySlot]:
        """Its weekly slots as pages name them; no query where the course was loaded `with_slots`."""
        slots: list[dict[str, Any]] | None = getattr(self, "slot_values", None)
        if slots is None:
            return in_weekly_order(self.weekly_slots.all())
        return in_weekly_order(WeeklySlot.from_values(self.pk, values) for values in slots)


class CourseAddress(models.Model):
    """An address that leads to a course: the one that it has, and those that it had. The database alone writes them."""

    slug = models.CharField(_("address"), max_length=60, unique=True)
    course = models.ForeignKey(Course, models.CASCADE, related_name="addresses", verbose_name=_("course"))

    class Meta:
        verbose_name = _("address of a course")
        verbose_name_plural = _("addresses of courses")

    def __str__(self) -> str:
        return self.slug


class StaffMember(models.Model):
    """Who is shown on the course's page, with or without an account."""

    course = models.ForeignKey(Course, models.CASCADE, related_name="staff", verbose_name=_("course"))
    role = models.CharField(
        _("role"), max_length=10, choices=[choice for choice in Role.choices if choice[0] != Role.STUDENT]
    )
    name = LineField(_("name"), max_length=150, help_text=_("With titles, such as 'Univ.-Prof. Dr.-Ing. Ada Muster'."))
    affiliation = LineField(_("affiliation"), max_length=150, blank=True)
    email = models.EmailField(_("e-mail address"), blank=True, help_text=_("Shown on the page."))
    url = models.URLField(_("web page"), max_length=500, blank=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("staff member")
        verbose_name_plural = _("staff members")
        ordering = ["course", "position", "pk"]
        constraints = [
            choices_hold("staffmember_role_valid", "role", ["assistant", "lecturer"]),
            models.UniqueConstraint(
                fields=["course", "name"],
                name="staffmember_unique",
                violation_error_message=_("This person stands on the page already."),
            ),
        ]

    def __str__(self) -> str:
        return str(self.name)


class Enrolment(models.Model):
    """A person's part in a course."""

    user = models.ForeignKey(User, models.CASCADE, related_name="enrolments", verbose_name=_("person"))
    course = models.ForeignKey(Course, models.CASCADE, related_name="enrolments", verbose_name=_("course"))
    role = models.CharField(_("role"), max_length=10, choices=Role, default=Role.STUDENT)
    # What this course's roster says or its staff have checked. It counts in this course alone: what one course
    # got wrong is not written into another.
    verified_number = LineField(
        _("verified matriculation number"), max_length=20, blank=True, editable=False, validators=[is_a_number]
    )
    created_at = models.DateTimeField(_("since"), auto_now_add=True)
    revision = models.PositiveBigIntegerField(_("revision"), default=1, editable=False)

    objects: ClassVar[EnrolmentQuerySet] = EnrolmentQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("enrolment")
        verbose_name_plural = _("enrolments")
        ordering = ["course", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "course"],
                name="enrolment_unique",
                violation_error_message=_("This person is enrolled already."),
            ),
            choices_hold("enrolment_role_valid", "role", Role.values),
            models.UniqueConstraint(
                "course",
                plain_number_of("verified_number"),
                condition=~Q(verified_number=""),
                name="enrolment_verified_number_unique",
                violation_error_message=_("This number is verified for another person of the course."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.course.slug}"

    def get_role_display(self) -> str:  # type: ignore[no-redef] # as Django lets one do
        """Return the role in words; Django's own makes a table of all roles each time."""
        return str(Role(self.role).label)

    @property
    def is_staff(self) -> bool:
        """Whether the person teaches in this course."""
        return self.role in STAFF_ROLES

    @cached_property
    def course_count(self) -> int:
        """In how many running courses the person has a part; no query where it was loaded `with_course_count`."""
        counted: int | None = getattr(self, "counted_courses", None)
        if counted is None:
            return Enrolment.objects.filter(user=self.user_id, course__state=Course.State.RUNNING).count()
        return counted

    @property
    def number(self) -> str:
        """The matriculation number by which this course knows the person: the verified one, else what they typed."""
        return str(self.verified_number or self.user.matriculation_number)


class RosterEntry(models.Model):
    """A person who may join the course, before they ever sign in."""

    course = models.ForeignKey(Course, models.CASCADE, related_name="roster", verbose_name=_("course"))
    email = models.EmailField(_("e-mail address"))
    name = LineField(_("name"), max_length=150, blank=True, validators=[is_a_name])
    matriculation_number = LineField(_("matriculation number"), max_length=20, blank=True, validators=[is_a_number])
    enrolment = models.OneToOneField(
        Enrolment,
        models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="roster_entry",
        verbose_name=_("enrolment"),
    )
    # An account with this matriculation number and another address, until the staff confirm that it is the person.
    claimed_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, editable=False, related_name="+", verbose_name=_("claimed by")
    )
    claimed_at = models.DateTimeField(_("claimed"), null=True, blank=True, editable=False)
    # Who left the course or was taken out of it: this entry doesn't bring them back without their asking.
    left_by = models.ForeignKey(
        User,
        models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("left"),
        help_text=_(
            "Left the course or was taken out of it, and stays out until they ask to join, or are invited by mail."
        ),
    )
    # Whom the staff did not confirm: they are not asked about the same account again.
    declined = models.ManyToManyField(User, blank=True, related_name="+", verbose_name=_("declined accounts"))

    objects: ClassVar[RosterEntryQuerySet] = RosterEntryQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("roster entry")
        verbose_name_plural = _("roster")
        ordering = ["course", "name", "email"]
        constraints = [
            models.UniqueConstraint(
                "course",
                Lower("email"),
                name="rosterentry_unique",
                violation_error_message=_("This address stands on the roster already."),
            ),
            RowCheck(
                name="rosterentry_claim_in_order",
                condition=Q(claimed_by__isnull=True) | Q(claimed_at__isnull=False, enrolment__isnull=True),
                violation_error_message=_("Only who has not joined can be claimed, at a time."),
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def give_to(self, enrolment: Enrolment) -> None:
        """Note that somebody joined by this entry: nobody else claims it, and they are not gone."""
        self.enrolment = enrolment
        self.claimed_by = self.claimed_at = self.left_by = None
        self.save(update_fields=["enrolment", "claimed_by", "claimed_at", "left_by"])


class Invalidation(models.Model):
    """A row for each write that may change what a person sees of a course: written by the database's triggers alone.

    What is kept of a page for somebody who is signed in is right as long as the same rows concern them
    (`amls.pagecache.signed_in`). Rows are only added: nobody waits for anybody, and no order of commits hides one.

    Attributes:
        course_id: of which course it was, 0 of any.
        user_id: who sees something else now, 0 everybody.
    """

    course_id = models.BigIntegerField(_("course"))
    user_id = models.BigIntegerField(_("person"))
    at = models.DateTimeField(_("at"), db_default=Now())

    class Meta:
        verbose_name = _("change of a page")
        verbose_name_plural = _("changes of pages")
        indexes = [models.Index(fields=["course_id", "user_id", "at"], name="invalidation_whose_and_when")]

    def __str__(self) -> str:
        """Return whose pages of which course it concerns."""
        return f"{self.course_id}/{self.user_id}"


pghistory.track(exclude=["revision", "revised_at"])(Course)
pghistory.track()(WeeklySlot)
pghistory.track()(StaffMember)
pghistory.track(exclude=["revision"])(Enrolment)
pghistory.track()(RosterEntry)
pghistory.track(exclude=["password", "last_login", "sort_name"])(User)
