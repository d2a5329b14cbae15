"""What a browser calls itself, as people call it."""

from django.utils.translation import gettext as _
from ua_parser import parse

# As long as any that a browser sends; what is longer was not made to be read.
_READ = 500


def browser_name(user_agent: str) -> str:
    """Return a User-Agent as people know the program, such as 'Firefox on Android', in the active language.

    Args:
        user_agent: the header, whatever is in it. A program that isn't known is said by its first word; nothing gives ''.
    """
    said = user_agent[:_READ].strip()
    if not said:
        return ""
    parsed = parse(said)
    program = parsed.user_agent.family if parsed.user_agent is not None else said.split("/")[0].split(" ")[0][:40]
    system = parsed.os.family if parsed.os is not None else ""
    if not system or system in program:
        return program
    # 'Chrome Mobile on Android' says it twice.
    program = program.removeprefix("Mobile ").removesuffix(" Mobile")
    return _("%(browser)s on %(system)s") % {"browser": program, "system": system.replace("Mac OS X", "macOS")}
