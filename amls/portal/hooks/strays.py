"""The letter about files without rows and rows without files."""

from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from amls.mail.letters import Letter, letter
from amls.mail.models import Notice
from amls.portal.strays import KIND


@letter(KIND, label=gettext_lazy("Files without rows, or rows without files"))
def strays(notice: Notice, now: datetime) -> Letter | None:
    """Say how many there are and what names them."""
    if notice.recipient is None or not notice.recipient.is_superuser:
        return None
    missing, unnamed = int(notice.references["missing"]), int(notice.references["unnamed"])
    said = []
    if missing:
        said.append(
            ngettext(
                "%(count)d file is missing in the storage. Restore it from a backup: people are told to come back later.",
                "%(count)d files are missing in the storage. Restore them from a backup: people are told to come back later.",
                missing,
            )
            % {"count": missing}
        )
    if unnamed:
        text = ngettext(
            "%(count)d stored file belongs to nothing any more and takes room.",
            "%(count)d stored files belong to nothing any more and take room.",
            unnamed,
        )
        said.append(text % {"count": unnamed})
    said.append(
        _("`manage.py strays` names them; with `--delete` it deletes what belongs to nothing, but no hand-ins.")
    )
    return Letter(
        subject=_("Stored files and the database disagree"),
        text="\n\n".join(said),
        reason=_("You get this because you run this site."),
    )
