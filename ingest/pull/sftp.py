"""Files on a server that is reached by SFTP. Who the server is, is known by its key: nothing is told to one whose key isn't the registered one."""

import errno
import io
import logging
import posixpath
import re
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal

import paramiko
from pydantic import Field, SecretStr, field_validator, model_validator

from ingest.errors import BadInput, IngestError, Refused, Unreachable
from ingest.pull.connector import Connection
from ingest.pull.guard import server_allowed
from ingest.pull.landing import CHUNK, changed_meanwhile, checked_size, copied, landing, moment_text
from ingest.pull.patterns import checked, depth, fixed_part, is_passing, matcher
from ingest.pull.reach import CONNECT_SECONDS, connected, steps_to
from ingest.wording import count
from schemas.source import Diagnosis, Files, Found, ListedFile, Read, Step

ANSWER_SECONDS = 60
AT_ONCE = 512
"""Pieces of a file that are asked for ahead: without, each would wait for the way there and back."""
MOST_FOUND = 2000
KEY_KINDS = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)
FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}=?")

logging.getLogger("paramiko").setLevel(logging.CRITICAL)  # it logs what is raised here anyway, with its traces


class SftpConnection(Connection):
    """Which server, who signs in, and the key by which the server is known."""

    host: str = Field(title="Host", min_length=1, examples=["sftp.example.com"])
    port: int = Field(22, ge=1, le=65535, title="Port")
    user: str = Field(title="User", min_length=1)
    password: SecretStr | None = Field(None, title="Password")
    private_key: SecretStr | None = Field(None, title="Private key", description="The whole text of the key file, or file: and its path; in place of a password.")
    passphrase: SecretStr | None = Field(None, title="Passphrase", description="Of the private key, where it has one.")
    fingerprint: str | None = Field(None, title="Fingerprint of the server", description="Its host key as SHA256:…; the test shows it, whoever runs the server confirms it. Several with commas between them.", examples=["SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8"])
    folder: str = Field("", title="Folder", description="The folder that paths are written from; none for the one that the sign-in leads to.", examples=["/data"])
    rest_seconds: int = Field(2, ge=0, le=600, title="Seconds a file must have rested", description="A file that was written to more lately is waited for: it may not be finished.")

    @field_validator("fingerprint")
    @classmethod
    def _is_fingerprint(cls, text: str | None) -> str | None:
        if text and not all(FINGERPRINT.fullmatch(each.strip()) for each in text.split(",")):
            raise ValueError("write the fingerprint as ssh-keygen -l shows it: SHA256: and 43 letters and digits")
        return text or None

    @model_validator(mode="after")
    def _signs_in(self) -> "SftpConnection":
        if not self.password and not self.private_key:
            raise ValueError("give a password or a private key")
        return self


