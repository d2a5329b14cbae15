"""Courses and people at the desk."""

from datetime import datetime
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Case, QuerySet, Value, When
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.decorators import action

from amls.core.keys import primary_key
from amls.core.names import SortName
from amls.core.preview import Preview, preview_by_button, sent_before, without_trace
from amls.core.text import clean_text
from amls.core.violations import RuleViolation
from amls.courses.emails import enter_address, make_provable
from amls.courses.forms import EnrolmentForm, RosterEntryForm, RosterForm, UserForm, is_number_unchecked
from amls.courses.models import Course, Enrolment, Role, RosterEntry, StaffMember, User, WeeklySlot
from amls.courses.people import who
from amls.courses.permissions import is_last_lecturer, may_appoint, may_create_courses
from amls.courses.saving import (
    STATE_ACT,
    delete_course,
    delete_row,
    name_loose_ends,
    remove_enrolment,
    save_course,
    save_row,
)
from amls.courses.services import follow_roster, loose_ends_of, verify_as_typed, verify_number
from amls.courses.vouched import vouched_number
from amls.desk.chosen import chosen_course, courses_of
from amls.desk.holding import WantedAct, hold_at_desk
from amls.desk.listing import PeopleList, list_as_left
from amls.desk.signin import AddressAdmin, FactorAdmin, SessionAdmin
from amls.desk.site import CourseScopedAdmin, CourseScopedInline, SuperuserAdmin
from amls.desk.writes import Writes
from amls.files.kept import Shelf
from amls.files.tables.forms import Upload, preview_or_apply
from amls.files.tables.imports import with_undo
from amls.files.tables.plan import Plan
from amls.membership.claims import CLAIM_ACT, claim_for_enrolled, decide_claim
from amls.membership.roster import KIND, MEANINGS, RosterPlan, import_roster
from amls.privacy.registry import delete_account

# What the button sends that archives a course.
_ARCHIVE = "_archive"

# Found here by Django.
__all__ = ["AddressAdmin", "FactorAdmin", "SessionAdmin"]


class StaffMemberInline(CourseScopedInline):
    model = StaffMember
    writes = Writes(save=save_row, delete=delete_row)
    fields = ("role", "name", "affiliation", "email", "url", "position")


class WeeklySlotInline(CourseScopedInline):
    model = WeeklySlot
    writes = Writes(save=save_row, delete=delete_row)
    # One below the other: seven columns would cut every choice to two letters.
    template = "admin/edit_inline/stacked.html"
    fields = (("kind", "weekday"), ("start", "end"), ("room", "mode"), "call_in")


