"""The site as it is served, with the bare view beside it."""

from django.conf import settings

from amls.wsgi import application as site
from tests.bench.counting import counting

settings.ROOT_URLCONF = "tests.bench.urls"

application = counting(site)
