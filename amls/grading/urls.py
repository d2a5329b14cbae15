"""Addresses of the lists that the staff keep."""

from django.urls import path

from amls.grading import views

app_name = "grading"
urlpatterns = [
    path("<slug:slug>/staff/lists/", views.rolls, name="rolls"),
    path("<slug:slug>/staff/lists/<int:pk>/", views.roll, name="roll"),
    path("<slug:slug>/staff/lists/<int:pk>/import/", views.roll_import, name="roll_import"),
]
