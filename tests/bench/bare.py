"""A bare Django view without any middleware, for comparison; as a WSGI application of its own."""

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import path

from tests.bench.answers import bare
from tests.bench.counting import counting

settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, MIDDLEWARE=[], SECRET_KEY="bench", DEBUG=False)


urlpatterns = [path("bare/<slug:case>/", bare)]
application = counting(get_wsgi_application())
