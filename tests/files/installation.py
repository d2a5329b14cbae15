"""An installation that lacks what others have."""

import shutil
from pathlib import Path

from django.conf import settings


def bare_installation(folder: Path) -> Path:
    """Make one in which the limited child finds nothing that reads a file; return its folder, for `BASE_DIR`."""
    refused = Path("amls/files/limited/refused.py")
    (folder / refused).parent.mkdir(parents=True)
    shutil.copy(Path(settings.BASE_DIR) / refused, folder / refused)
    return folder
