"""`pty:` under a virtual clock: a line in memory whose octets pass through a pty of this machine.

The client's end is opened by pyserial as any port is. A pty carries octets at once but hands them
over when it likes; so whoever puts octets in at one end waits until as many have come out at the
other. Virtual time stands still meanwhile: baud rate and reaction times are those of the line in
memory, and the same run gives the same moments, octet by octet.
"""

from __future__ import annotations

import os
import pty
import select
import tty
from typing import Final

from bench.clock import Clock
from bench.errors import PortGone
from bench.units import Micros
from drivers.transport.line import LineSettings
from drivers.transport.memory import MemoryPort
from drivers.transport.opening import open_tty

_PIECE: Final = 512  # octets, fewer than any tty holds
_STUCK_AFTER: Final = 10.0  # seconds of wall time in which a pty carries nothing


class PtyLoop:
    """A pty with both ends in this process. `PortGone`: it does not carry what it was given."""

    def __init__(self) -> None:
        self._master, slave = pty.openpty()
        try:
            tty.setraw(slave)
            self.path = os.ttyname(slave)
            self._client = open_tty(self.path, LineSettings())
            self._client.timeout = _STUCK_AFTER
        except BaseException:
            os.close(self._master)
            raise
        finally:
            os.close(slave)

    def to_device(self, data: bytes) -> bytes:
        """What comes out of the master when the client writes `data`."""
        heard = bytearray()
        for piece in _pieces(data):
            self._client.write(piece)
            heard += self._from_master(len(piece))
        return bytes(heard)

    def to_client(self, data: bytes) -> bytes:
        """What the client reads when `data` is written to the master."""
        heard = bytearray()
        for piece in _pieces(data):
            os.write(self._master, piece)
            got = self._client.read(len(piece))
            if len(got) < len(piece):
                raise self._stuck()
            heard += got
        return bytes(heard)

    def close(self) -> None:
        """Safe to repeat."""
        if self._client.is_open:
            self._client.close()
            os.close(self._master)

    def _from_master(self, octets: int) -> bytes:
        got = bytearray()
        while len(got) < octets:
            ready, _, _ = select.select([self._master], [], [], _STUCK_AFTER)
            if not ready:
                raise self._stuck()
            got += os.read(self._master, octets - len(got))
        return bytes(got)

    def _stuck(self) -> PortGone:
        return PortGone(f"{self.path}: the pty did not carry what was written to it")


class PtyMemoryPort(MemoryPort):
    """A `MemoryPort` whose line has a pty in it."""

    def __init__(
        self, name: str, clock: Clock, line: LineSettings | None = None, *, grain: Micros
    ) -> None:
        super().__init__(name, clock, line, grain=grain)
        self._loop = PtyLoop()

    @property
    def address(self) -> str:
        return f"pty:{self.name}"

    def client_speaks(self, data: bytes, line: LineSettings) -> None:
        super().client_speaks(self._loop.to_device(data), line)

    def close(self) -> None:
        """Gives the pty back; safe to repeat."""
        self._loop.close()

    def _carried_to_client(self, data: bytes) -> bytes:
        return self._loop.to_client(data)


def _pieces(data: bytes) -> list[bytes]:
    return [data[start : start + _PIECE] for start in range(0, len(data), _PIECE)]
