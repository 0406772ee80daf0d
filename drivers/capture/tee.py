"""The capture tee: a transport around a transport."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self

from bench.clock import Cancelled, Clock
from bench.errors import PortGone
from bench.units import Micros
from drivers.capture.hiding import Hidden, SecretScanner, Segment
from drivers.capture.records import CaptureSink, Direction, Happening, Noted, Passed
from drivers.transport.line import LineSettings
from drivers.transport.pipe import SecretSpan, Transport


class CapturingTransport:
    """A `Transport` over another that stores every octet before anybody sees it.

    One exception: input that may be the beginning of an echoed key is stored as soon as that is
    settled, at the latest with the next write or close. `finished` is called once, at the close,
    when nothing more will be stored.
    """

    def __init__(
        self, inner: Transport, sink: CaptureSink, *, finished: Callable[[], None] | None = None
    ) -> None:
        self._inner = inner
        self._sink = sink
        self._finished = finished
        self._scanner = SecretScanner()
        self._closed = False
        self._note(Happening.OPENED, str(inner.line))

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
        # Stored first: what was meant to go out is known even if the port dies under it.
        self._settle()
        segments: list[Segment] = []
        end = 0
        for span in sorted(secrets, key=lambda span: span.start):
            if not end <= span.start < span.end <= len(data):
                raise ValueError("secret spans: expected in order, inside the data, not empty")
            segments.append(data[end : span.start])
            segments.append(Hidden(span.end - span.start, span.reference))
            self._scanner.learn(data[span.start : span.end], span.reference)
            end = span.end
        segments.append(data[end:])
        # A key written again without a mark is hidden as well.
        shown = tuple(
            piece
            for segment in segments
            for piece in (
                (segment,) if isinstance(segment, Hidden) else self._scanner.whole(segment)
            )
        )
        self._sink.store(Passed(self.clock.now(), self.port, Direction.OUT, shown))
        with self._noting_loss():
            self._inner.write(data, secrets)

    def read(self, deadline: Micros) -> bytes:
        with self._noting_loss():
            data = self._inner.read(deadline)
        if data:
            self._arrived(data)
        return data

    def discard_input(self) -> None:
        with self._noting_loss():
            discarded = self._drain()
            self._inner.discard_input()
        if discarded:
            self._settle()
            self._note(Happening.DISCARDED)

    def set_line(self, settings: LineSettings) -> None:
        with self._noting_loss():
            self._inner.set_line(settings)
        self._note(Happening.LINE, str(settings))

    def reopen(self, until: Micros) -> None:
        self._settle()
        self._inner.reopen(until)
        self._note(Happening.REOPENED, str(self._inner.line))

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            with suppress(PortGone, Cancelled):  # closed also where nobody may wait any more
                self._drain()
        finally:
            self._inner.close()
        try:
            self._settle()
            self._note(Happening.CLOSED)
        finally:
            if self._finished is not None:
                self._finished()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @contextmanager
    def _noting_loss(self) -> Iterator[None]:
        try:
            yield
        except PortGone as error:
            self._settle()
            self._note(Happening.GONE, str(error))
            raise

    def _drain(self) -> bool:
        """Stores what arrived up to now and nobody read; True if there was any."""
        started = self.clock.now()
        found = False
        while data := self._inner.read(started):
            self._arrived(data)
            found = True
            if self._inner.received_at > started:
                break  # it still talks
        return found

    def _arrived(self, data: bytes) -> None:
        self._store_input(self._scanner.feed(data, self._inner.received_at))

    def _settle(self) -> None:
        self._store_input(self._scanner.settle())

    def _store_input(self, pieces: Sequence[tuple[Micros, Segment]]) -> None:
        together: list[Segment] = []
        for number, (at, segment) in enumerate(pieces):
            together.append(segment)
            if number + 1 == len(pieces) or pieces[number + 1][0] != at:
                self._sink.store(Passed(at, self.port, Direction.IN, tuple(together)))
                together = []

    def _note(self, happening: Happening, detail: str = "") -> None:
        self._sink.store(Noted(self.clock.now(), self.port, happening, detail))
