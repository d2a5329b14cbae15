"""Which kinds of files are handed in. Migrations know the module by this name (docs/decisions/0014)."""

# What a project may be handed in as, unless the course says otherwise (domain: Submission).
HAND_IN_SUFFIXES = ("zip", "pdf", "ipynb", "tar.gz")


def default_suffixes() -> list[str]:
    """Return the kinds of files that a course takes unless it says otherwise."""
    return list(HAND_IN_SUFFIXES)
