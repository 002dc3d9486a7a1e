"""Files on their way out."""

from schemas.base import Frozen


class Wanted(Frozen):
    """The right to have one kind of file made, as often as one likes until it `expires` (seconds since 1970). `args` say what it is about."""

    what: str
    args: tuple[str, ...]
    file_name: str
    expires: int


class Made(Frozen):
    """The right to fetch one file that was made, once."""

    download_id: str
    file_name: str
    expires: int
