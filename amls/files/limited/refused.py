"""How a function in the limited child says no."""


class Refused(Exception):
    """A file is not what it should be.

    Args:
        code: a short, stable name; whoever asked has the words for it.
        values: what these words name, such as a path inside an archive; plain values that JSON knows.
    """

    def __init__(self, code: str, **values: str | int) -> None:
        super().__init__(code)
        self.code = code
        self.values = values
