"""The container of old Excel files: a small file system of sectors, read just far enough to get one stream out."""

import struct
from collections.abc import Sequence
from pathlib import Path

MAX_BYTES = 512 * 1024**2
END = 0xFFFFFFFA
"""From here on numbers mean "no sector"."""
ENTRY = 128


def ole_stream(path: Path, names: Sequence[str]) -> bytes:
    """The first of the named streams that is there; empty where none is, or where the container is damaged."""
    if path.stat().st_size > MAX_BYTES:
        return b""
    data = path.read_bytes()
    try:
        return _Container(data).stream(names)
    except (struct.error, IndexError, KeyError, ValueError):
        return b""


class _Container:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size, self.small = 1 << min(struct.unpack_from("<H", data, 30)[0], 20), 1 << min(struct.unpack_from("<H", data, 32)[0], 20)
        self.first_folder, self.cutoff, self.first_small = struct.unpack_from("<I", data, 48)[0], struct.unpack_from("<I", data, 56)[0], struct.unpack_from("<I", data, 60)[0]
        self.table = self._numbers(b"".join(map(self._sector, self._table_sectors())))

    def _sector(self, number: int) -> bytes:
        return self.data[(number + 1) * self.size : (number + 2) * self.size]

    def _table_sectors(self) -> list[int]:
        found = list(struct.unpack_from("<109I", self.data, 76))
        following, seen = struct.unpack_from("<I", self.data, 68)[0], set()
        while following < END and following not in seen:
            seen.add(following)
            *numbers, following = self._numbers(self._sector(following)) or (END,)
            found += numbers
        return [number for number in found if number < END]

    @staticmethod
    def _numbers(data: bytes) -> tuple[int, ...]:
        return struct.unpack(f"<{len(data) // 4}I", data[: len(data) // 4 * 4])

    def _chain(self, first: int, table: Sequence[int]) -> list[int]:
        found, seen = [], set()
        while first < len(table) and first not in seen:
            seen.add(first)
            found.append(first)
            first = table[first]
        return found

    def _read(self, first: int) -> bytes:
        return b"".join(map(self._sector, self._chain(first, self.table)))

    def stream(self, names: Sequence[str]) -> bytes:
        folder = self._read(self.first_folder)
        entries = [folder[at : at + ENTRY] for at in range(0, len(folder) - ENTRY + 1, ENTRY)]
        by_name = {entry[: max(0, struct.unpack_from("<H", entry, 64)[0] - 2)].decode("utf-16-le", errors="replace").lower(): entry for entry in reversed(entries) if entry[66] in (2, 5)}
        entry = next((by_name[name.lower()] for name in names if name.lower() in by_name), None)
        if entry is None:
            return b""
        first, size = struct.unpack_from("<II", entry, 116)
        return (self._read(first) if size >= self.cutoff else self._small(first, by_name["root entry"]))[:size]

    def _small(self, first: int, root: bytes) -> bytes:
        room, table = self._read(struct.unpack_from("<I", root, 116)[0]), self._numbers(self._read(self.first_small))
        return b"".join(room[number * self.small : (number + 1) * self.small] for number in self._chain(first, table))
