"""The one way by which identification speaks: counted, bounded, and never into somebody's talk.

Every frame goes out through `CountedTransport`, so no fault of a probe or of the device can make
it speak more often than was agreed. A transport with an allowance of nought only listens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Final, Self, TypeVar

from bench.clock import Clock
from bench.errors import PortGone
from bench.units import MILLISECOND, SECOND, Micros
from drivers.transport.line import LineSettings
from drivers.transport.pipe import SecretSpan, Transport, quiet

T = TypeVar("T")

_SILENCE_BEFORE: Final = 100 * MILLISECOND
_SETTLES_WITHIN: Final = SECOND
_PAUSE: Final = 300 * MILLISECOND
"""Silence that ends an answer: USB adapters and terminal servers hold octets back for a while."""
_OCTETS_AT_MOST: Final = 16_384
_SHOWN: Final = 24


class AllowanceSpent(Exception):
    """As many frames as were allowed have been sent; nothing more goes out."""


class CountedTransport:
    """A `Transport` that sends `allowance` frames and no more: then `AllowanceSpent`.

    `farewell` is not counted: leaving a line quiet must always be possible.
    """

    def __init__(self, inner: Transport, allowance: int) -> None:
        self._inner = inner
        self.allowance = allowance
        self.sent = 0
        self.octets_heard = 0

    @property
    def port(self) -> str:
        return self._inner.port

    @property
    def clock(self) -> Clock:
        return self._inner.clock

    @property
    def line(self) -> LineSettings:
        return self._inner.line

    @property
    def received_at(self) -> Micros:
        return self._inner.received_at

    def write(self, data: bytes, secrets: Sequence[SecretSpan] = ()) -> None:
        if self.sent >= self.allowance:
            raise AllowanceSpent
        self.sent += 1
        self._inner.write(data, secrets)

    def farewell(self, data: bytes, wait: Micros) -> None:
        """Says goodbye and hears out the answer, for `wait` at most. A port that is gone: nothing
        to leave.
        """
        with suppress(PortGone):
            self._inner.write(data)
            quiet(self, _SILENCE_BEFORE * 2, self.clock.now() + wait)

    def read(self, deadline: Micros) -> bytes:
        data = self._inner.read(deadline)
        self.octets_heard += len(data)
        return data

    def discard_input(self) -> None:
        self._inner.discard_input()

    def set_line(self, settings: LineSettings) -> None:
        self._inner.set_line(settings)

    def reopen(self, until: Micros) -> None:
        self._inner.reopen(until)

    def close(self) -> None:
        self._inner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Restless(Exception):
    """The line does not fall silent, so nothing was asked."""


class Question:
    """One question at a time on one line. `wait`: for the start of an answer.

    `heard`: the octets that came since the last question, understood or not, the first 16 KiB.
    """

    def __init__(self, transport: CountedTransport, wait: Micros) -> None:
        self.transport = transport
        self.wait = wait
        self.heard = bytearray()

    def ask(self, octets: bytes, decide: Callable[[bytes], T | None]) -> T | None:
        """Waits for silence, asks, and hands what comes to `decide` until it says something.

        None: nothing came, or nothing that `decide` takes. `Restless`; `AllowanceSpent`.
        """
        transport, clock = self.transport, self.transport.clock
        self.heard.clear()
        if not quiet(transport, _SILENCE_BEFORE, clock.now() + _SETTLES_WITHIN):
            raise Restless
        transport.write(octets)
        return self.listen(decide, transport.line.span(len(octets)))

    def listen(
        self, decide: Callable[[bytes], T | None], after: Micros = 0, at_most: Micros = 0
    ) -> T | None:
        """As `ask`, without asking. `at_most`: how long an answer may take once it has begun."""
        transport, clock = self.transport, self.transport.clock
        until = clock.now() + after + self.wait
        pause = max(_PAUSE, transport.line.span(16))
        latest = until + (at_most or self.wait + transport.line.span(512))
        while data := transport.read(min(until, latest)):
            self.heard += data[: _OCTETS_AT_MOST - len(self.heard)]
            decided = decide(data)
            if decided is not None:
                return decided
            until = clock.now() + pause
            if clock.now() >= latest:
                break
        return None


def shown(octets: bytes) -> str:
    """The first of some octets, for people: as text where they are text, else hexadecimal."""
    first = octets[:_SHOWN]
    more = "…" if len(octets) > _SHOWN else ""
    if all(0x20 <= octet < 0x7F or octet in b"\r\n\t" for octet in first):
        return f"{' '.join(first.decode('ascii').split())!r}{more}"
    return first.hex(" ") + more
