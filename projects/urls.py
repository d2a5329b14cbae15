"""Addresses of projects."""

from django.urls import path

from projects.views import handin, ideas, invitations, mine, receipts, topics

app_name = "projects"
urlpatterns = [
    path("receipts/<str:code>/", receipts.receipt, name="receipt"),
    path("receipts/<str:code>/receipt.pdf", receipts.receipt_pdf, name="receipt_pdf"),
    path("<slug:slug>/projects/", topics.topics, name="topics"),
    path("<slug:slug>/projects/topics.pdf", topics.topics_pdf, name="topics_pdf"),
    path("<slug:slug>/projects/topics/<int:pk>/", topics.topic, name="topic"),
    path("<slug:slug>/projects/register/", topics.register, name="register"),
    path("<slug:slug>/projects/seek/", topics.seek, name="seek"),
    path("<slug:slug>/projects/propose/", ideas.propose, name="propose"),
    path("<slug:slug>/projects/propose/<int:pk>/take-back/", ideas.take_back, name="take_back"),
    path("<slug:slug>/projects/invitations/<int:pk>/", invitations.invitation, name="invitation"),
    path("<slug:slug>/projects/mine/", mine.mine, name="mine"),
    path("<slug:slug>/projects/mine/invite/", mine.invite, name="invite"),
    path("<slug:slug>/projects/mine/invitations/<int:pk>/revoke/", mine.revoke, name="revoke"),
    path("<slug:slug>/projects/mine/switch/", mine.switch, name="switch"),
    path("<slug:slug>/projects/mine/switch-back/", mine.switch_back, name="switch_back"),
    path("<slug:slug>/projects/mine/leave/", mine.leave, name="leave"),
    path("<slug:slug>/projects/mine/dissolve/", mine.dissolve, name="dissolve"),
    path("<slug:slug>/projects/mine/extension/", mine.extension, name="extension"),
    path("<slug:slug>/projects/mine/extension/<int:pk>/take-back/", mine.take_back, name="extension_take_back"),
    path("<slug:slug>/projects/mine/pick/", mine.pick, name="pick"),
    path("<slug:slug>/projects/mine/submit/", handin.submit, name="submit"),
    path("<slug:slug>/projects/mine/submit/ticket/", handin.ticket, name="ticket"),
    path("<slug:slug>/projects/files/<int:pk>/<str:filename>", handin.file, name="file"),
]
