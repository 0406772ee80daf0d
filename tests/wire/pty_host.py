"""A pty for tests: the product's host, which can be pulled in the middle of an answer or muted."""

from __future__ import annotations

from pathlib import Path

from bench.clock import WallClock
from bench.units import Micros
from drivers.transport.line import LineSettings
from drivers.transport.memory import WirePeer
from emulators.wire.hosts import Hosting


class PtyHost:
    """`path` is a symlink to the client's end. Not paced: octets arrive when they are written.

    `gone_after`: the adapter is pulled once that many octets were sent to the client.
    """

    def __init__(self, path: Path, clock: WallClock, line: LineSettings | None = None) -> None:
        self.clock = clock
        self.gone_after: int | None = None
        self.sent = 0
        self.muted = False
        self._hosting = Hosting(clock)
        self._host = self._hosting.pty(path, line or LineSettings(), paced=False)

    @property
    def path(self) -> Path:
        return self._host.path

    @property
    def line(self) -> LineSettings:
        return self._host.line

    @line.setter
    def line(self, settings: LineSettings) -> None:
        self._host.line = settings

    @property
    def sent_by(self) -> Micros:
        return self._host.sent_by

    def attach(self, peer: WirePeer) -> None:
        self._host.attach(peer)

    def mute(self) -> None:
        """From now on nothing the device says arrives, until `muted` is set back."""
        self.muted = True

    def send(self, data: bytes, since: Micros | None = None) -> None:
        if self.muted:
            return
        if self.gone_after is not None:
            data = data[: self.gone_after - self.sent]
        self.sent += len(data)  # before the client can know, who may set `gone_after` next
        self._host.send(data, since)
        if self.sent == self.gone_after:
            self.gone_after = None
            self.clock.call_at(self.clock.now(), self._host.unplug)

    def plug(self) -> None:
        self._host.plug()

    def close(self) -> None:
        self._hosting.close()
