"""A machine without the libraries of PDFs is told how to mend it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings

from amls.core.checks import check_pdf_libraries

# Each starts processes of its own.
pytestmark = pytest.mark.real

SCRIPT = Path(settings.BASE_DIR) / "deploy" / "system_packages.sh"


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
    assert "HINT: `sh deploy/system_packages.sh run` installs what they need" in done.stderr


def test_no_web_process_imports_weasyprint() -> None:
    script = "import sys, amls.wsgi, amls.urls; print('weasyprint' in sys.modules)"
    done = run("-c", script, env={**os.environ, "DJANGO_SETTINGS_MODULE": "amls.settings"})
    assert done.stdout.strip() == "False", done.stderr


@pytest.fixture
def bare(tmp_path: Path) -> Callable[..., tuple[int, str, list[str]]]:
    """Run the script on a machine with no fonts and libraries, whose apt-get and sudo write down what they are told."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "grep", "tail", "mktemp", "rm"):
        (tools / name).symlink_to(str(shutil.which(name)))

    def tool(name: str, script: str) -> None:
        (tools / name).write_text(f"#!/bin/sh\n{script}\n")
        (tools / name).chmod(0o755)

    def call(user: int, *, sudo: bool, apt: str = "exit 0", **more: str) -> tuple[int, str, list[str]]:
        tool("id", f"echo {user}")
        tool("fc-list", "exit 0")
        tool("ldconfig", "exit 0")
        tool("sudo", f'[ "$2" = true ] && exit {0 if sudo else 1}; shift; exec "$@"')
        tool("apt-get", f'echo "$*" >> {tmp_path}/told; {apt}')
        done = subprocess.run(
            [tools / "sh", SCRIPT, "run"], check=False, capture_output=True, text=True,
            env={"PATH": str(tools), **more},
        )  # fmt: skip
        told = (tmp_path / "told").read_text().splitlines() if (tmp_path / "told").exists() else []
        return done.returncode, done.stdout + done.stderr, told

    return call


PACKAGES = (
    "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core fonts-noto-core fonts-noto-cjk "
    "fonts-noto-color-emoji"
)


@pytest.mark.parametrize(("user", "sudo"), [(0, False), (1000, True)])
def test_who_may_install_what_pdfs_need_has_it_done(
    bare: Callable[..., tuple[int, str, list[str]]], user: int, sudo: bool
) -> None:
    assert bare(user, sudo=sudo) == (
        0,
        f"Installing {PACKAGES} …\n",
        ["update -qq", f"install -y -qq --no-install-recommends {PACKAGES}"],
    )


def test_who_may_not_is_told_the_one_line_to_type(bare: Callable[..., tuple[int, str, list[str]]]) -> None:
    code, said, told = bare(1000, sudo=False)
    assert (code, told) == (1, [])
    assert f"  sudo apt-get update && sudo apt-get install -y {PACKAGES}\n" in said
    assert "AMLS_WITHOUT_PDF=1 make run" in said
    assert bare(1000, sudo=False, AMLS_WITHOUT_PDF="1") == (0, "", [])


def test_an_installation_that_fails_says_why_and_what_to_type(
    bare: Callable[..., tuple[int, str, list[str]]],
) -> None:
    code, said, _told = bare(0, sudo=False, apt="echo no network >&2; exit 100")
    assert code == 1
    assert "no network" in said
    assert f"sudo apt-get install -y {PACKAGES}" in said


def test_where_all_is_there_nothing_is_said() -> None:
    done = subprocess.run(["sh", SCRIPT, "run"], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
