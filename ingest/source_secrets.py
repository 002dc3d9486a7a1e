"""Secrets of sources: references that are looked up (`env:NAME`, `file:PATH`), texts that are sealed, or plain ones. None of them is ever said."""

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from ingest.errors import BadInput
from ingest.settings import settings
from ingest.store.secrets import seal, unseal

SEALED = "sealed:"
REFERENCES = ("env:", "file:")
HIDDEN = "***"
LARGEST = 64 * 1024
SHORTEST_MASKED = 4
"""Shorter ones would mask half of any text."""
_known: set[str] = set()


def resolve(value: str, owner: str) -> str:
    """The secret that a reference or a sealed text stands for; `owner` is whose it is, as `source:NAME:password`. Raises BadInput, without the secret."""
    kind, _, rest = value.partition(":")
    found = {"sealed": lambda: unseal(rest, owner), "env": lambda: _from_environment(rest), "file": lambda: _from_file(rest)}.get(kind, lambda: value)()
    if len(found) >= SHORTEST_MASKED:
        _known.update({found, quote(found, safe=""), repr(found)[1:-1]})
    return found


def resolve_each(value: object, owner: str) -> object:
    """A value of a connection with what it refers to; of a mapping, such as the headers of a link, each of its values."""
    return _each(value, lambda text: resolve(text, owner))


def store_away(connection: Mapping[str, object], secret_fields: Sequence[str], owner: str) -> dict[str, object]:
    """A connection whose plain secrets are sealed, each for its own field; references stay."""
    return {name: _each(value, lambda text, owner=f"{owner}:{name}": _sealed(text, owner)) if name in secret_fields else value for name, value in connection.items()}


def without_secrets(connection: Mapping[str, object], secret_fields: Sequence[str]) -> dict[str, object]:
    """A connection for exports: references stay, secrets are hidden."""
    return {name: HIDDEN if name in secret_fields and _holds_secret(value) else value for name, value in connection.items()}


def masked(text: str) -> str:
    """A text without the secrets that this process has looked up; longer ones first, as one may hold another."""
    for secret in sorted(_known, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


class Masked(logging.Filter):
    """Masks secrets in what is logged: the message, and what is said of an error."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always lets the record through."""
        record.msg, record.args = masked(record.getMessage()), ()
        if record.exc_info:
            record.exc_text = masked(logging.Formatter().formatException(record.exc_info))
        return True


def _each(value: object, change: Callable[[str], str]) -> object:
    if isinstance(value, Mapping):
        return {name: _each(each, change) for name, each in value.items()}
    return change(value) if isinstance(value, str) and value else value


def _holds_secret(value: object) -> bool:
    return any(map(_holds_secret, value.values())) if isinstance(value, Mapping) else bool(value) and not str(value).startswith(REFERENCES)


def _sealed(value: str, owner: str) -> str:
    return value if value.startswith((SEALED, *REFERENCES)) else f"{SEALED}{seal(value, owner)}"


def _from_environment(name: str) -> str:
    """A variable of the environment; not ours, whose keys no source may send anywhere."""
    if name.upper().startswith("INTAKE_"):
        raise BadInput(f"The variable {name} belongs to this program; a source can't use it.", "Give the secret a variable of its own.")
    if not os.environ.get(name):
        raise BadInput(f"The environment has no variable {name}, or it is empty.", "Set it where the portal and the worker are started, then start them again.")
    return os.environ[name]


def _from_file(name: str) -> str:
    """The text of a file, without the end of its line; not of our own data folder."""
    path = Path(name).expanduser().resolve()
    if path.is_relative_to(settings().home):
        raise BadInput(f"{name} is in this program's own data folder; a source can't use it.", "Keep the secret in another place.")
    try:
        with path.open(encoding="utf-8") as stream:
            text = stream.read(LARGEST + 1).rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"The secret in {name} can't be read: {error.strerror if isinstance(error, OSError) else 'it is no text'}.", "Look whether the file is there and may be read by the portal and the worker.") from None
    if not text or len(text) > LARGEST:
        raise BadInput(f"The file {name} holds no secret: it is {'too long' if text else 'empty'}.", "Write the secret into it, and nothing else.")
    return text
