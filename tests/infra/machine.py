"""Machines of their own, with nothing on them: a Debian made by mmdebstrap, which systemd-nspawn runs and boots.

Their disks are layers over one that is made once; booted, they have a network of their own, so that servers have the ports
that a guide names. Only root can have such machines, and only where both programs are.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

RELEASE = "bookworm"
# What Debian's installer leaves on every machine, beside what is essential: not for a guide to install.
_ON_EVERY_MACHINE = ("systemd-sysv", "dbus", "adduser", "init-system-helpers")
# Where a certificate authority of the surroundings, by which pip goes out, is seen from inside.
_CERTIFICATES = "/run/host-certificates.crt"
# Tells packages that are installed while a machine is off to start nothing.
_STARTS_NOTHING = "#!/bin/sh\nexit 101\n"


def can_be_made() -> bool:
    """Say whether this one can make machines."""
    return os.geteuid() == 0 and all(shutil.which(name) for name in ("mmdebstrap", "systemd-nspawn", "nsenter"))


def make_base(folder: Path) -> Path:
    """Make what all disks begin with, a Debian as its installer leaves it; return its folder."""
    base = folder / "base"
    packages = f"--include={','.join(_ON_EVERY_MACHINE)}"
    subprocess.run(["mmdebstrap", "--quiet", "--variant=apt", packages, RELEASE, base], check=True)
    return base


class Machine:
    """One with a disk of its own; what it shares with others it only reads."""

    def __init__(self, disk: Path, shared: dict[Path, str]) -> None:
        self.disk = disk
        self._binds = [f"--bind-ro={here}:{there}" for here, there in shared.items()]
        self._variables = {"LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
        if certificates := os.environ.get("PIP_CERT"):
            self._binds.append(f"--bind-ro={certificates}:{_CERTIFICATES}")
            self._variables["PIP_CERT"] = _CERTIFICATES
        self._leader: int | None = None

    def run(self, script: str, *, user: str = "root", **variables: str) -> str:
        """Run lines of a shell, which ends at the first that fails; return what they say.

        While the machine is off they have the network of this one, and nothing that they install is started.
        """
        given = [f"{name}={value}" for name, value in {**self._variables, **variables}.items()]
        command = ["env", *given, "runuser", "-u", user, "--", "/bin/bash", "-euo", "pipefail", "-c", script]
        if self._leader is None:
            command = [*self._nspawn(), "--pipe", *command]
        else:
            command = ["nsenter", f"--target={self._leader}", "--all", "--wdns=/", *command]
        # What is put into /tmp stays on the disk.
        surroundings = {**os.environ, "SYSTEMD_NSPAWN_TMPFS_TMP": "0"}
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, env=surroundings
        )
        if done.returncode:
            raise AssertionError(
                f"{script}\nended with {done.returncode}:\n{done.stdout[-3000:]}\n{done.stderr[-5000:]}"
            )
        return done.stdout

    def copy(self, path: str, content: str, *, mode: int = 0o644) -> None:
        """Write a file of its disk."""
        file = self.disk / path.lstrip("/")
        file.write_text(content)
        file.chmod(mode)

    def read(self, path: str) -> str:
        """Return what a file of its disk holds."""
        return (self.disk / path.lstrip("/")).read_text()

    @contextmanager
    def booted(self) -> Iterator[None]:
        """Start it as machines start, with systemd, in a network of its own; stop it in the end."""
        (self.disk / "usr/sbin/policy-rc.d").unlink()
        command = [*self._nspawn(), "--boot", "--private-network", "--console=passive"]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as outside:
            try:
                self._leader = self._wait_for_leader(outside)
                self.wait_for("systemctl is-system-running --wait | grep -Eq 'running|degraded'")
                yield
            finally:
                self._leader = None
                # What the program takes as: switch it off; and at once where it doesn't.
                outside.terminate()
                try:
                    outside.wait(60)
                except subprocess.TimeoutExpired:
                    outside.kill()

    def wait_for(self, script: str, *, seconds: float = 300) -> str:
        """Run lines again until they succeed; return what they say."""
        end = time.monotonic() + seconds
        while True:
            try:
                return self.run(script)
            except AssertionError:
                if time.monotonic() > end:
                    raise
            time.sleep(1)

    def processes(self) -> list[psutil.Process]:
        """Return all that runs on it."""
        assert self._leader is not None
        return psutil.Process(self._leader).children(recursive=True)

    def _nspawn(self) -> list[str]:
        alone = ["--register=no", "--keep-unit", "--resolv-conf=copy-host", "--timezone=off"]
        return ["systemd-nspawn", "--quiet", f"--directory={self.disk}", *alone, *self._binds]

    def _wait_for_leader(self, outside: subprocess.Popen[bytes]) -> int:
        end = time.monotonic() + 60
        while time.monotonic() < end and outside.poll() is None:
            for child in psutil.Process(outside.pid).children():
                if child.name() == "systemd":
                    return child.pid
            time.sleep(0.1)
        raise AssertionError("The machine does not start.")


@contextmanager
def machine(base: Path, folder: Path, *, shared: dict[Path, str]) -> Iterator[Machine]:
    """Give a machine whose disk begins as `base`.

    Args:
        base: What `make_base` made.
        folder: An empty one, for what is written.
        shared: Folders and files of this machine that it may read, and where.
    """
    disk, written, work = (folder / name for name in ("disk", "written", "work"))
    for place in (disk, written, work):
        place.mkdir(parents=True)
    layers = f"lowerdir={base},upperdir={written},workdir={work}"
    with ExitStack() as stack:
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, disk], check=True)
        stack.callback(subprocess.run, ["umount", "--lazy", disk], check=True)
        made = Machine(disk, shared)
        made.copy("/usr/sbin/policy-rc.d", _STARTS_NOTHING, mode=0o755)
        yield made
