"""Secrets of sources: references that are looked up, or texts that are sealed."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from ingest.errors import BadInput
from ingest.store.secrets import seal, unseal

SEALED = "sealed:"


def resolve(value: str, owner: str) -> str:
    """The secret that a reference or a sealed text stands for."""
    if value.startswith(SEALED):
        return unseal(value.removeprefix(SEALED))
    if value.startswith("env:"):
        if value[4:] not in os.environ:
            raise BadInput(f"The environment has no variable {value[4:]!r}, which {owner} refers to.")
        return os.environ[value[4:]]
    if value.startswith("file:"):
        return Path(value[5:]).read_text(encoding="utf-8").strip()
    return value


def store_away(connection: Mapping[str, object], secret_fields: Sequence[str], owner: str) -> dict[str, object]:
    """A connection whose secrets are sealed; references stay."""
    plain = {name for name in secret_fields if isinstance(connection.get(name), str) and not str(connection[name]).startswith((SEALED, "env:", "file:"))}
    return {name: f"{SEALED}{seal(str(value))}" if name in plain else value for name, value in connection.items()}


def without_secrets(connection: Mapping[str, object], secret_fields: Sequence[str]) -> dict[str, object]:
    """A connection for exports."""
    return {name: "***" if name in secret_fields and not str(value).startswith(("env:", "file:")) else value for name, value in connection.items()}
