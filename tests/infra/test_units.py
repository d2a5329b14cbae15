"""What `deploy/` holds is understood by the programs that it is for."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from amls.core.processes import queues
from amls.portal.management.commands.serve import web_server

DEPLOY = Path(settings.BASE_DIR) / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())


def started(unit: str) -> list[str]:
    """Return the command of a unit."""
    text = (DEPLOY / "systemd" / unit).read_text().replace("\\\n", " ")
    command = re.search(r"^ExecStart=(.+)$", text, re.MULTILINE)
    assert command is not None
    return shlex.split(command[1])


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parent.parent)
    for unit in UNITS:
        (tmp_path / unit.name).write_text(unit.read_text().replace("/srv/amls/app", str(tmp_path)))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / unit.name) for unit in UNITS)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    # What is installed on the machine beside is not ours.
    ours = [line for line in done.stderr.splitlines() if "amls" in line]
    assert (ours, done.returncode) == ([], 0)


def test_the_web_server_starts_as_serve_starts_it() -> None:
    served = web_server("amls.wsgi:application", host="127.0.0.1", port=8000)
    listening = re.search(
        r"^Environment=LISTEN=(\S+)", (DEPLOY / "systemd" / "amls-web.service").read_text(), re.MULTILINE
    )
    assert listening is not None
    assert [word.replace("${LISTEN}", listening[1]) for word in started("amls-web.service")[1:]] == served[1:]


def test_every_queue_has_a_worker() -> None:
    target = (DEPLOY / "systemd" / "amls.target").read_text()
    assert tuple(sorted(re.findall(r"amls-worker@(\w+)\.service", target))) == queues()
    assert "%i" in started("amls-worker@.service")


@pytest.mark.skipif(shutil.which("nginx") is None, reason="there is no nginx here")
def test_nginx_understands_the_example(tmp_path: Path) -> None:
    example = (DEPLOY / "nginx.conf").read_text().replace("/var/log/nginx/amls.log", f"{tmp_path}/access.log")
    (tmp_path / "site").write_text(example)
    temporary = "".join(
        f"{name}_temp_path {tmp_path}/n-{name}; " for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/nginx.pid; error_log {tmp_path}/error.log; events {{}} http {{ {temporary} include {tmp_path}/site; }}"
    )
    done = subprocess.run(
        ["nginx", "-t", "-c", str(tmp_path / "nginx.conf"), "-p", str(tmp_path), "-e", str(tmp_path / "error.log")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, "test is successful" in done.stderr) == (0, True), done.stderr


def test_the_guide_names_the_units_and_settings_that_there_are() -> None:
    guide = (DEPLOY.parent / "docs" / "operating" / "debian.md").read_text()
    named = set(re.findall(r"\bamls-[\w@-]+(?:\.\w+)?", guide.split("systemctl enable --now", 1)[1].splitlines()[0]))
    units = {unit.name for unit in UNITS}
    missing = [name for name in named if not {name, f"{name}.service", re.sub(r"@\w+", "@.service", name)} & units]
    assert (len(named), missing) == (6, [])
    table = (DEPLOY.parent / "docs" / "operating" / "settings.md").read_text()
    given = re.findall(r"^   ([A-Z_]+)=", guide, re.MULTILINE)
    assert len(given) == 10
    assert [name for name in given if f"`{name}`" not in table] == []


@pytest.mark.parametrize("failing", ["", "systemctl start amls-backup", "pip install", "amls migrate"])
def test_no_service_runs_while_its_program_changes_and_none_starts_by_halves(tmp_path: Path, failing: str) -> None:
    """The block of the guide as it is pasted into a shell; the machine's programs only note that they were called."""
    guide = (DEPLOY.parent / "docs" / "operating" / "debian.md").read_text()
    (block,) = re.findall(r"```sh\n(.+?)```", guide.partition("## A new release")[2], re.DOTALL)
    called, app = tmp_path / "called", tmp_path / "app"
    (app / ".venv" / "bin").mkdir(parents=True)
    programs = [tmp_path / name for name in ("systemctl", "git", "amls", "cp")]
    for program in (*programs, app / ".venv/bin/pip", app / ".venv/bin/python"):
        program.write_text(
            f'#!/bin/sh\nsaid="{program.name} $*"; echo "$said" >> {called}\n'
            f'case "$said" in "{failing or "-"}"*) exit 1;; esac\n'
        )
        program.chmod(0o755)
    pasted = block.replace("/srv/amls/app", str(app)) + "echo the shell goes on\n"
    done = subprocess.run(
        ["bash"], input=pasted, env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, capture_output=True, text=True, check=False
    )
    assert done.stdout == "the shell goes on\n"
    lines = called.read_text().splitlines()
    if failing:
        assert lines[-1].startswith(failing)
        assert "systemctl start amls.target" not in lines
    else:
        changes = [number for number, line in enumerate(lines) if not line.startswith(("systemctl", "git fetch"))]
        assert lines.index("systemctl start amls-backup") < lines.index("systemctl stop amls.target") < changes[0]
        assert lines.index("systemctl start amls.target") == len(lines) - 1


def test_what_the_guide_has_in_the_environment_of_services_is_what_systemd_reads() -> None:
    """A sign such as # begins a comment at the start of a line alone (systemd.exec, EnvironmentFile)."""
    guide = (DEPLOY.parent / "docs" / "operating" / "debian.md").read_text()
    (block,) = [block for block in re.findall(r"```sh\n(.+?)```", guide, re.DOTALL) if "SECRET_KEY=" in block]
    lines = [line.strip() for line in block.splitlines() if line.strip()]
    assert [line for line in lines if not line.startswith("#") and " #" in line] == []
