"""A real port as a `Transport`, over the channel that its opener gives and the port's reader."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final, Protocol, Self

from bench.clock import Cancellation, Clock, WallClock
from bench.errors import PortGone
from bench.units import MILLISECOND, SECOND, Micros
from drivers.transport.channel import ChannelEnded
from drivers.transport.line import LineSettings
from drivers.transport.pipe import SecretSpan
from drivers.transport.reader import OpenChannel, PortReader

CABLE: Final = "check the adapter's cable and power, then reopen the port"

_LOOK_AGAIN: Final = 50 * MILLISECOND


class Opener(Protocol):
    """Opens the port once. `PortGone` if it cannot be opened now."""

    def __call__(self, settings: LineSettings) -> OpenChannel: ...


class StreamTransport:
    """A `Transport` over a channel, reopened by the same opener.

    `released` is called once, at `close` (the lock file). `mend`: the next step where the port is
    gone. Needs the wall clock.
    """

    def __init__(
        self,
        port: str,
        opener: Opener,
        settings: LineSettings,
        clock: WallClock,
        *,
        released: Callable[[], None],
        cancellation: Cancellation | None = None,
        until: Micros | None = None,
        mend: str = CABLE,
    ) -> None:
        self._port = port
        self._mend = mend
        self._opener = opener
        self._line = settings
        self._clock = clock
        self._released = released
        self._cancellation = cancellation
        self._closed = False
        self._received_at: Micros = clock.now()
        self._silent_at: Micros = 0
        self._reader: PortReader | None = None
        try:
            self._open(clock.now() if until is None else until)
        except BaseException:
            self.close()
            raise

    @property
    def port(self) -> str:
        return self._port

    @property
    def clock(self) -> Clock:
        return self._clock

    @property
    def line(self) -> LineSettings:
        return self._line

    @property
    def received_at(self) -> Micros:
        return self._received_at

    def write(self, data: bytes, secrets: Sequence[SecretSpan] = ()) -> None:
        reader = self._present()
        now = self._clock.now()
        silent_at = max(now, self._silent_at) + self._line.span(len(data))
        try:
            reader.channel.send(data, (silent_at - now) / SECOND)
        except ChannelEnded as ended:
            reader.gone = reader.gone or str(ended)
            raise self._lost(reader) from ended
        self._silent_at = silent_at

    def read(self, deadline: Micros) -> bytes:
        reader = self._opened()
        at, data = reader.take(deadline, self._cancellation)
        if data:
            self._received_at = at
            return data
        if reader.gone is not None:
            raise self._lost(reader)
        return b""

    def discard_input(self) -> None:
        self._present().clear()

    def set_line(self, settings: LineSettings) -> None:
        reader = self._present()
        if reader.channel.has_line:
            # tcdrain says when the kernel is done, not the adapter: count the line's time.
            self._clock.sleep_until(self._silent_at, self._cancellation)
            try:
                reader.channel.set_line(settings)
            except ChannelEnded as ended:
                reader.gone = reader.gone or str(ended)
                raise self._lost(reader) from ended
        self._line = settings

    def reopen(self, until: Micros) -> None:
        if self._closed:
            raise PortGone(f"{self._port} is closed")
        if self._reader is not None:
            self._reader.stop()
            self._reader = None
        self._open(until)

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            if self._reader is not None:
                self._reader.stop()
        finally:
            self._released()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _open(self, until: Micros) -> None:
        while True:
            try:
                channel = self._opener(self._line)
                break
            except PortGone:
                now = self._clock.now()
                if now >= until:
                    raise
                self._clock.sleep_until(min(until, now + _LOOK_AGAIN), self._cancellation)
        self._silent_at = 0
        self._reader = PortReader(channel, self._clock, self._port)

    def _opened(self) -> PortReader:
        if self._reader is None or self._closed:
            raise PortGone(f"{self._port} is not open", hint="reopen the port")
        return self._reader

    def _present(self) -> PortReader:
        reader = self._opened()
        if reader.gone is not None:
            raise self._lost(reader)
        return reader

    def _lost(self, reader: PortReader) -> PortGone:
        return PortGone(f"{self._port} is gone: {reader.gone}", hint=self._mend)
