"""An end of a line through which nothing is said before what it speaks of is stored."""

from __future__ import annotations

from collections.abc import Callable

from bench.clock import Clock
from bench.units import Micros
from drivers.transport.line import LineSettings
from drivers.transport.memory import WirePeer
from emulators.wire.wire_end import WireEnd


class KeptEnd:
    """A `WireEnd` around another. `store` makes durable whatever changed."""

    def __init__(self, inner: WireEnd, store: Callable[[], None]) -> None:
        self._inner = inner
        self._store = store

    @property
    def line(self) -> LineSettings:
        return self._inner.line

    @line.setter
    def line(self, settings: LineSettings) -> None:
        self._inner.line = settings

    @property
    def clock(self) -> Clock:
        return self._inner.clock

    @property
    def sent_by(self) -> Micros:
        return self._inner.sent_by

    def attach(self, peer: WirePeer) -> None:
        self._inner.attach(peer)

    def send(self, data: bytes, since: Micros | None = None) -> None:
        self._store()
        self._inner.send(data, since)
