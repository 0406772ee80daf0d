"""What a device hangs on: its end of a line, hosted (pty, TCP) or in memory."""

from __future__ import annotations

from typing import Protocol

from bench.clock import Clock
from bench.units import Micros
from drivers.transport.line import LineSettings
from drivers.transport.memory import WirePeer


class WireEnd(Protocol):
    """`line` is what the device is set to; it changes it at `sent_by`."""

    line: LineSettings

    @property
    def clock(self) -> Clock: ...

    @property
    def sent_by(self) -> Micros:
        """When the last octet sent has left."""

    def attach(self, peer: WirePeer) -> None:
        """`peer` hears the line from now on."""

    def send(self, data: bytes, since: Micros | None = None) -> None:
        """The device speaks; `since`: when it began, if its host was late to say so."""
