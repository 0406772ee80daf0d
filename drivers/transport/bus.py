"""Several devices on one RS-485 line: one conversation at a time, in the order asked."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench.clock import Cancellation, Clock
from bench.errors import Busy, PortGone
from bench.units import Micros
from drivers.transport.pipe import Transport, quiet


@dataclass(eq=False, slots=True)
class _Turn:
    owner: str


class SharedBus:
    """Owns the transport of a shared line and lends it, first come, first served.

    `settle`: how long the line must be silent after a conversation that failed, before the next
    may start; longer than the slowest answer on the line. Without it the late answer of one device
    would be taken as another's. A port that went is opened again for the next conversation.
    """

    def __init__(self, transport: Transport, *, settle: Micros) -> None:
        self._transport = transport
        self._settle = settle
        self._guard = threading.Lock()
        self._queue: deque[_Turn] = deque()
        self._disturbed = False

    @contextmanager
    def conversation(
        self, owner: str, until: Micros, cancellation: Cancellation | None = None
    ) -> Iterator[Transport]:
        """The line, alone, for one request and its answer.

        `Busy` names who has it if it is not free, or not silent, by `until`. Not reentrant.
        """
        turn = _Turn(owner)
        with self._guard:
            self._queue.append(turn)
        clock = self._transport.clock
        clock.wake()
        try:
            if not clock.wait(lambda: self._queue[0] is turn, until, cancellation):
                raise Busy(f"{self._transport.port}: {owner} waits for {self._holder()}")
            if self._disturbed:
                self._fall_silent(owner, until)
            try:
                yield self._transport
            except BaseException:
                self._disturbed = True  # a question may be out whose answer is still to come
                raise
        finally:
            with self._guard:
                self._queue.remove(turn)
            clock.wake()

    def _fall_silent(self, owner: str, until: Micros) -> None:
        try:
            if not quiet(self._transport, self._settle, until):
                raise Busy(f"{self._transport.port}: {owner} waits for the line to fall silent")
        except PortGone:  # what was under way went with the port
            self._transport.reopen(until)
        self._disturbed = False

    def reopen(self, until: Micros) -> None:
        """Brings the line back after `PortGone`; what was under way is lost, so it is silent."""
        self._transport.reopen(until)
        self._disturbed = False

    @property
    def clock(self) -> Clock:
        return self._transport.clock

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        with self._guard:
            return max(0, len(self._queue) - 1)

    def close(self) -> None:
        self._transport.close()

    def _holder(self) -> str:
        with self._guard:
            return self._queue[0].owner
