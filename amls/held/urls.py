"""Addresses of what is held back."""

from django.urls import path

from amls.held import views

app_name = "held"
urlpatterns = [
    path("<slug:slug>/staff/held/", views.held, name="held"),
    path("<slug:slug>/staff/held/<int:pk>/undo/", views.undo, name="undo"),
]
