"""A server of SFTP for what a real one can't be made to do: a file that may not be read, links, a file that grows or a connection that ends while it is read."""

import socket
import stat
import threading

import paramiko

SIZE = 3 * 1024**2
FILES = {"plain.csv": stat.S_IFREG, "denied.csv": stat.S_IFREG, "grows.csv": stat.S_IFREG, "ends.csv": stat.S_IFREG, "link.csv": stat.S_IFLNK, "gone.csv": stat.S_IFLNK, "folder.csv": stat.S_IFDIR, "pipe.csv": stat.S_IFIFO}


class _Door(paramiko.ServerInterface):
    """Lets everybody in."""

    def check_auth_password(self, username: str, password: str) -> int:
        return paramiko.AUTH_SUCCESSFUL

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED


class _Handle(paramiko.SFTPHandle):
    def __init__(self, files: "_Files", name: str) -> None:
        super().__init__()
        self._files, self._name = files, name

    def stat(self) -> paramiko.SFTPAttributes:
        return self._files.stat(self._name)

    def read(self, offset: int, length: int) -> bytes | int:
        if offset >= SIZE // 2 and self._name == "ends.csv":
            self._files.transport.close()  # its own: the next connection may be there already
        if offset >= SIZE // 2 and self._name == "grows.csv":
            self._files.server.grown = 1
        return b"x" * min(length, SIZE - offset) if offset < SIZE else paramiko.SFTP_EOF


class _Files(paramiko.SFTPServerInterface):
    def __init__(self, server: paramiko.ServerInterface, stand_in: "SftpStandIn", transport: paramiko.Transport) -> None:
        super().__init__(server)
        self.server, self.transport = stand_in, transport

    def list_folder(self, path: str) -> list[paramiko.SFTPAttributes] | int:
        return paramiko.SFTP_PERMISSION_DENIED if path.endswith("shut") else [self._as(name, kind) for name, kind in FILES.items()]

    def stat(self, path: str) -> paramiko.SFTPAttributes | int:
        name = path.rpartition("/")[2]
        return paramiko.SFTP_NO_SUCH_FILE if name == "gone.csv" else self._as(name, stat.S_IFREG)

    def lstat(self, path: str) -> paramiko.SFTPAttributes:
        return self._as(path.rpartition("/")[2], stat.S_IFREG)

    def open(self, path: str, flags: int, attr: paramiko.SFTPAttributes) -> paramiko.SFTPHandle | int:
        name = path.rpartition("/")[2]
        return paramiko.SFTP_PERMISSION_DENIED if name == "denied.csv" else _Handle(self, name)

    def _as(self, name: str, kind: int) -> paramiko.SFTPAttributes:
        found = paramiko.SFTPAttributes()
        found.filename, found.st_mode, found.st_size, found.st_mtime, found.st_atime = name, kind | 0o644, SIZE, 1_790_000_000 + (self.server.grown if name == "grows.csv" else 0), 0
        return found


class SftpStandIn:
    """Serves one connection after another."""

    def __init__(self) -> None:
        self.key, self.grown, self.transport = paramiko.ECDSAKey.generate(), 0, None
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            transport = self.transport = paramiko.Transport(connection)
            transport.add_server_key(self.key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Files, self, transport)
            transport.start_server(event=threading.Event(), server=_Door())

    def close(self) -> None:
        self._socket.close()
        if self.transport:
            self.transport.close()
