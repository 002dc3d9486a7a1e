"""Secrets at rest: sealed with a key that only the data folder's owner can read."""

import os
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from ingest.errors import BadInput
from ingest.settings import settings


def seal(secret: str) -> str:
    """The secret as text that is safe to store."""
    return Fernet(_key()).encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str:
    """The secret again. Raises BadInput where the data folder's key is another one."""
    try:
        return Fernet(_key()).decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise BadInput("The stored key of this account can't be opened: the data folder's secret.key has changed.", "Enter the account's API key again in Settings.") from None


def _key() -> bytes:
    path = Path(settings().home) / "secret.key"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    key = Fernet.generate_key()
    with os.fdopen(handle, "wb") as stream:
        stream.write(key)
    return key
