"""Addresses of exams."""

from django.urls import path

from amls.files.tables.writing import XLSX
from exams.forms import (
    AfterwardsForm,
    CapacityForm,
    ExamActForm,
    FreezeForm,
    HelperForm,
    LinkForm,
    OrderForm,
    PersonForm,
    ReasonForm,
    StudentForm,
)
from exams.views import door, held, papers, plan, results, rules, staff, student, tasks
from exams.views.acts import act_view

app_name = "exams"
urlpatterns = [
    path("<slug:slug>/exams/", student.exams, name="exams"),
    path("<slug:slug>/staff/admission/", rules.admission_rule, name="rule"),
    path("<slug:slug>/exams/<int:pk>/register/", student.register_page, name="register"),
    path("<slug:slug>/exams/<int:pk>/withdraw/", student.withdraw_page, name="withdraw"),
    path("<slug:slug>/exams/<int:pk>/hold/", student.hold_page, name="hold"),
    path("<slug:slug>/exams/<int:pk>/move/", student.move_page, name="move"),
    path("<slug:slug>/exams/<int:pk>/wait/", student.wait_page, name="wait"),
    path("<slug:slug>/exams/<int:pk>/slip.pdf", papers.slip, name="slip"),
    path("<slug:slug>/exams/<int:pk>/door.pdf", papers.door_list, name="door_list"),
    path("<slug:slug>/exams/<int:pk>/attendance.pdf", papers.attendees, name="attendees"),
    path("<slug:slug>/exams/<int:pk>/seats.pdf", papers.seat_plan, name="seat_plan"),
    path("<slug:slug>/exams/<int:pk>/staff/", staff.staff, name="staff"),
    path("<slug:slug>/exams/<int:pk>/staff/people/<int:registration_pk>/", staff.person, name="staff_person"),
    path("<slug:slug>/exams/<int:pk>/staff/register/", act_view("register", StudentForm), name="staff_register"),
    path(
        "<slug:slug>/exams/<int:pk>/staff/afterwards/", act_view("afterwards", AfterwardsForm), name="staff_afterwards"
    ),
    path("<slug:slug>/exams/<int:pk>/staff/withdraw/", act_view("withdraw", PersonForm), name="staff_withdraw"),
    path("<slug:slug>/exams/<int:pk>/staff/excuse/", act_view("excuse", PersonForm), name="staff_excuse"),
    path("<slug:slug>/exams/<int:pk>/staff/was-there/", act_view("was-there", PersonForm), name="staff_was_there"),
    path("<slug:slug>/exams/<int:pk>/staff/was-absent/", act_view("was-absent", PersonForm), name="staff_was_absent"),
    path("<slug:slug>/exams/<int:pk>/staff/no-result/", act_view("no-result", PersonForm), name="staff_no_result"),
    path("<slug:slug>/exams/<int:pk>/staff/admit/", act_view("admit", PersonForm), name="staff_admit"),
    path("<slug:slug>/exams/<int:pk>/staff/refuse/", act_view("refuse", PersonForm), name="staff_refuse"),
    path("<slug:slug>/exams/<int:pk>/staff/by-rules/", act_view("by-rules", PersonForm), name="staff_by_rules"),
    path("<slug:slug>/exams/<int:pk>/staff/admit-all/", act_view("admit-all", ExamActForm), name="staff_admit_all"),
    path("<slug:slug>/exams/<int:pk>/staff/capacity/", act_view("capacity", CapacityForm), name="staff_capacity"),
    path("<slug:slug>/exams/<int:pk>/staff/assign/", act_view("assign", OrderForm), name="staff_assign"),
    path("<slug:slug>/exams/<int:pk>/staff/mend/", act_view("mend", ExamActForm), name="staff_mend"),
    path("<slug:slug>/exams/<int:pk>/staff/release/", held.release, name="staff_release"),
    path("<slug:slug>/exams/<int:pk>/staff/helper/", act_view("helper", HelperForm), name="staff_helper"),
    path("<slug:slug>/exams/<int:pk>/staff/revoke/", act_view("revoke", LinkForm), name="staff_revoke"),
    path("<slug:slug>/exams/<int:pk>/staff/present/", act_view("present", ExamActForm), name="staff_present"),
    path("<slug:slug>/exams/<int:pk>/staff/absent/", act_view("absent", ExamActForm), name="staff_absent"),
    path("<slug:slug>/exams/<int:pk>/staff/close/", act_view("close", ExamActForm), name="staff_close"),
    path("<slug:slug>/exams/<int:pk>/staff/freeze/", act_view("freeze", FreezeForm), name="staff_freeze"),
    path("<slug:slug>/exams/<int:pk>/staff/unfreeze/", act_view("unfreeze", ReasonForm), name="staff_unfreeze"),
    path("<slug:slug>/exams/<int:pk>/staff/rooms/", plan.rooms, name="rooms"),
    path("<slug:slug>/exams/<int:pk>/staff/rooms/move/", plan.move, name="rooms_move"),
    path("<slug:slug>/exams/<int:pk>/staff/rooms/undo/", plan.undo, name="rooms_undo"),
    path("<slug:slug>/exams/<int:pk>/check-in/", door.check_in, name="check_in"),
    path("<slug:slug>/exams/<int:pk>/check-in/mark/", door.mark, name="mark"),
    path("<slug:slug>/exams/<int:pk>/check-in/marks/", door.marks, name="marks"),
    path("<slug:slug>/exams/<int:pk>/check-in/walk-in/", door.walk_in, name="walk_in"),
    path("<slug:slug>/exams/<int:pk>/results/", results.results, name="results"),
    path("<slug:slug>/exams/<int:pk>/results/enter/", results.enter, name="enter"),
    path("<slug:slug>/exams/<int:pk>/results/tasks/", tasks.tasks, name="tasks"),
    path("<slug:slug>/exams/<int:pk>/results/tasks/people/", tasks.by_person, name="by_person"),
    path("<slug:slug>/exams/<int:pk>/results/tasks/<int:task>/", tasks.by_task, name="by_task"),
    path("<slug:slug>/exams/<int:pk>/staff/university/", staff.university, name="university"),
    path("<slug:slug>/exams/<int:pk>/results/import/", results.import_file, name="import"),
    path("<slug:slug>/exams/<int:pk>/results/table/", results.table, name="table"),
    path("<slug:slug>/exams/<int:pk>/results/publish/", held.publish, name="publish"),
    path("<slug:slug>/exams/<int:pk>/results/regrade/", results.grade_anew, name="regrade"),
    path("<slug:slug>/exams/<int:pk>/results/office.csv", results.office, name="office"),
    path("<slug:slug>/exams/<int:pk>/results/office.xlsx", results.office, {"kind": XLSX}, name="office_xlsx"),
]
