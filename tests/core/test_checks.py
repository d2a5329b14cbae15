"""A machine without the libraries of PDFs is told how to mend it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from amls.core.checks import check_pdf_libraries

# Each starts processes of its own.
pytestmark = pytest.mark.real

LINE = "apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core"


@pytest.fixture
def poor(tmp_path: Path) -> dict[str, str]:
    """An environment in which one library is there and can't be loaded."""
    (tmp_path / "libpangoft2-1.0.so.0").write_text("no library")
    return {**os.environ, "LD_LIBRARY_PATH": str(tmp_path)}


def run(*arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=settings.BASE_DIR, env=env, check=False, capture_output=True, text=True
    )  # fmt: skip


def test_with_the_libraries_nothing_is_said_and_weasyprint_loads() -> None:
    assert check_pdf_libraries() == []
    assert run("-c", "import weasyprint", env=dict(os.environ)).returncode == 0


def test_without_one_the_check_names_the_line_that_mends_it(poor: dict[str, str]) -> None:
    assert run("-c", "import weasyprint", env=poor).returncode != 0
    done = run("-m", "django", "check", env={**poor, "DJANGO_SETTINGS_MODULE": "amls.settings"})
    assert done.returncode == 0
    assert "pangoft2-1.0 can't be loaded" in done.stderr
    assert f"HINT: {LINE}" in done.stderr


def test_no_web_process_imports_weasyprint() -> None:
    script = "import sys, amls.wsgi, amls.urls; print('weasyprint' in sys.modules)"
    done = run("-c", script, env={**os.environ, "DJANGO_SETTINGS_MODULE": "amls.settings"})
    assert done.stdout.strip() == "False", done.stderr
