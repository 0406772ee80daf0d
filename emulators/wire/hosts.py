"""Hosts of emulated devices outside this program's memory: ptys and TCP ports, on one thread.

Whoever opens the path or connects to the port talks to the device; this thread carries octets and
runs the clock's agenda, so reaction times and wake-ups happen while it waits. For a device in
memory (`emu:`) `drivers.transport.memory.MemoryPort` is the host.
"""

from __future__ import annotations

import os
import selectors
import threading
import time
from collections.abc import Callable, Hashable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from bench.clock import WallClock
from bench.errors import BenchError
from bench.units import MILLISECOND, SECOND
from drivers.transport.line import LineSettings
from emulators.wire.pty_end import PtyEnd
from emulators.wire.tcp_end import TcpEnd

Ready = list[tuple[selectors.SelectorKey, int]]

_LOOK_AGAIN: Final = 50 * MILLISECOND
"""An appointment that another thread made is seen at the latest after so long."""


class Hosting:
    """Serves any number of ends. `close` takes all of them down.

    `failed` is told of what goes wrong while it serves, on its thread; then nothing is served any
    more. Without it the thread ends with the error.
    """

    def __init__(self, clock: WallClock, failed: Callable[[Exception], None] | None = None) -> None:
        self.clock = clock
        self._selector = selectors.DefaultSelector()
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._woken, False)
        self._selector.register(self._woken, selectors.EVENT_READ, None)
        self._lock = threading.RLock()
        self._ends: list[PtyEnd | TcpEnd] = []
        self._closing = False
        self._failed = failed
        self._thread = threading.Thread(target=self._run, name="device hosts", daemon=True)
        self._thread.start()

    def pty(self, path: Path, line: LineSettings | None = None, *, paced: bool = True) -> PtyEnd:
        """A pty behind the symlink `path`, which is replaced if it is one. `BenchError` if not."""
        end = PtyEnd(path, self.clock, line or LineSettings(), self._watch, paced=paced)
        self._ends.append(end)
        return end

    def tcp(
        self,
        port: int = 0,
        line: LineSettings | None = None,
        *,
        host: str = "127.0.0.1",
        paced: bool = False,
    ) -> TcpEnd:
        """A listening TCP port, on loopback unless told otherwise; 0 takes a free one."""
        try:
            end = TcpEnd(host, port, self.clock, line or LineSettings(), self._watch, paced=paced)
        except OSError as error:
            raise BenchError(f"cannot listen on {host}:{port}: {error.strerror}") from error
        self._ends.append(end)
        return end

    def close(self) -> None:
        """Safe to repeat."""
        if self._closing:
            return
        self._closing = True
        os.write(self._wake, b"\0")
        self._thread.join()
        for end in self._ends:
            end.close()
        self._selector.close()
        os.close(self._woken)
        os.close(self._wake)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _watch(self, descriptor: int, readable: Callable[[], None] | None) -> None:
        """From now on `readable` is called when there is something to read; None: no more."""
        with self._lock:
            known: Hashable = descriptor in self._selector.get_map()
            if readable is None:
                if known:
                    self._selector.unregister(descriptor)
            elif known:
                self._selector.modify(descriptor, selectors.EVENT_READ, readable)
            else:
                self._selector.register(descriptor, selectors.EVENT_READ, readable)
        if threading.current_thread() is not self._thread and not self._closing:
            os.write(self._wake, b"\0")

    def _run(self) -> None:
        try:
            self._carry()
        except Exception as error:
            if self._failed is None:
                raise
            self._failed(error)

    def _carry(self) -> None:
        while not self._closing:
            due = self.clock.run_due()
            span = _LOOK_AGAIN if due is None else due - self.clock.now()
            # The kernel waits for descriptors in whole milliseconds; the rest is slept.
            whole = max(0, min(span, _LOOK_AGAIN) // MILLISECOND)
            if not whole and span > 0:
                time.sleep(span / SECOND)
            ready = self._selector.select(whole * MILLISECOND / SECOND)
            if ready:
                self.clock.run_alone(partial(self._serve, ready))

    def _serve(self, ready: Ready) -> None:
        for key, _ in ready:
            if key.data is None:
                os.read(self._woken, 4096)
                continue
            with self._lock:
                current = self._selector.get_map().get(key.fd)
            if current is not None and current.data is key.data:
                key.data()
