"""Addresses of lectures and their materials."""

from django.urls import path

from lectures.views import edit, feeds, files, pages, recording, slot

app_name = "lectures"
urlpatterns = [
    path("<slug:slug>/staff/move-sessions/", slot.move_sessions, name="move_sessions"),
    path("<slug:slug>/staff/move-sessions/undo/", slot.undo_move, name="move_sessions_undo"),
    path("<slug:slug>/lectures/<slug:ref>.ics", feeds.lecture_feed, name="lecture_feed"),
    path("<slug:slug>/lectures/<slug:ref>/", pages.lecture, name="lecture"),
    path("<slug:slug>/lectures/<slug:ref>/edit/", edit.edit, name="lecture_edit"),
    path("<slug:slug>/lectures/<slug:ref>/undo/", edit.undo, name="lecture_undo"),
    path("<slug:slug>/lectures/<slug:ref>/upload/", edit.upload, name="lecture_upload"),
    path("<slug:slug>/lectures/<slug:ref>/files/undo/", edit.undo_files, name="lecture_undo_files"),
    path("<slug:slug>/lectures/<slug:ref>/reading/", edit.reading, name="lecture_reading"),
    path("<slug:slug>/lectures/<slug:ref>/chapters/", recording.chapters, name="lecture_chapters"),
    path("<slug:slug>/lectures/<slug:ref>/transcript/", recording.transcript, name="lecture_transcript"),
    path("<slug:slug>/lectures/<slug:ref>/watched/", recording.watched, name="lecture_watched"),
    path("<slug:slug>/materials/<int:pk>/slides/<int:number>.webp", files.slide, name="slide"),
    path("<slug:slug>/materials/<int:pk>/thumbs/<int:number>.webp", files.thumb, name="thumb"),
    path("<slug:slug>/materials/<int:pk>/<str:filename>", files.material, name="material"),
]