class SFTP:
    """Files of a server, by SSH."""

    name = "sftp"
    title = "SFTP"
    kind: Literal["files"] = "files"
    model = SftpConnection
    libraries: tuple[str, ...] = ("paramiko",)

    def __init__(self, seconds: float = ANSWER_SECONDS) -> None:
        self._seconds = seconds

    def rights(self, connection: SftpConnection | None, read: Read | None) -> str:
        """A user that may only read, and the server's fingerprint."""
        user, host = (connection.user, connection.host) if connection else ("USER", "HOST")
        return f"The user {user} has to list and read its files, and needs no right to write or to a shell:\n\n    Match User {user}\n        ForceCommand internal-sftp -R\n\nThe fingerprint of {host}, to be compared:\n\n    ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub"

    def addresses(self, connection: SftpConnection) -> tuple[tuple[str, int], ...]:
        """The server."""
        return ((connection.host, connection.port),)

    def test(self, connection: SftpConnection, read: Read | None = None) -> Diagnosis:
        """Name, port, the server's key, sign-in, then: can it be listed and read."""
        steps = steps_to(connection.host, connection.port, server_allowed)
        files = read.files if read and read.files else Files(path="")
        return Diagnosis(steps=(*steps, *self._server_steps(connection, files)) if steps[-1].ok else steps)

    def discover(self, connection: SftpConnection, within: str = "") -> tuple[Found, ...]:
        """The folders and files of a folder."""
        inside = checked(within).rstrip("/*")
        with self._signed_in(connection) as sftp, _told(inside or connection.folder or "the folder"):
            entries = [each for each in sftp.listdir_attr(_path(connection, inside) or ".") if not is_passing(each.filename)][:MOST_FOUND]
        found = [Found(name=posixpath.join(inside, each.filename) + ("/*" if stat.S_ISDIR(each.st_mode) else ""), what="folder" if stat.S_ISDIR(each.st_mode) else "file") for each in entries]
        return tuple(sorted(found, key=lambda each: (each.what != "folder", each.name)))

    def list(self, connection: SftpConnection, files: Files) -> Sequence[ListedFile]:
        """The files that match, by path."""
        with self._signed_in(connection) as sftp:
            return _matching(sftp, connection, files)

    def fetch(self, connection: SftpConnection, file: ListedFile, to: Path) -> ListedFile:
        """A file that was at rest before and after."""
        path = _path(connection, file.path)
        with self._signed_in(connection) as sftp, _told(file.path), closing(sftp.open(path, "rb", CHUNK)) as source:
            _wait_for_rest(source, connection.rest_seconds)
            before = source.stat()
            checked_size(before.st_size, file.path)
            source.prefetch(before.st_size, AT_ONCE)
            with landing(to) as handle:
                copied(_chunks(source, file.path), handle, file.path, before.st_size)
                if _listed(file.path, sftp.stat(path)) != _listed(file.path, before):
                    raise changed_meanwhile(file.path)
        return _listed(file.path, before)

    @contextmanager
    def _signed_in(self, connection: SftpConnection) -> Iterator[paramiko.SFTPClient]:
        with self._greeted(connection) as transport:
            _check_key(transport, connection)
            yield _sign_in(transport, connection, self._seconds)

    @contextmanager
    def _greeted(self, connection: SftpConnection) -> Iterator[paramiko.Transport]:
        """A connection on which the server has shown its key, and nothing was told to it."""
        where = f"{connection.host}:{connection.port}"
        reached = connected(connection.host, connection.port, server_allowed(connection.host, connection.port))
        with closing(reached), closing(paramiko.Transport(reached)) as transport:
            transport.banner_timeout = min(self._seconds, CONNECT_SECONDS)
            try:
                transport.start_client(timeout=min(self._seconds, CONNECT_SECONDS))
            except (paramiko.SSHException, EOFError, OSError):
                raise Unreachable(f"What answers at {where} isn't SFTP.", "Check the port: SFTP mostly has 22, and plain FTP (21) isn't read.") from None
            yield transport

    def _server_steps(self, connection: SftpConnection, files: Files) -> Iterator[Step]:
        step: Literal["tls", "sign-in", "path", "rights"] = "tls"
        try:
            with self._greeted(connection) as transport:
                _check_key(transport, connection)
                yield Step(name="tls", ok=True, text="The server has the key that is registered.")
                step = "sign-in"
                sftp = _sign_in(transport, connection, self._seconds)
                yield Step(name="sign-in", ok=True, text=f"{connection.user} is let in.")
                step = "path"
                listed = _matching(sftp, connection, files)
                if listed:
                    with _told(listed[0].path), closing(sftp.open(_path(connection, listed[0].path), "rb")) as source:
                        source.read(1)
                yield Step(name="rights", ok=True, text="It can be listed and read." if listed else "It can be listed.")
        except IngestError as error:
            yield Step(name="rights" if step == "path" and isinstance(error, Refused) else step, ok=False, text=error.sentence, todo=error.todo)
            return
        missing = Step(name="empty", ok=True, text=f"No file matches {files.path!r} yet.", todo="Check the path, or wait for the first file.")
        yield Step(name="empty", ok=True, text=f"{count(len(listed), 'matching file')}.") if listed else missing


def _check_key(transport: paramiko.Transport, connection: SftpConnection) -> None:
    """Raises BadInput where no key is registered yet, Refused where the server shows another."""
    key = transport.get_remote_server_key()
    shown = key.fingerprint.rstrip("=")
    if connection.fingerprint is None:
        raise BadInput(f"The server shows the key {shown} ({key.get_name()}), and none is registered yet.", "Ask whoever runs the server whether that is its fingerprint; then register it.")
    if shown not in {each.strip().rstrip("=") for each in connection.fingerprint.split(",")}:
        raise Refused(f"{connection.host} shows another key than the registered one: {shown} ({key.get_name()}).", "Somebody may be in between: nothing was told to it. Ask whoever runs the server; register the new fingerprint only if they say so.")


