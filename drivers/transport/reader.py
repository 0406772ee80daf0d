"""The port's one reader, which stamps what arrives.

One at a time reads. The owner does while it waits for octets, so that an answer wakes no second
thread. A thread of the port's does while the owner is busy elsewhere, so that what arrives
meanwhile is stamped when it came; it takes over when the owner has not read for `_OWNER_IDLE`, and
until then octets wait in the kernel: a stamp may be late by so much.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Final, Protocol

from bench.clock import Cancellation, WallClock
from bench.units import MILLISECOND, SECOND, Micros
from drivers.transport.channel import Channel, ChannelEnded

_UNREAD_AT_MOST: Final = 1_048_576
_OWNER_IDLE: Final = 0.02  # seconds
_LOOK_AGAIN: Final = 50 * MILLISECOND
"""What another thread has put on the agenda is seen at the latest after so long."""


class OpenChannel(Channel, Protocol):
    def dispose(self) -> None: ...


class PortReader:
    """Reads one open channel until it ends; `gone` says why it did."""

    def __init__(self, channel: OpenChannel, clock: WallClock, name: str) -> None:
        self.channel = channel
        self.gone: str | None = None
        self._clock = clock
        self._inbox: deque[tuple[Micros, bytes]] = deque()
        self._unread = 0
        self._turn = threading.Condition()
        self._minding = False  # the thread is in `receive`
        self._owner_reads = False
        self._owner_left = time.monotonic()
        self._stopping = False
        self._thread = threading.Thread(target=self._mind, name=f"reader {name}", daemon=True)
        self._thread.start()

    def take(self, deadline: Micros, cancellation: Cancellation | None) -> tuple[Micros, bytes]:
        """What came first and when, or b"" at `deadline` or once the channel is gone."""
        if not self._inbox and self.gone is None:
            if self.channel.shared:
                self._read_until(deadline, cancellation)
            else:
                self._clock.wait(self._decided, deadline, cancellation)
        with self._turn:
            if not self._inbox:
                return 0, b""
            stamped = self._inbox.popleft()
            self._unread -= len(stamped[1])
            return stamped

    def clear(self) -> None:
        """Drops what has arrived, also what is still in the kernel: of that, a bounded amount."""
        dropped = 0
        while True:
            with self._turn:
                dropped += self._unread
                self._inbox.clear()
                self._unread = 0
            if not self.channel.shared or self.gone is not None or dropped > _UNREAD_AT_MOST:
                return
            self._read_until(self._clock.now(), None)
            if not self._inbox:
                return

    def stop(self) -> None:
        with self._turn:
            self._stopping = True
            self._turn.notify()
        self.channel.close()
        self._thread.join()
        self.channel.dispose()

    def _decided(self) -> bool:
        return bool(self._inbox) or self.gone is not None

    # -- the owner -------------------------------------------------------------------------------

    def _read_until(self, deadline: Micros, cancellation: Cancellation | None) -> None:
        """Reads once, or runs the agenda until `deadline`."""
        with self._turn:
            self._owner_reads = True
            if self._minding:
                self.channel.interrupt()
                self._turn.wait_for(lambda: not self._minding)
        if cancellation is not None:
            cancellation.on_cancel(self.channel.interrupt)
        try:
            while not self._decided():
                if cancellation is not None:
                    cancellation.check()
                due = self._clock.run_due()
                now = self._clock.now()
                until = min(deadline, now + _LOOK_AGAIN, deadline if due is None else due)
                self._receive(max(0, until - now) / SECOND)
                if now >= deadline:
                    return
        finally:
            if cancellation is not None:
                cancellation.forget(self.channel.interrupt)
            self._owner_left = time.monotonic()
            self._owner_reads = False

    def _receive(self, timeout: float | None) -> None:
        """One look at the channel, by whoever's turn it is."""
        try:
            data = self.channel.receive(timeout)
        except ChannelEnded as ended:
            self.gone = str(ended)
            return
        if data:
            with self._turn:
                self._unread += len(data)
                self._inbox.append((self._clock.now(), data))

    # -- the thread ------------------------------------------------------------------------------

    def _mind(self) -> None:
        while True:
            with self._turn:
                self._minding = False
                self._turn.notify_all()
                # A flood nobody reads stays with the kernel: memory is bounded here.
                while not self._stopping and (self._owner_active() or self._full()):
                    self._turn.wait(_OWNER_IDLE)
                if self._stopping or self.gone is not None:
                    return
                self._minding = True
            self._receive(None)
            self._clock.wake()

    def _owner_active(self) -> bool:
        if not self.channel.shared or self.gone is not None:
            return False
        return self._owner_reads or time.monotonic() - self._owner_left < _OWNER_IDLE

    def _full(self) -> bool:
        return self._unread >= _UNREAD_AT_MOST and self.gone is None