@admin.register(Course)
class CourseAdmin(CourseScopedAdmin):
    """A course: its facts, its weekly slots, its staff, its state."""

    writes = Writes(save=save_course, delete=delete_course)
    course_path = "pk"
    list_display = ("title", "term", "state", "enrolment_policy", "slug")
    list_filter = ("state",)
    search_fields = ("title", "slug", "term")
    inlines = (WeeklySlotInline, StaffMemberInline)
    fieldsets = (
        (None, {"fields": ("title", "slug", "term", "state", "institution", ("codes", "kinds"), ("ects", "language"), ("first_day", "last_day"), ("timezone", "contact_email"))}),
        (gettext_lazy("Texts"), {"fields": ("description", "grading"), "classes": ("tab",)}),
        (gettext_lazy("Enrolment"), {"fields": ("enrolment_policy", "enrolment_code"), "classes": ("tab",)}),
    )  # fmt: skip

    def course_of(self, row: Any) -> Course | None:
        """Return the course itself."""
        return row if isinstance(row, Course) else None

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let lecturers and superusers make courses."""
        return may_create_courses(request.user)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let only superusers delete a course; everyone else archives it."""
        return bool(request.user.is_superuser)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Add or change a course; archiving asks first, reopening asks why."""
        row = self.get_object(request, object_id) if object_id and request.method == "POST" else None
        wanted = request.POST.get("state", "")
        if row is None or not self.has_change_permission(request, row) or wanted not in Course.State.values:
            return super().changeform_view(request, object_id, form_url, extra_context)
        is_closing = row.state != Course.State.ARCHIVED and wanted == Course.State.ARCHIVED
        is_reopening = row.state == Course.State.ARCHIVED and wanted != Course.State.ARCHIVED
        reason = request.POST.get("_reason", "").strip()
        loose_ends = loose_ends_of(row) if is_closing else []
        preview = _archiving(request, row, loose_ends)
        if (is_closing and not preview.is_agreed) or (is_reopening and not reason):
            return self._ask_about_state(request, row, preview, loose_ends, is_closing=is_closing)
        return super().changeform_view(request, object_id, form_url, extra_context)

    def save_model(self, request: HttpRequest, obj: Course, form: Any, change: bool) -> None:
        """Save; archiving and reopening wait, so that they can be taken back."""
        was, wanted = form.initial.get("state", ""), obj.state
        if not change or Course.State.ARCHIVED not in (was, wanted) or was == wanted:
            super().save_model(request, obj, form, change)
            return
        obj.state = Course.State(was)
        super().save_model(request, obj, form, change)
        is_closing = wanted == Course.State.ARCHIVED
        title = (_("Archive %(course)s") if is_closing else _("Reopen %(course)s")) % {"course": obj}
        references = {
            "was": was, "state": wanted, "reason": clean_text(request.POST.get("_reason", "").strip()),
            "loose_ends": name_loose_ends(loose_ends_of(obj)) if is_closing else "",
        }  # fmt: skip
        back = reverse("admin:courses_course_change", args=[obj.pk])
        hold_at_desk(request, WantedAct(obj, STATE_ACT, str(obj.pk), references, title, back))

    def _ask_about_state(
        self, request: HttpRequest, row: Course, preview: Preview, loose_ends: list[str], *, is_closing: bool
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": (_("Archive %(course)s?") if is_closing else _("Reopen %(course)s?")) % {"course": row},
            "opts": self.opts,
            "is_closing": is_closing,
            "loose_ends": loose_ends,
            "preview": preview,
            "is_reason_missing": "_reason" in request.POST,
            "posted": sent_before(request.POST, "_reason", _ARCHIVE),
        }
        status = 422 if "_reason" in request.POST else 200
        return TemplateResponse(request, "admin/state.html", context, status=status)


def _archiving(request: HttpRequest, row: Course, loose_ends: list[str]) -> Preview:
    """Return what is shown before a course is archived; the question about calendars follows."""
    return preview_by_button(request.POST, (row.pk, loose_ends), button=_ARCHIVE)


class NumberFilter(admin.SimpleListFilter):
    """Whether the course has verified the matriculation number."""

    title = gettext_lazy("matriculation number")
    parameter_name = "number"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Offer the three states."""
        return [("verified", _("verified")), ("typed", _("typed, not verified")), ("missing", _("missing"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep those in the chosen state."""
        if self.value() == "verified":
            return queryset.exclude(verified_number="")
        if self.value() not in ("typed", "missing"):
            return queryset
        open_ones = queryset.filter(verified_number="")
        is_missing = {"user__matriculation_number": ""}
        return open_ones.filter(**is_missing) if self.value() == "missing" else open_ones.exclude(**is_missing)


@admin.register(Enrolment)
class EnrolmentAdmin(CourseScopedAdmin):
    """Who is in a course, and the matriculation number that staff have checked."""

    writes = Writes(save=save_row, delete=remove_enrolment)
    form = EnrolmentForm
    list_display = ("user", "matriculation_number", "course", "role", "created_at")
    ordering = ("course", "user__sort_name")
    list_filter = ("course", "role", NumberFilter)
    actions = ("verify_numbers",)
    list_select_related = ("user", "course")
    search_fields = ("user__email", "user__display_name", "user__matriculation_number", "verified_number")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[PeopleList]:
        """Lead to the pages of the people."""
        return PeopleList

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer the people of one's own courses; others come by roster."""
        if db_field.name == "user":
            mine = Enrolment.objects.filter(course__in=self.courses(request)).values("user")
            everyone = User.objects.all() if request.user.is_superuser else User.objects.filter(pk__in=mine)
            kwargs["queryset"] = everyone
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer the roles that the person may give in one of their courses at least; `EnrolmentForm` looks at which."""
        if db_field.name == "role" and not may_create_courses(request.user):
            kwargs["choices"] = [(Role.STUDENT.value, Role.STUDENT.label)]
        return super().formfield_for_choice_field(db_field, request, **kwargs)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Tell the form who decides."""
        form = super().get_form(request, obj, change, **kwargs)
        form.by = request.user
        return form

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let only lecturers change those who teach."""
        return super().has_change_permission(request, obj) and self._may_decide(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let only lecturers take out those who teach, and nobody a course's last lecturer."""
        is_last = isinstance(obj, Enrolment) and is_last_lecturer(obj) and not request.user.is_superuser
        return super().has_delete_permission(request, obj) and self._may_decide(request, obj) and not is_last

    @staticmethod
    def _may_decide(request: HttpRequest, obj: Any) -> bool:
        return not isinstance(obj, Enrolment) or not obj.is_staff or may_appoint(request.user, obj.course)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Keep person and course of an enrolment as they are."""
        return ("person", "course") if obj is not None else ()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Ask for the number of who is enrolled, and whether the one that is there was checked."""
        number = () if obj is None else ("number", "is_checked") if is_number_unchecked(obj) else ("number",)
        return ("user" if obj is None else "person", "course", "role", *number)

    @admin.display(description=gettext_lazy("person"))
    def person(self, row: Enrolment) -> str:
        """Say who it is; their account is for those who run the installation."""
        return who(row.user)

    @admin.action(description=gettext_lazy("I have checked the matriculation numbers of these people"))
    def verify_numbers(self, request: HttpRequest, queryset: QuerySet[Enrolment]) -> None:
        """Enter what the chosen people typed as verified, and say for whom that can't be."""
        count, problems = verify_as_typed(enrolments=queryset.select_related("user", "course").order_by("pk"))
        text = ngettext("%(count)d number is verified now.", "%(count)d numbers are verified now.", count)
        messages.success(request, text % {"count": count})
        for problem in problems:
            messages.error(request, problem)

    @admin.display(description=gettext_lazy("matriculation number"), ordering="user__matriculation_number")
    def matriculation_number(self, row: Enrolment) -> str:
        """Say the number, and whether somebody has checked it."""
        return f"{row.verified_number} ✓" if row.verified_number else row.number or "–"

    def save_model(self, request: HttpRequest, obj: Enrolment, form: Any, change: bool) -> None:
        """Save, and enter the number as checked where it was changed or is said to be."""
        super().save_model(request, obj, form, change)
        if change and ("number" in form.changed_data or form.cleaned_data.get("is_checked")):
            verify_number(enrolment=obj, number=form.cleaned_data["number"])


@admin.register(RosterEntry)
class RosterEntryAdmin(CourseScopedAdmin):
    """Who may join a course before they ever sign in; first whoever signed in with another address."""

    writes = Writes(save=save_row, delete=delete_row)
    list_display = ("email", "name", "matriculation_number", "course", "has_joined", "claim")
    list_filter = ("course", ("claimed_by", admin.EmptyFieldListFilter))
    list_select_related = ("course", "enrolment", "claimed_by")
    search_fields = ("email", "name", "matriculation_number")
    form = RosterEntryForm
    actions_list = ("upload_roster", "invite_by_mail")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Show which accounts were declined, where some were."""
        fields = ("course", "email", "name", "matriculation_number")
        return (*fields, "declined") if obj is not None and obj.declined.exists() else fields

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save, and ask about who is enrolled and has the number of the roster."""
        super().save_related(request, form, formsets, change)
        follow_roster(form.instance, former=form.initial.get("matriculation_number", ""))
        claim_for_enrolled(course=form.instance.course, now=request.now)  # type: ignore[attr-defined]

    @admin.display(boolean=True, description=gettext_lazy("joined"))
    def has_joined(self, entry: RosterEntry) -> bool:
        """Say whether an account joined this entry."""
        return entry.enrolment_id is not None

    @admin.display(description=gettext_lazy("to confirm"))
    def claim(self, entry: RosterEntry) -> str:
        """Say which account says that it is this person."""
        return f"{entry.claimed_by} <{entry.claimed_by.email}>" if entry.claimed_by else "–"

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        """Put those to confirm first."""
        waits = Case(When(claimed_by__isnull=False, then=Value(0)), default=Value(1))
        return [waits.asc(), "course", SortName("name", "email").asc()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Edit an entry; where an account says that it is this person, confirm or decline that first."""
        entry = self.get_object(request, object_id)
        if entry is not None and request.method == "POST" and (entry.claimed_by or "claimant" in request.POST):
            return self._decide(request, entry)
        if entry is None or entry.claimed_by is None:
            return super().change_view(request, object_id, form_url, extra_context)
        context = {**self.admin_site.each_context(request), "title": _("Is it the same person?"), "opts": self.opts, "entry": entry}  # fmt: skip
        return TemplateResponse(request, "admin/claim.html", context)

    def _decide(self, request: HttpRequest, entry: RosterEntry) -> HttpResponse:
        claimant, is_confirmed = primary_key(request.POST.get("claimant")), "confirm" in request.POST
        now: datetime = request.now  # type: ignore[attr-defined]
        here = reverse("admin:courses_rosterentry_change", args=[entry.pk])
        try:
            without_trace(partial(decide_claim, entry=entry, claimant=claimant, is_confirmed=is_confirmed, now=now))
        except RuleViolation as violation:
            messages.error(request, str(violation.message))
            return redirect(here)
        title = _("Enrol %(name)s") if is_confirmed else _("Decline %(name)s")
        references = {"entry": entry.pk, "claimant": claimant, "is_confirmed": is_confirmed}
        wanted = WantedAct(entry.course, CLAIM_ACT, str(entry.pk), references, title % {"name": entry.claimed_by}, here)
        hold_at_desk(request, wanted)
        return redirect(list_as_left(self, request))

    @action(description=gettext_lazy("Invite by mail"), url_path="invite")
    def invite_by_mail(self, request: HttpRequest) -> HttpResponse:
        """Lead to the page that invites people to the chosen course, else to the first of one's own."""
        course = chosen_course(request) or next(iter(courses_of(request)), None)
        if course is None:
            raise Http404
        return redirect("portal:invite", slug=course.slug)

    @action(description=gettext_lazy("Import a table"), url_path="import")
    def upload_roster(self, request: HttpRequest) -> HttpResponse:
        """Show what a table would change, then change it."""
        assert isinstance(request.user, User)  # noqa: S101 - the desk says so
        shelf = Shelf(request.user.pk, KIND, request.now)  # type: ignore[attr-defined]
        form = RosterForm(request.POST or None, request.FILES or None, courses=self.courses(request), shelf=shelf)
        form.initial.setdefault("course", chosen_course(request))
        context: dict[str, Any] = {
            **self.admin_site.each_context(request), "title": _("Import a roster"), "opts": self.opts, "form": form,
            "meanings": MEANINGS,
        }  # fmt: skip
        if request.method != "POST":
            return TemplateResponse(request, "admin/table_import.html", context)

        def run(upload: Upload, *, dry_run: bool, expected: str) -> Plan:
            assert isinstance(request.user, User)  # noqa: S101 - the desk says so
            return import_roster(
                course=form.cleaned_data["course"], content=upload.content, how=upload.how, filename=upload.filename,
                by=request.user, now=request.now, dry_run=dry_run, expected=expected,  # type: ignore[attr-defined]
            )  # fmt: skip

        outcome = preview_or_apply(form, run)
        if outcome.is_done and isinstance(outcome.plan, RosterPlan):
            self._say_imported(request, outcome.plan, form.cleaned_data["course"])
            return redirect(reverse("admin:courses_rosterentry_changelist"))
        context["preview"] = outcome.preview
        return TemplateResponse(request, "admin/table_import.html", context, status=outcome.status)

    @staticmethod
    def _say_imported(request: HttpRequest, plan: RosterPlan, course: Course) -> None:
        said = _("%(added)d added, %(changed)d changed, %(unchanged)d as before; %(joined)d joined at once.")
        counts = {"added": plan.added, "changed": plan.changed, "unchanged": plan.unchanged, "joined": plan.joined}
        messages.success(request, with_undo(said % counts, course.slug))
        if plan.claimed:
            more = ngettext(
                "%(claimed)d person is to confirm: first in this list.",
                "%(claimed)d people are to confirm: first in this list.",
                plan.claimed,
            )
            messages.warning(request, more % {"claimed": plan.claimed})


def save_account(account: User, *, by: User | None, now: datetime) -> None:
    """Keep an account, new or changed; a new one's address can be proven by a sign-in with a code."""
    with transaction.atomic():
        is_new = not account.pk
        if account.is_active:
            account.locked_at = None
        account.save()
        if is_new:
            make_provable(account)


def forget_account(account: User, *, by: User | None, now: datetime) -> None:
    """Forget a person as they can themselves: what a team made together stays, without the name."""
    delete_account(user=account, now=now)


@admin.register(User)
class UserAdmin(SuperuserAdmin):
    """Accounts; for those who run the installation."""

    writes = Writes(save=save_account, delete=forget_account)
    list_display = ("email", "display_name", "matriculation_number", "is_active", "is_superuser")
    ordering = ("email",)
    list_filter = ("is_active", "is_superuser")
    search_fields = ("email", "display_name", "matriculation_number")
    fields = (
        "email", "display_name", "matriculation_number", "language", "is_active",
        "is_superuser", "date_joined", "last_login",
    )  # fmt: skip
    readonly_fields = ("date_joined", "last_login")
    form = UserForm

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """Let alone what a provider of sign-ins says of the person: it changes it."""
        fields = super().get_readonly_fields(request, obj)
        if obj is None:
            return (*fields,)
        said = {"display_name": obj.is_name_verified, "matriculation_number": bool(vouched_number(obj))}
        return (*fields, *(name for name, is_said in said.items() if is_said))

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Save; a new address of an account waits until it is proven."""
        wanted = obj.email
        if change:
            obj.email = form.initial["email"]
        super().save_model(request, obj, form, change)
        if change and wanted != obj.email and enter_address(user=obj, email=wanted, request=request):
            said = _(
                "A mail asks for a sign-in with a code that is sent to %(email)s; then it takes the place of the "
                "present address, to which this is told. Until then nothing changes."
            )
            messages.warning(request, said % {"email": wanted})
