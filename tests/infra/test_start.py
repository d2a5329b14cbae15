"""What a process has loaded once it is ready: what is heavy and rare comes with the first who needs it."""

import json
import logging
import os
import socket
import subprocess
import sys

from django.conf import settings

from amls.celery import app

# Of no process that only waits for work.
_RARE = {
    "bs4", "docx", "highspy", "lxml", "numpy", "onelogin", "openpyxl", "pptx", "prompt_toolkit", "pypdfium2", "rapidfuzz",
    "scipy", "weasyprint", "xlsxwriter", "xmlsec", "zxcvbn",
}  # fmt: skip
_OURS = ("amls", "lectures", "projects", "exams")
_WEB = "from amls.web import preload; preload('amls.wsgi:application')"
_WORKER = "from amls.background import app; app.loader.import_default_modules()"
_BEAT = "from amls.background import app; app.Beat().init_loader(); app.tasks"
_SAYS_EACH_MAIL = "import logging; assert logging.getLogger('amls.mail.send').isEnabledFor(logging.INFO)"


def loaded_by(start: str) -> set[str]:
    """Return the modules of a production process that began so, without a provider of sign-ins."""
    environment = {
        **os.environ,
        "SECRET_KEY": "k" * 50,
        "SITE_URL": "https://courses.example.org",
        "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "SIGN_IN_PROVIDERS": "",
    }
    command = [sys.executable, "-W", "ignore", "-c", f"{start}; import json, sys; print(json.dumps([*sys.modules]))"]
    done = subprocess.run(command, cwd=settings.BASE_DIR, env=environment, check=True, capture_output=True, text=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_a_web_process_starts_without_what_few_ask_for() -> None:
    loaded = loaded_by(_WEB)
    assert {name.partition(".")[0] for name in loaded} & _RARE == set()
    assert {name for name in loaded if name.startswith("amls.portal.takeover.understanding.")} == set()
    # It has all views of the others, and what rings for the workers.
    assert {"amls.urls", "exams.views.door", "projects.views.handin", "celery.app.base"} <= loaded
    ours = {name for name in loaded if name.startswith(_OURS)}
    # Django and the libraries of every page; a new heavy one, or one that came back, is seen here.
    assert len(loaded - ours) < 1_800


def test_a_second_web_server_does_not_share_the_port_of_the_first() -> None:
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as first:
        port = str(first.getsockname()[1])
        for options, said in ((["--port", port], {}), ([], {"GRANIAN_PORT": port})):
            command = [sys.executable, "-m", "amls.web", "--host", "127.0.0.1", *options, "amls.wsgi:application"]
            done = subprocess.run(
                command, cwd=settings.BASE_DIR, env={**os.environ, **said}, check=False, capture_output=True, text=True
            )
            assert done.returncode == 1
            assert done.stderr.startswith(f"The web server can't listen on 127.0.0.1:{port} (Address already in use)")


def test_a_worker_starts_without_the_solver_and_the_parsers() -> None:
    # It tells operators of each mail, too.
    loaded = loaded_by(f"{_WORKER}; {_SAYS_EACH_MAIL}")
    assert {name.partition(".")[0] for name in loaded} & _RARE == set()
    assert {"projects.tasks", "amls.mail.tasks", "amls.exports.tasks"} <= loaded


def test_beat_starts_without_apps_and_rings_for_tasks_that_there_are() -> None:
    loaded = loaded_by(_BEAT)
    assert {name.partition(".")[0] for name in loaded} & _RARE == set()
    ours = {name for name in loaded if name.startswith(_OURS)}
    assert {name for name in ours if name.endswith((".models", ".tasks", ".apps"))} == set()
    assert "amls.core.pulse" in loaded
    app.loader.import_default_modules()
    assert {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()} <= set(app.tasks)


def test_a_terminal_is_spared_a_line_for_each_mail() -> None:
    """The tests run as `make run` does: embedded."""
    assert not logging.getLogger("amls.mail.send").isEnabledFor(logging.INFO)
    assert logging.getLogger("amls.mail.send").isEnabledFor(logging.WARNING)
