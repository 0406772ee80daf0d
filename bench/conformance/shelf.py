"""Where the facts of closed passages wait: in memory while they are few, on disk when many."""

from __future__ import annotations

import tempfile
from typing import Final

from bench.errors import BenchError

IN_MEMORY: Final = 16 * 1024 * 1024
"""Octets kept in memory before they move to an unnamed temporary file."""

_LENGTH: Final = 4


class Shelf:
    """Keeps octets and gives them back by their place; nothing is ever removed.

    Raises `BenchError` where the disk cannot take or give them. The file is gone with the process.
    """

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115
        self._end = 0

    def put(self, packed: bytes) -> int:
        """Returns the place."""
        place = self._end
        try:
            self._file.seek(place)
            self._file.write(len(packed).to_bytes(_LENGTH, "big") + packed)
        except OSError as error:
            raise _unusable(error) from None
        self._end += _LENGTH + len(packed)
        return place

    def take(self, place: int) -> bytes:
        """What was put there."""
        try:
            self._file.seek(place)
            length = int.from_bytes(self._file.read(_LENGTH), "big")
            return self._file.read(length)
        except OSError as error:
            raise _unusable(error) from None


def _unusable(error: OSError) -> BenchError:
    folder = tempfile.gettempdir()
    return BenchError(
        f"{folder}: a temporary file cannot be used: {error.strerror}",
        hint="make room there, or name another folder in TMPDIR",
    )
