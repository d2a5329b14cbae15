"""The addresses of providers of SAML, under the names by which allauth looks for them."""

from django.urls import path

from amls.signin.saml import ending, views

urlpatterns = [
    path("saml/<slug:provider_id>/login/", views.login, name="saml_login"),
    path("saml/<slug:provider_id>/acs/", views.acs, name="saml_acs"),
    path("saml/<slug:provider_id>/acs/finish/", views.finish, name="saml_finish_acs"),
    path("saml/<slug:provider_id>/sls/", ending.sls, name="saml_sls"),
    path("saml/<slug:provider_id>/metadata/", views.metadata, name="saml_metadata"),
]
