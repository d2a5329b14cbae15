"""Addresses of exams."""

from django.urls import path

from exams.views import door, papers, results, staff, student

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
    path("<slug:slug>/exams/<int:pk>/staff/act/", staff.act, name="act"),
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
    path("<slug:slug>/exams/<int:pk>/results/office.csv", results.office, name="office"),
]
