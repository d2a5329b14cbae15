"""Makes a PDF of a presentation by LibreOffice, in the limited child: it must not import Django.

A presentation is hostile until it is read: macros are not run, nothing that it links to is fetched, the profile is new
each time and gone with its folder, and where the system lets it the program has no network at all.
"""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from amls.files.limited.refused import Refused

# Hidden slides too, so that the pages are those of the file; nothing else of it is asked for.
_AS_PDF = 'pdf:impress_pdf_Export:{"ExportHiddenSlides":{"type":"boolean","value":"true"}}'
# A port at which nothing listens: what would be fetched is not.
_NOWHERE = "127.0.0.1:9"
_PROFILE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema">
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="DisableMacrosExecution" oor:op="fuse"><value>true</value></prop></item>
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="MacroSecurityLevel" oor:op="fuse"><value>3</value></prop></item>
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="BlockUntrustedRefererLinks" oor:op="fuse"><value>true</value></prop></item>
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="DisableActiveContent" oor:op="fuse"><value>true</value></prop></item>
<item oor:path="/org.openoffice.Inet/Settings"><prop oor:name="ooInetProxyType" oor:op="fuse"><value>1</value></prop></item>
<item oor:path="/org.openoffice.Inet/Settings"><prop oor:name="ooInetHTTPProxyName" oor:op="fuse"><value>127.0.0.1</value></prop></item>
<item oor:path="/org.openoffice.Inet/Settings"><prop oor:name="ooInetHTTPProxyPort" oor:op="fuse"><value>9</value></prop></item>
<item oor:path="/org.openoffice.Inet/Settings"><prop oor:name="ooInetHTTPSProxyName" oor:op="fuse"><value>127.0.0.1</value></prop></item>
<item oor:path="/org.openoffice.Inet/Settings"><prop oor:name="ooInetHTTPSProxyPort" oor:op="fuse"><value>9</value></prop></item>
</oor:items>
"""


def convert(file: IO[bytes], program: str, folder: str) -> Iterator[dict[str, Any]]:
    """Write the presentation as `slides.pdf` into a folder, and yield once that it is there.

    Args:
        file: a PPTX.
        program: where LibreOffice is.
        folder: an empty one; the profile and the copy stay in it.

    Raises:
        Refused: LibreOffice made nothing of it.
    """
    home = Path(folder)
    source, profile = home / "slides.pptx", home / "profile"
    (profile / "user").mkdir(parents=True)
    (profile / "user" / "registrymodifications.xcu").write_text(_PROFILE, encoding="utf-8")
    with source.open("wb") as target:
        shutil.copyfileobj(file, target)
    command = [
        program, f"-env:UserInstallation={profile.as_uri()}", "--headless", "--invisible", "--norestore", "--nolockcheck",
        "--nologo", "--nodefault", "--convert-to", _AS_PDF, "--outdir", folder, str(source),
    ]  # fmt: skip
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": folder, "TMPDIR": folder,
        "http_proxy": f"http://{_NOWHERE}", "https_proxy": f"http://{_NOWHERE}", "SAL_USE_VCLPLUGIN": "svp",
    }  # fmt: skip
    # It stays in the child's group and under its limits: who ends that ends this.
    done = subprocess.run(  # noqa: S603 - the program that the parent has found, and a file of our own naming
        [*_without_network(), *command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if done.returncode or not (home / "slides.pdf").exists():
        raise Refused("broken")
    yield {"made": True}


def _without_network() -> list[str]:
    """Return what a command is put behind so that it has no network, where the system lets anybody do that."""
    unshare = shutil.which("unshare", path="/usr/bin:/bin")
    if unshare is None:
        return []
    prefix = [unshare, "--map-current-user", "--net", "--"]
    tried = subprocess.run([*prefix, "true"], env={"PATH": "/usr/bin:/bin"}, capture_output=True, check=False)  # noqa: S603 - as above
    return prefix if tried.returncode == 0 else []
