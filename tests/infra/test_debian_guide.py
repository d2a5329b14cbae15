"""The guide for Debian, executed: its very commands on a fresh machine, which is booted with the units of `deploy/`.

`make test ARGS='-m machine'`; a run takes ten minutes and needs root (tests/infra/machine.py).
"""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

from tests.infra.machine import Machine, can_be_made, machine

ROOT = Path(__file__).resolve().parent.parent.parent
GUIDE = ROOT / "docs" / "operating" / "debian.md"
pytestmark = [
    pytest.mark.machine,
    pytest.mark.real,
    pytest.mark.xdist_group("machines"),
    pytest.mark.skipif(not can_be_made(), reason="needs root, mmdebstrap and systemd-nspawn"),
]
REPOSITORY = "/run/amls.git"
SITE = "https://courses.example.org"
# As a browser before the front server, whose certificate nobody signed.
BROWSER = f"curl --silent --show-error --insecure --resolve courses.example.org:443:127.0.0.1 --cookie-jar /root/jar --cookie /root/jar --referer {SITE}/"


@dataclass
class GuideBlocks:
    """The guide's blocks of code in their order, each of which somebody types or writes to a file."""

    packages: str
    program: str
    database: str
    settings: str
    tables: str
    units: str
    release: str


def read_guide() -> GuideBlocks:
    blocks = re.findall(r"^( *)```sh\n(.*?)^ *```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    return GuideBlocks(*(dedent(indent + code.lstrip()) if indent else code for indent, code in blocks))


def repository(folder: Path) -> Path:
    """Make a repository of what is here, with a later release in it."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)

    def git(*arguments: str) -> None:
        who = ["-c", "user.name=Łukasz Żółć", "-c", "user.email=l@example.org"]
        subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)

    git("init", "--initial-branch=main")
    git("add", "--force", ".")
    git("commit", "--message=This release")
    git("checkout", "-b", "next")
    (folder / "CHANGELOG.md").write_text("# 1.2.3\n")
    git("commit", "--all", "--message=The next release")
    git("tag", "v1.2.3")
    git("checkout", "main")
    return folder


def settings_of(there: Machine, block: str) -> str:
    """Fill in what the guide leaves open; mail goes to files, as there is no server for it."""
    command = re.search(r"^# (.+)\nSECRET_KEY=…$", block, re.MULTILINE)
    assert command is not None
    written = block.replace(command[0], f"SECRET_KEY={there.run(command[1]).strip()}")
    written, replaced = re.subn(
        r"^EMAIL_URL=.+$", "EMAIL_URL=filemail:////srv/amls/var/mail", written, flags=re.MULTILINE
    )
    assert replaced == 1
    return written


def front_server_with_tls(there: Machine) -> None:
    """Do to the example what its comments say."""
    path = "/etc/nginx/sites-available/amls"
    site = there.read(path).replace("amls.example.org", "courses.example.org")
    lines = re.findall(r"^#    (.+;)$", site, re.MULTILINE)
    assert lines[0].startswith("listen 443 ssl")
    site = site.replace("    listen 80;\n", "".join(f"    {line}\n" for line in lines))
    there.copy(path, site)
    certificates = "/etc/letsencrypt/live/courses.example.org"
    there.run(
        f"mkdir -p {certificates} && openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=courses.example.org "
        f"-keyout {certificates}/privkey.pem -out {certificates}/fullchain.pem 2>&1"
    )


@pytest.fixture(scope="module")
def installed(debian: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine on which all was done that the guide says, by its own commands."""
    guide = read_guide()
    sources = repository(tmp_path_factory.mktemp("sources"))
    with machine(debian, tmp_path_factory.mktemp("machine"), shared={sources: REPOSITORY}) as there:
        there.run(guide.packages)
        address = re.search(r"git clone (\S+)", guide.program)
        assert address is not None
        there.run(f"git config --system url.{REPOSITORY}.insteadOf {address[1]}")
        there.run(f"git config --system safe.directory {REPOSITORY}/.git")
        there.run(guide.program)
        with there.booted():
            there.run(guide.database)
            there.copy("/etc/amls/amls.env", settings_of(there, guide.settings), mode=0o600)
            *tables, start = guide.tables.splitlines()
            assert start == "amls start"
            there.run("\n".join(tables))
            # What it would ask for.
            there.run(
                f"{start} --email ada@example.org --name 'Ada Żółć' --password '' --title Databases --term SS2027 --slug db"
            )
            there.run(
                """amls shell --no-imports -c 'from amls.courses.models import Course; Course.objects.update(state="running")'"""
            )
            before, copied, after = guide.units.partition("/etc/nginx/sites-available/amls ")
            there.run(before + copied)
            front_server_with_tls(there)
            there.run("cd /srv/amls/app\n" + after[after.index("\n") :])
            yield there


def readiness(there: Machine) -> tuple[str, dict[str, str]]:
    """Return what the site says of itself, once workers and beat have had time to say that they live."""
    end = time.monotonic() + 180
    while True:
        said = json.loads(there.wait_for("curl --silent --fail http://127.0.0.1:8000/readyz"))
        if not said["problems"] or time.monotonic() > end:
            return said["work"], said["problems"]
        time.sleep(2)


def mails(there: Machine) -> int:
    return int(there.run("ls /srv/amls/var/mail 2>/dev/null | wc -l || true"))


def form_at(there: Machine, path: str) -> str:
    """Open a page as a browser that was never here; return the token of its forms."""
    page = there.run(f"rm --force /root/jar; {BROWSER} --fail {SITE}{path}")
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert token is not None, page
    return token[1]


def ask_for_a_code(there: Machine) -> int:
    """Have a code mailed as somebody does who signs in; return how many mails went out by that."""
    before, path = mails(there), "/accounts/login/code/"
    token = form_at(there, path)
    there.run(
        f"{BROWSER} --fail --data-urlencode email=ada@example.org --data csrfmiddlewaretoken={token} "
        f"--output /dev/null {SITE}{path}"
    )
    there.wait_for(f"test $(ls /srv/amls/var/mail | wc -l) -gt {before}")
    return mails(there) - before


def schedule(there: Machine, *, version: str) -> str:
    """Have the schedule's PDF made; return how it begins. The exports' worker makes it, nginx sends it."""
    path = f"/db/schedule.pdf?version={version}"
    token = form_at(there, path)
    there.run(f"{BROWSER} --fail --data csrfmiddlewaretoken={token} --output /dev/null '{SITE}{path}'")
    ask = f"{BROWSER} --fail --location --output /root/schedule.pdf --write-out '%{{content_type}}' '{SITE}{path}'"
    there.wait_for(f"{ask} | grep -q application/pdf")
    return there.run("head --bytes 5 /root/schedule.pdf")


UNITS = ("amls-web", "amls-beat", "amls-worker@mail", "amls-worker@default", "amls-worker@exports")


def states(there: Machine) -> list[str]:
    return there.run(f"systemctl is-active {' '.join(UNITS)}").split()


def test_the_guide_installs_a_site_that_works(installed: Machine) -> None:
    assert (states(installed), readiness(installed)) == (["active"] * 5, ("ok", {}))
    assert ask_for_a_code(installed) == 1
    assert schedule(installed, version="short") == "%PDF-"
    # Everything runs as the service's user, and nothing of it was started twice.
    users = {
        process.uids().real for process in installed.processes() if "/srv/amls/app/.venv" in " ".join(process.cmdline())
    }
    assert users == {int(installed.run("id --user amls"))}
    assert installed.run("systemctl show --property NRestarts --value " + " ".join(UNITS)).split() == ["0"] * 5


def test_it_is_back_after_a_start_of_the_machine_s_services(installed: Machine) -> None:
    installed.run("systemctl restart postgresql redis-server && systemctl restart amls.target")
    assert (states(installed), readiness(installed)) == (["active"] * 5, ("ok", {}))


def test_without_redis_it_works_as_well(installed: Machine) -> None:
    installed.run(
        "sed --in-place 's/^REDIS_URL/#REDIS_URL/' /etc/amls/amls.env && systemctl stop redis-server && systemctl restart amls.target"
    )
    try:
        assert readiness(installed) == ("ok", {})
        assert ask_for_a_code(installed) == 1
        # Another one than that which is kept since.
        assert schedule(installed, version="long") == "%PDF-"
        assert states(installed) == ["active"] * 5
    finally:
        installed.run(
            "sed --in-place 's/^#REDIS_URL/REDIS_URL/' /etc/amls/amls.env && systemctl start redis-server && systemctl restart amls.target"
        )


def test_a_new_release_comes_by_the_guide_s_commands(installed: Machine) -> None:
    installed.run(read_guide().release)
    assert installed.run("cat /srv/amls/app/CHANGELOG.md") == "# 1.2.3\n"
    assert (states(installed), readiness(installed)) == (["active"] * 5, ("ok", {}))
    (backup,) = installed.run("ls /srv/amls/backups").split()
    installed.run(f"test -s /srv/amls/backups/{backup}/manifest.json")
