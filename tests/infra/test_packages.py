"""AMLS as a package and as containers: what is built has all that it needs, and what describes them is right."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
DEPLOY = ROOT / "deploy"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `pip wheel .` makes."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        folder,
        ROOT,
    ]
    subprocess.run(command, check=True, cwd=folder)
    (built,) = folder.glob("amls-*.whl")
    return built


def in_checkout() -> set[str]:
    """Return what the package should hold."""

    def files(folder: str) -> Iterator[str]:
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and path.suffix not in (".pyc", ".po") and path.name != ".gitkeep":
                yield str(path.relative_to(ROOT))

    apps = {name for folder in ("amls", "lectures", "projects", "exams") for name in files(folder)}
    return apps | {f"amls/{name}" for folder in ("templates", "static") for name in files(folder)}


def test_the_package_holds_every_file_of_the_apps(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
        (name,) = [name for name in archive.namelist() if name.endswith("METADATA")]
        metadata = archive.read(name).decode()
    assert held == in_checkout()
    wanted = (ROOT / "requirements.txt").read_text().split()
    assert len(re.findall("^Requires-Dist: ", metadata, re.MULTILINE)) == len(wanted)
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"\nVersion: {version}\n" in metadata


def test_an_installed_package_starts_in_a_folder_of_its_own(wheel: Path, tmp_path: Path) -> None:
    installed, home = tmp_path / "installed", tmp_path / "home"
    home.mkdir()
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", "--target", installed, wheel],
        check=True,
    )
    assert (installed / "bin" / "amls").is_file()
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("AMLS_", "DJANGO_"))}
    environment |= {"PYTHONPATH": str(installed), "DEBUG": "0"}
    (home / ".env").write_text(
        "SITE_URL=https://amls.example.org\nSECRET_KEY=an-example-of-thirty-two-characters\nDATABASE_URL=postgres://none/none\n"
    )
    show = (
        "from django.conf import settings; from django.template.loader import get_template;"
        "from amls.exports.pdf import _css, _face; import amls;"
        "get_template('base.html'); get_template('portal/home.html'); _css(); _face();"
        "print(settings.SITE_URL, settings.VAR_DIR, amls.__file__ or amls.__path__[0])"
    )
    (home / "show.py").write_text(f"import django; django.setup(); {show}")
    for command in (["-m", "amls", "findstatic", "css/amls.css"], ["show.py"]):
        done = subprocess.run(
            [sys.executable, *command], cwd=home, env={**environment, "DJANGO_SETTINGS_MODULE": "amls.settings"},
            check=True, capture_output=True, text=True,
        )  # fmt: skip
    address, var, where = done.stdout.split()
    assert (address, var) == ("https://amls.example.org", str(home / "var"))
    assert where.startswith(str(installed))


def test_the_dockerfile_keeps_to_good_practice() -> None:
    linter = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([linter, DEPLOY / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_what_the_dockerfile_copies_is_there_and_reaches_the_builder() -> None:
    copied = re.findall(r"^COPY (?!--from)(?:--chmod=\d+ )?(\S+)", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    assert copied == ["requirements.lock", ".", "deploy/system_packages.sh", "deploy/role.sh"]
    left_out = (DEPLOY / "Dockerfile.dockerignore").read_text().split()
    for name in copied:
        assert (ROOT / name).exists()
        assert name.split("/")[0] not in left_out
    assert {".env", "var", ".git"} <= set(left_out)


def test_compose_keeps_to_its_schema() -> None:
    checker = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run([*checker, DEPLOY / "compose.yaml"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def composed() -> dict[str, Any]:
    described: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    return described


def test_compose_serves_every_queue_and_runs_each_role_that_there_is() -> None:
    from django.conf import settings

    roles = [service["command"] for service in composed().values() if service.get("image", "").startswith("amls:")]
    queues = {queue for role, *rest in roles if role == "worker" for queue in rest[0].split(",")}
    routed = {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()}
    assert queues == routed | {settings.CELERY_TASK_DEFAULT_QUEUE}
    known = re.findall(r"^  (\w+)\)$", (DEPLOY / "role.sh").read_text(), re.MULTILINE)
    assert {role for role, *_rest in roles} == {"setup", "web", "worker", "beat"} <= set(known)


def test_any_setting_and_its_files_may_be_given_to_the_containers() -> None:
    ours = [service for service in composed().values() if service.get("image", "").startswith("amls:")]
    assert len(ours) == 6
    assert {service["env_file"] for service in ours} == {".env"}
    # By none but these a setting in that file is overruled.
    guide = (ROOT / "docs" / "operating" / "containers.md").read_text()
    overruled = {name for name, value in ours[0]["environment"].items() if f"${{{name}:" not in value}
    (said,) = re.findall(r"but for (.*?), which `compose\.yaml` puts together", guide, re.DOTALL)
    assert set(re.findall(r"`(\w+)`", said)) == overruled
    # And no image holds them.
    assert {"deploy/.env", "deploy/etc"} <= set((DEPLOY / "Dockerfile.dockerignore").read_text().split())
    assert all("./etc:/etc/amls:ro" in service["volumes"] for service in ours)


def test_a_backup_is_made_by_a_client_of_the_server_s_version() -> None:
    (server,) = re.findall(r"^postgres:(\d+)$", composed()["database"]["image"])
    assert re.findall(r"postgresql-client\S*", (DEPLOY / "Dockerfile").read_text()) == [f"postgresql-client-{server}"]
    assert re.findall(r"client of PostgreSQL (\d+)", (ROOT / "docs" / "operating" / "containers.md").read_text()) == [
        server
    ]


def test_every_setting_that_compose_gives_is_one() -> None:
    given = set(composed()["web"]["environment"])
    read = (ROOT / "amls" / "settings.py").read_text()
    assert [name for name in sorted(given) if f'"{name}"' not in read] == []


def test_shell_scripts_can_be_read() -> None:
    for script in sorted(DEPLOY.glob("*.sh")):
        subprocess.run(["sh", "-n", script], check=True)
