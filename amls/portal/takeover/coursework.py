"""The coursework of a course file: assignments with their tasks and topics, lists, and the rule of admission."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Max
from django.utils.translation import gettext as _

from amls.core.decimals import say_decimal
from amls.core.violations import RuleViolation
from amls.courses.models import StaffMember
from amls.grading.models import Roll
from amls.grading.points import ZERO
from amls.grading.tasks import TaskWish
from amls.grading.tree import AllBlock, dump, with_project
from amls.portal.takeover.labels import slot_count, teams_have, topic_label
from amls.portal.takeover.references import main_title, rule_of
from amls.portal.takeover.rows import Leaving, RowImport, Wanted, known_by
from amls.portal.takeover.spec import ProjectSpec, TopicSpec, WorkSpec
from exams.services.rules import set_rule, whole_rule
from lectures.models import Deadline
from projects.lateness import LATE_FIELDS, lateness_of, said_of_lateness
from projects.models import Assignment, CommentSnippet, Handout, MentorLimit, Project, Task, TaskPoints, Topic
from projects.services.deductions import follow_late_rule
from projects.services.points import set_tasks
from projects.services.snippets import keep_snippets

# The fields of the course's project and of any other assignment that are called the same here and in the file.
_SAME = (
    "late_policy", "late_cutoff_hours", "grace_minutes", "late_percent", "teaming", "team_min", "team_max", "hand_in", "grading", "question_days", "counts", "hours", "ects",
    "description", "takes_own_ideas", "topics_given", "wishes_min", "wishes_max", "max_files", "max_file_megabytes",
    "max_total_megabytes",
)  # fmt: skip
# What files call the times of the course's project, with the fields that hold them.
_PROJECT_TIMES = {
    "submission_deadline": "due_at",
    "registration_opens_at": "opens_at",
    "registration_closes_at": "registration_closes_at",
    "visible_from": "visible_from",
    "assessed_by": "assessed_by",
    "wishes_close_at": "wishes_close_at",
}
_TIMES = ("due_at", "opens_at", "registration_closes_at", "visible_from", "assessed_by", "wishes_close_at")
_KEPT_OF_ASSIGNMENTS = {
    *_SAME, *_TIMES, "kind", "series", "number", "is_mandatory", "max_points", "kinds_of_files", "position",
} - {"due_at"}  # fmt: skip
# What pages say of a project.
_ON_PAGES = {"due_at", "hours", "ects", "is_mandatory"}


class CourseworkImport(RowImport):
    """What an import says of pieces of work, and of what they lead to."""

    staff: Mapping[str, StaffMember]

    def coursework(self, staff: Mapping[str, StaffMember]) -> None:
        """Let the course have the assignments, topics and lists of the file.

        Args:
            staff: the course's, by name.
        """
        self.staff = staff
        before = {row.pk: row for row in Assignment.objects.filter(course=self.course)} if self.course.pk else {}
        self._project()
        if self.spec.is_complete:
            self._topics(Assignment.objects.main_of(self.course), self._own_topics())
        self._without_project()
        self._assignments()
        self._lateness(before)
        if self.spec.is_complete:
            self._lists()
            self._snippets()

    def _lateness(self, before: Mapping[int, Assignment]) -> None:
        """Work out anew what is deducted for being late where that changed, and say for whom it becomes worse."""
        if not before or self.problems:
            return
        for row in Assignment.objects.filter(pk__in=before).select_related("course"):
            was = before[row.pk]
            if all(getattr(row, name) == getattr(was, name) for name in LATE_FIELDS):
                continue
            standing = lateness_of(was)
            follow_late_rule(row, now=self.now)
            said = said_of_lateness(standing, lateness_of(row))
            self.diff.warnings.extend(f"{row.title}: {line}" for line in said)

    def _own_topics(self) -> list[tuple[int, TopicSpec]]:
        """Return the topics of the course's project, with their positions."""
        main = main_title(self.spec)
        return [row for row in enumerate(self.spec.topics) if row[1].assignment in ("", main)]

    # ── assignments ──

    def _project(self) -> None:
        spec = self.spec.projects
        existing = Assignment.objects.filter(course=self.course, is_main=True)
        if spec is None:
            if self.spec.is_complete and Project.objects.filter(assignment__in=existing).exists():
                self.problems.append(
                    _(
                        "[projects] is missing, but teams have registered: without it their deadlines would be lost. Put it back."
                    )
                )
                return
            if not self._own_topics() or existing.exists():
                return
            # Topics are those of a project, also in a file that says nothing more of it.
            spec = ProjectSpec()
        label = _("Projects")
        values = self._work(spec, label) | {"title": main_title(self.spec)}
        values |= {name: self.instant(getattr(spec, said), label) for said, name in _PROJECT_TIMES.items()}
        if self.spec.is_complete and not self._keeps_its_way(dict.fromkeys(existing, values)):
            return
        rows = self.sync(
            existing,
            [Wanted(label, values, self.when(spec.submission_deadline))],
            known_by(lambda _get: 0),
            parent={"course": self.course, "is_main": True},
            page_keeps=values.keys() - _ON_PAGES,
        )
        if self.spec.is_complete:
            self._parts_of(rows, [spec], [label])

    def _work(self, spec: WorkSpec, label: str) -> dict[str, Any]:
        """Return the fields that every assignment has."""
        points = sum((task.max_points for task in spec.tasks), ZERO) if spec.tasks else spec.max_points
        return {
            **{name: getattr(spec, name) for name in _SAME},
            "is_mandatory": spec.mandatory,
            "max_points": points,
            "kinds_of_files": [kind.strip().lower().lstrip(".") for kind in spec.kinds_of_files],
        }

    def _assignments(self) -> None:
        """Make what there is beside the course's project, each known by its title; a page says only when it is due."""
        existing = Assignment.objects.filter(course=self.course, is_main=False)
        newest = existing.aggregate(newest=Max("position"))["newest"] or 0
        wanted = []
        for position, spec in enumerate(self.spec.assignments, start=1 if self.spec.is_complete else newest + 1):
            label = _("Assignment %(title)s") % {"title": spec.title}
            values = {name: getattr(spec, name) for name in ("title", "kind", "series", "number")}
            values |= self._work(spec, label) | {name: self.instant(getattr(spec, name), label) for name in _TIMES}
            if spec.kind == Assignment.Kind.PROJECT and not spec.topics_given:
                values["topics_given"] = Assignment.TopicsGiven.FIRST_COME
            values["position"] = position
            wanted.append(Wanted(label, values, self.when(spec.due_at)))
        by_title = {wish.values["title"]: wish.values for wish in wanted}
        standing = {row: by_title[row.title] for row in existing if row.title in by_title}
        if self.spec.is_complete and not self._keeps_its_way(standing):
            return
        rows = self.sync(
            existing,
            wanted,
            known_by(lambda get: get("title")),
            page_keeps=_KEPT_OF_ASSIGNMENTS,
            leaving=Leaving(goes=self.spec.is_complete),
        )
        if not self.spec.is_complete:
            # What is handed in here is no date beside it.
            for deadline in Deadline.objects.filter(course=self.course, title__in=by_title):
                self._remove(deadline, "")
            return
        self._parts_of(rows, self.spec.assignments, [wish.label for wish in wanted])
        for row in rows:
            if row.pk and row.has_topics:
                self._topics(row, [own for own in enumerate(self.spec.topics) if own[1].assignment == row.title])

    def _keeps_its_way(self, wanted: Mapping[Assignment, Mapping[str, Any]]) -> bool:
        """Note where topics or teams are there that another way of giving topics would leave without any."""
        stuck = []
        for row, values in wanted.items():
            way = values["topics_given"]
            if way != row.topics_given and (
                (way == Assignment.TopicsGiven.NONE and row.topics.exists())
                or (way == Assignment.TopicsGiven.FIRST_COME and row.projects.filter(topic=None).exists())
            ):
                stuck.append(row.title)
        why = _("%(what)s: it has topics or teams, so topics stay given as they are. Put kind and topics_given back.")
        self.problems.extend(why % {"what": title} for title in stuck)
        return not stuck

    def _parts_of(self, rows: Sequence[Assignment], specs: Sequence[WorkSpec], labels: Sequence[str]) -> None:
        """Give assignments their tasks and limits of mentors; one that broke a rule has no key."""
        standing: dict[int, list[Task]] = defaultdict(list)
        for task in Task.objects.filter(assignment__in=[row for row in rows if row.pk]):
            standing[task.assignment_id].append(task)
        for row, spec, label in zip(rows, specs, labels, strict=bool(rows)):
            if row.pk:
                self._tasks(row, standing[row.pk], spec, label)
                self._handouts(row, spec, label)
                self._mentor_limits(row, spec, label)

    def _handouts(self, row: Assignment, spec: WorkSpec, label: str) -> None:
        """Announce files, and give those that the installation has; what the staff have put online stays in any case."""
        wanted = []
        for position, handout in enumerate(spec.handouts):
            said = _("%(what)s, file %(title)s") % {"what": label, "title": handout.title}
            visible_from = self.instant(handout.visible_from, said)
            wanted.append(Wanted(said, {"title": handout.title, "visible_from": visible_from, "position": position}))
        rows = self.sync(
            Handout.objects.filter(assignment=row).select_related("current"),
            wanted,
            known_by(lambda get: get("title"), repeats=True),
            parent={"assignment": row},
            leaving=Leaving(goes=False),
        )
        for own, handout, wish in zip(rows, spec.handouts, wanted, strict=True):
            self.known_file(own, handout, wish.label)

    def _tasks(self, row: Assignment, standing: Sequence[Task], spec: WorkSpec, label: str) -> None:
        wanted, percent = spec.tasks, row.pass_percent
        before = [(task.title, task.max_points) for task in standing]
        after = [(task.title, task.max_points) for task in wanted]
        if before == after and percent == spec.pass_percent:
            return
        if len({task.title for task in wanted}) < len(wanted):
            self.problems.append(_("%(what)s: two tasks have one title.") % {"what": label})
            return
        known = {task.title: task.pk for task in standing}
        gone = known.keys() - {task.title for task in wanted}
        if given := TaskPoints.objects.filter(task__in=[known[title] for title in gone]).select_related("task").first():
            self.problems.append(
                _(
                    "%(what)s: points were given for '%(task)s', which is not in the file. Put it back, or change the tasks at the desk, which shows what that does."
                )
                % {"what": label, "task": given.task}
            )
            return
        wishes = [TaskWish(task.title, task.max_points, known.get(task.title)) for task in wanted]
        try:
            set_tasks(assignment=row, tasks=wishes, pass_percent=spec.pass_percent, by=None, now=self.now)
        except RuleViolation as violation:
            self.problems.append(f"{label}: {violation.message}")
            return
        if before != after:
            self.diff.listed(label, "tasks", _("tasks"), *(_said_tasks(tasks) for tasks in (before, after)))
        if percent != spec.pass_percent:
            name = _("pass mark in percent")
            self.diff.listed(label, "pass_percent", name, str(percent), str(spec.pass_percent))

    def _mentor_limits(self, row: Assignment, spec: WorkSpec, label: str) -> None:
        wanted = []
        for limit in spec.mentor_limits:
            if limit.mentor not in self.staff:
                why = _("%(what)s: the mentor '%(mentor)s' is not on the staff.")
                self.problems.append(why % {"what": label, "mentor": limit.mentor})
                return
            values = {"mentor": self.staff[limit.mentor], "most": limit.most}
            wanted.append(Wanted(_("%(what)s, limit of %(mentor)s") % {"what": label, "mentor": limit.mentor}, values))
        self.sync(
            MentorLimit.objects.filter(assignment=row).select_related("mentor"),
            wanted,
            known_by(lambda get: get("mentor").name),
            parent={"assignment": row},
        )

    def _without_project(self) -> None:
        """Take a course's project away of which a complete file says nothing, once its topics are gone."""
        spec = self.spec
        main = Assignment.objects.main_of(self.course)
        if (
            main is not None
            and spec.is_complete
            and spec.projects is None
            and not self._own_topics()
            and not self.problems
        ):
            self.diff.removed(_("Projects"))
            main.delete()

    # ── topics ──

    def _topics(self, assignment: Assignment | None, offered: Sequence[tuple[int, TopicSpec]]) -> None:
        """Let an assignment have these topics, each with its position among all of the course."""
        # Locked, because a team may take a slot while this counts them; registering locks the same rows.
        own = Topic.objects.filter(assignment=assignment).select_for_update(no_key=True, of=("self",)).order_by("pk")
        taken = {(row.track, row.title): row for row in own}
        wanted = []
        for position, topic in offered:
            namesake = taken.get((topic.track, topic.title))
            if namesake is not None and namesake.proposal:
                self.problems.append(
                    _(
                        "Topic %(title)s: a student has proposed an idea with this title in this track. Give the topic another title."
                    )
                    % {"title": topic.title}
                )
                return
            if namesake is not None and topic.slots < namesake.taken:
                self.problems.append(
                    _(
                        "Topic %(title)s: %(teams)s it, so it can't have %(slots)s. Give it at least %(taken)d, or close it with open = false."
                    )
                    % {
                        "title": topic.title,
                        "teams": teams_have(namesake.taken),
                        "slots": slot_count(topic.slots),
                        "taken": namesake.taken,
                    }
                )
            if topic.mentor and topic.mentor not in self.staff:
                why = _("Topic %(title)s: the mentor '%(mentor)s' is not on the staff.")
                self.problems.append(why % {"title": topic.title, "mentor": topic.mentor})
                return
            wanted.append(Wanted(topic_label(topic), self._values_of(topic, position)))
        self.sync(
            Topic.objects.of_staff().filter(assignment=assignment),
            wanted,
            known_by(lambda get: (get("track"), get("title"))),
            parent={"course": self.course, "assignment": assignment},
            leaving=Leaving(stays=self._close_topic),
        )

    def _values_of(self, topic: TopicSpec, position: int) -> dict[str, Any]:
        same = (
            "track", "title", "description", "team_min", "team_max", "slots", "fewest_teams", "must_be_held",
        )  # fmt: skip
        return {name: getattr(topic, name) for name in same} | {
            "mentor": self.staff.get(topic.mentor), "skills": list(topic.skills), "links": list(topic.links),
            "is_open": topic.open, "position": position,
        }  # fmt: skip

    def _close_topic(self, topic: Topic) -> bool:
        """Close a topic that the file no longer names but that teams have or had: their work hangs on it."""
        if not topic.projects.exists() and not topic.switched_from.exists():
            return False
        if topic.is_open:
            self.update(topic, Wanted(topic_label(topic), {"is_open": False}))
            teams = teams_have(topic.taken) if topic.taken else _("a team had")
            self.diff.warnings.append(
                _(
                    "Topic %(title)s is not in the file, but %(teams)s it: it is closed rather than removed, and its teams keep it. If it only got another name, rename it at the desk before you import."
                )
                % {"title": topic.title, "teams": teams}
            )
        return True

    # ── lists, and the rule of admission ──

    def _lists(self) -> None:
        self.sync(
            Roll.objects.filter(course=self.course),
            [
                Wanted(_("List %(title)s") % {"title": row.title}, {"title": row.title, "planned": row.planned})
                for row in self.spec.lists
            ],
            known_by(lambda get: get("title")),
            leaving=Leaving(stays=self._keep_list),
        )

    def _snippets(self) -> None:
        """Let the staff's comments be those of the file, in its order."""
        before = list(CommentSnippet.objects.filter(course=self.course).values_list("text", flat=True))
        label = _("Comment snippets")
        try:
            kept = keep_snippets(course=self.course, texts=list(self.spec.comment_snippets), now=self.now)
        except RuleViolation as violation:
            self.problems.append(f"{label}: {violation.message}")
            return
        after = [snippet.text for snippet in kept]
        if before != after:
            self.diff.listed(label, "comment_snippets", _("comments"), *(", ".join(texts) for texts in (before, after)))

    def _keep_list(self, roll: Roll) -> bool:
        """Keep a list that the file no longer names but in which people stand."""
        if not roll.entries.exists():
            return False
        why = _("List %(title)s is not in the file, but people stand in it: it stays.")
        self.diff.warnings.append(why % {"title": roll.title})
        return True

    def admission(self) -> None:
        """Let the rule of admission be that of the file; whoever was admitted stays so."""
        if not self.spec.is_complete or self.problems:
            return
        assignments = dict(Assignment.objects.filter(course=self.course).values_list("title", "pk"))
        lists = dict(Roll.objects.filter(course=self.course).values_list("title", "pk"))
        try:
            rule = rule_of(self.spec.admission, assignments, lists)
        except KeyError as error:
            why = _("Rule of admission: there is no assignment and no list '%(title)s'.")
            self.problems.append(why % {"title": error.args[0]})
            return
        except RuleViolation as violation:
            self.problems.append(_("Rule of admission: %(why)s") % {"why": violation.message})
            return
        whole = with_project(rule, needs_project=self.spec.grading.project_is_prerequisite)
        before = _parts(whole_rule(self.course))
        if before == _parts(whole):
            return
        set_rule(course=self.course, rule=whole, by=None, now=self.now)
        label = _("Rule of admission")
        if not before:
            self.diff.added(label)
        elif not whole.parts:
            self.diff.removed(label)
        else:
            self.diff.listed(label, "admission", _("blocks"), str(len(before)), str(len(whole.parts)))


def _parts(rule: AllBlock) -> list[Any]:
    parts: list[Any] = dump(rule)["rule"]["parts"]
    return parts


def _said_tasks(tasks: Sequence[tuple[str, Any]]) -> str:
    return ", ".join(f"{title} {say_decimal(points)}" for title, points in tasks)
