"""Builds the image of a Dockerfile without an engine: every step in a root of its own, a layer over a Debian.

It knows the instructions that ours has, and refuses others.
"""

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.infra.machine import Machine, machine


@dataclass
class Image:
    """What a stage made, and how its containers are started."""

    root: Machine
    environment: dict[str, str] = field(
        default_factory=lambda: {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
    )
    workdir: str = "/"
    user: str = "root"
    shell: list[str] = field(default_factory=lambda: ["/bin/sh", "-c"])
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    volumes: list[str] = field(default_factory=list)

    def run(self, script: str) -> None:
        """Do what RUN does."""
        shell = " ".join(map(shlex.quote, [*self.shell, script]))
        self.root.run(f"mkdir -p {self.workdir} && cd {self.workdir} && {shell}", **self.environment)

    def start(self, *command: str, environment: dict[str, str], shared: dict[Path, str]) -> subprocess.Popen[bytes]:
        """Start a container: as the image's user, without any capability, on a disk that it only reads but for its volumes.

        The command is its first process, as with an engine, and hears itself that it is to end.

        Args:
            command: What it is told, in the place of the image's own CMD.
            environment: Given beside the image's own.
            shared: Folders that it sees, and where.
        """
        given = [f"--setenv={name}={value}" for name, value in {**self.environment, **environment}.items()]
        binds = [f"--bind={here}:{there}" for here, there in shared.items()]
        # Beside the disk: what lies on it is as read-only as the disk itself.
        for volume in self.volumes:
            place = self.root.disk.parent / "volumes" / volume.lstrip("/")
            if not place.exists():
                place.parent.mkdir(parents=True, exist_ok=True)
                subprocess.run(["cp", "--archive", f"{self.root.disk}{volume}", place], check=True)
            binds.append(f"--bind={place}:{volume}")
        nspawn = [
            "systemd-nspawn",
            "--quiet",
            f"--directory={self.root.disk}",
            "--read-only",
            "--register=no",
            "--keep-unit",
            "--timezone=off",
        ]
        nspawn += [
            "--resolv-conf=copy-host",
            "--console=pipe",
            "--kill-signal=SIGTERM",
            f"--chdir={self.workdir}",
            "--no-new-privileges=yes",
        ]
        person = [
            "setpriv",
            f"--reuid={self.user}",
            f"--regid={self.user}",
            "--clear-groups",
            "--bounding-set=-all",
            "--inh-caps=-all",
        ]
        return subprocess.Popen(
            [*nspawn, *given, *binds, *person, *self.entrypoint, *(command or self.command)], stdin=subprocess.DEVNULL
        )


def _instructions(text: str) -> Iterator[tuple[str, str]]:
    lines = re.sub(r"\\\n\s*", "", "\n".join(line for line in text.splitlines() if not line.startswith("#")))
    for line in filter(None, lines.splitlines()):
        name, _, rest = line.partition(" ")
        yield name, rest.strip()


def _copy(image: Image, said: str, context: Path, stages: dict[str, Image]) -> None:
    options, (*sources, target) = [], said.split()
    while sources[0].startswith("--"):
        options.append(sources.pop(0).removeprefix("--").split("="))
    given = dict(options)
    start = stages[given["from"]].root.disk if "from" in given else context
    into = image.root.disk / str(Path(image.workdir, target)).lstrip("/")
    for name in sources:
        source = start / name.lstrip("/")
        if source.is_dir():
            into.mkdir(parents=True, exist_ok=True)
            subprocess.run(["cp", "--archive", f"{source}/.", into], check=True)
            continue
        place = into / source.name if target.endswith("/") else into
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, place)
        if "chmod" in given:
            place.chmod(int(given["chmod"], 8))


@contextmanager
def build(file: Path, context: Path, *, bases: dict[str, str], debian: Path, folder: Path) -> Iterator[Image]:
    """Do what a Dockerfile says; return the image of its last stage.

    Args:
        file: The Dockerfile.
        context: The folder that it copies from.
        bases: Of each image that it begins with, what is done to a Debian instead of fetching it.
        debian: What `tests.infra.machine.make_base` made.
        folder: An empty one.
    """
    stages: dict[str, Image] = {}
    image: Image | None = None
    with ExitStack() as stack:
        for name, said in _instructions(file.read_text()):
            if name == "FROM":
                base, *alias = said.split(" AS ")
                layer = stack.enter_context(machine(debian, folder / str(len(stages)), shared={}))
                layer.run(bases[base])
                image = stages[alias[0] if alias else str(len(stages))] = Image(layer)
                continue
            assert image is not None
            match name:
                case "WORKDIR":
                    image.workdir = said
                    image.root.run(f"mkdir -p {said}")
                case "RUN":
                    image.run(said)
                case "COPY":
                    _copy(image, said, context, stages)
                case "ENV":
                    for setting in shlex.split(said):
                        key, _, value = setting.partition("=")
                        image.environment[key] = value.replace("$PATH", image.environment["PATH"])
                case "USER":
                    image.user = said
                case "VOLUME":
                    image.volumes.append(said)
                case "SHELL":
                    image.shell = json.loads(said)
                case "ENTRYPOINT":
                    image.entrypoint = json.loads(said)
                case "CMD":
                    image.command = json.loads(said)
                case "EXPOSE" | "HEALTHCHECK":
                    pass
                case _:
                    raise AssertionError(f"{name} is not known here.")
        assert image is not None
        yield image
