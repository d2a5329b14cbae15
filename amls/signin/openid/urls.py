"""The addresses of providers of OpenID Connect, under the names by which allauth looks for them."""

from django.urls import path

from amls.signin.openid import ending, views

urlpatterns = [
    path("oidc/<slug:provider_id>/login/", views.login, name="openid_connect_login"),
    path("oidc/<slug:provider_id>/login/callback/", views.callback, name="openid_connect_callback"),
    path("oidc/<slug:provider_id>/logout/", ending.back_channel, name="openid_connect_logout"),
]