def _sign_in(transport: paramiko.Transport, connection: SftpConnection, seconds: float) -> paramiko.SFTPClient:
    try:
        if connection.private_key:
            transport.auth_publickey(connection.user, _private_key(connection))
        else:
            transport.auth_password(connection.user, connection.password.get_secret_value())
        sftp = paramiko.SFTPClient.from_transport(transport)
    except paramiko.BadAuthenticationType as error:
        raise Refused(f"{connection.host} doesn't take this kind of sign-in.", f"It takes: {', '.join(error.allowed_types)}.") from None
    except paramiko.AuthenticationException:
        raise Refused(f"{connection.host} doesn't let {connection.user} in with this {'key' if connection.private_key else 'password'}.", "Check user and password or key, and whether the user is blocked or has expired.") from None
    except paramiko.ChannelException:
        raise Refused(f"{connection.host} lets {connection.user} in, but not to SFTP.", "Ask whoever runs the server to allow SFTP for this user.") from None
    except (paramiko.SSHException, EOFError, OSError):
        raise Unreachable(f"{connection.host} hung up during the sign-in.", "The next run tries again.") from None
    sftp.get_channel().settimeout(seconds)
    return sftp


def _private_key(connection: SftpConnection) -> paramiko.PKey:
    """The key out of its text, of whichever kind it is."""
    phrase = connection.passphrase.get_secret_value() if connection.passphrase else None
    for kind in KEY_KINDS:
        try:
            return kind.from_private_key(io.StringIO(connection.private_key.get_secret_value().strip() + "\n"), phrase)
        except paramiko.PasswordRequiredException:
            raise BadInput("The private key has a passphrase.", "Give it, or use a key without one.") from None
        except (paramiko.SSHException, ValueError, IndexError):
            continue
    raise BadInput("The private key can't be read.", "Give the whole text of the file, from BEGIN to END, in the form of OpenSSH or PEM, and check the passphrase.")


def _matching(sftp: paramiko.SFTPClient, connection: SftpConnection, files: Files) -> list[ListedFile]:
    path = checked(files.path)
    is_meant = matcher(path)
    with _told(fixed_part(path) or connection.folder or "the folder"):
        found = (_listed(name, each) for name, each in _walk(sftp, connection, fixed_part(path), depth(path)) if is_meant(name))
        return sorted(found, key=lambda each: each.path)


def _walk(sftp: paramiko.SFTPClient, connection: SftpConnection, name: str, deep: int | None) -> Iterator[tuple[str, paramiko.SFTPAttributes]]:
    """Files below a folder with their paths, at most `deep` folders down. Links are followed to files, not to folders."""
    below = []
    for each in sftp.listdir_attr(_path(connection, name) or "."):
        if stat.S_ISDIR(each.st_mode):
            below.append(each.filename)
        elif stat.S_ISREG((found := _linked(sftp, _path(connection, name + each.filename), each)).st_mode):
            yield name + each.filename, found
    for folder in below if deep is None or deep > 0 else ():
        if not is_passing(folder):
            yield from _walk(sftp, connection, f"{name}{folder}/", None if deep is None else deep - 1)


def _linked(sftp: paramiko.SFTPClient, path: str, found: paramiko.SFTPAttributes) -> paramiko.SFTPAttributes:
    """What a link leads to; the link itself where that is gone."""
    if not stat.S_ISLNK(found.st_mode):
        return found
    try:
        return sftp.stat(path)
    except OSError:
        return found


def _path(connection: SftpConnection, name: str) -> str:
    return posixpath.join(connection.folder, name) if connection.folder else name


def _listed(name: str, found: paramiko.SFTPAttributes) -> ListedFile:
    return ListedFile(path=name, size=found.st_size, modified=moment_text(found.st_mtime) if found.st_mtime is not None else "")


def _wait_for_rest(source: paramiko.SFTPFile, seconds: int) -> None:
    """Waits until nobody has written to a file for a while. A clock that is far off makes it wait no longer than that while."""
    age = time.time() - (source.stat().st_mtime or 0)
    if 0 <= age < seconds:
        time.sleep(seconds - age)


def _chunks(source: paramiko.SFTPFile, name: str) -> Iterator[bytes]:
    with _told(name):
        while chunk := source.read(CHUNK):
            yield chunk


@contextmanager
def _told(what: str) -> Iterator[None]:
    """What the server says no to, in a sentence."""
    try:
        yield
    except (paramiko.SSHException, EOFError, TimeoutError, ConnectionError):
        raise Unreachable(f"The server hung up, or stopped answering, at {what}.", "Nothing was taken; the next run tries again.") from None
    except UnicodeDecodeError:
        raise BadInput(f"{what} has a file whose name isn't in UTF-8.", "Have it renamed, or name a folder that it isn't in.") from None
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise  # our own disk
        if error.errno == errno.ENOENT:
            raise Unreachable(f"{what} isn't on the server.", "Check the path: it is written from the folder of the connection on. Capitals count.") from None
        if error.errno == errno.EACCES:
            raise Refused(f"{what} may not be read with this sign-in.", "Ask whoever runs the server for the right to read it.") from None
        raise Unreachable(f"The server can't read {what}.", "Ask whoever runs the server; the next run tries again.") from None
