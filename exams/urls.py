"""Addresses of exams."""

from django.urls import path

from exams.views import acts, door, papers, results, staff, student

app_name = "exams"
urlpatterns = [
    path("<slug:slug>/exams/", student.exams, name="exams"),
    path("<slug:slug>/exams/<int:pk>/register/", student.register_page, name="register"),
    path("<slug:slug>/exams/<int:pk>/withdraw/", student.withdraw_page, name="withdraw"),
    path("<slug:slug>/exams/<int:pk>/move/", student.move_page, name="move"),
    path("<slug:slug>/exams/<int:pk>/slip.pdf", papers.slip, name="slip"),
    path("<slug:slug>/exams/<int:pk>/door.pdf", papers.door_list, name="door_list"),
    path("<slug:slug>/exams/<int:pk>/attendance.pdf", papers.attendees, name="attendees"),
    path("<slug:slug>/exams/<int:pk>/seats.pdf", papers.seat_plan, name="seat_plan"),
    path("<slug:slug>/exams/<int:pk>/staff/", staff.staff, name="staff"),
    path("<slug:slug>/exams/<int:pk>/staff/register/", acts.register, name="staff_register"),
    path("<slug:slug>/exams/<int:pk>/staff/withdraw/", acts.withdraw, name="staff_withdraw"),
    path("<slug:slug>/exams/<int:pk>/staff/excuse/", acts.excuse, name="staff_excuse"),
    path("<slug:slug>/exams/<int:pk>/staff/was-there/", acts.was_there, name="staff_was_there"),
    path("<slug:slug>/exams/<int:pk>/staff/was-absent/", acts.was_absent, name="staff_was_absent"),
    path("<slug:slug>/exams/<int:pk>/staff/admit/", acts.admit, name="staff_admit"),
    path("<slug:slug>/exams/<int:pk>/staff/refuse/", acts.refuse, name="staff_refuse"),
    path("<slug:slug>/exams/<int:pk>/staff/by-rules/", acts.by_rules, name="staff_by_rules"),
    path("<slug:slug>/exams/<int:pk>/staff/admit-all/", acts.admit_all, name="staff_admit_all"),
    path("<slug:slug>/exams/<int:pk>/staff/capacity/", acts.capacity, name="staff_capacity"),
    path("<slug:slug>/exams/<int:pk>/staff/assign/", acts.assign, name="staff_assign"),
    path("<slug:slug>/exams/<int:pk>/staff/mend/", acts.mend, name="staff_mend"),
    path("<slug:slug>/exams/<int:pk>/staff/release/", acts.release, name="staff_release"),
    path("<slug:slug>/exams/<int:pk>/staff/helper/", acts.helper, name="staff_helper"),
    path("<slug:slug>/exams/<int:pk>/staff/revoke/", acts.revoke, name="staff_revoke"),
    path("<slug:slug>/exams/<int:pk>/staff/absent/", acts.absent, name="staff_absent"),
    path("<slug:slug>/exams/<int:pk>/staff/close/", acts.close, name="staff_close"),
    path("<slug:slug>/exams/<int:pk>/staff/freeze/", acts.freeze, name="staff_freeze"),
    path("<slug:slug>/exams/<int:pk>/staff/unfreeze/", acts.unfreeze, name="staff_unfreeze"),
    path("<slug:slug>/exams/<int:pk>/check-in/", door.check_in, name="check_in"),
    path("<slug:slug>/exams/<int:pk>/check-in/mark/", door.mark, name="mark"),
    path("<slug:slug>/exams/<int:pk>/check-in/marks/", door.marks, name="marks"),
    path("<slug:slug>/exams/<int:pk>/check-in/walk-in/", door.walk_in, name="walk_in"),
    path("<slug:slug>/exams/<int:pk>/results/", results.results, name="results"),
    path("<slug:slug>/exams/<int:pk>/results/enter/", results.enter, name="enter"),
    path("<slug:slug>/exams/<int:pk>/staff/university/", staff.university, name="university"),
    path("<slug:slug>/exams/<int:pk>/results/import/", results.import_file, name="import"),
    path("<slug:slug>/exams/<int:pk>/results/table/", results.table, name="table"),
    path("<slug:slug>/exams/<int:pk>/results/publish/", results.publish, name="publish"),
    path("<slug:slug>/exams/<int:pk>/results/regrade/", results.grade_anew, name="regrade"),
    path("<slug:slug>/exams/<int:pk>/results/office.csv", results.office, name="office"),
]
