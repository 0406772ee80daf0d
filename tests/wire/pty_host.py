"""A device's end of a pty on the wall clock, for tests: what is heard goes to a wire server."""

from __future__ import annotations

import os
import pty
import select
import threading
import tty
from functools import partial
from pathlib import Path

from bench.clock import WallClock
from bench.units import HOUR
from drivers.transport.memory import WirePeer


class PtyHost:
    """`path` is a symlink to the client's end. Not paced: octets arrive when they are written.

    `gone_after`: the adapter is pulled once that many octets were sent to the client.
    """

    def __init__(self, path: Path, clock: WallClock) -> None:
        self.path = path
        self.gone_after: int | None = None
        self._clock = clock
        self._peer: WirePeer | None = None
        self.sent = 0
        self.muted = False
        self._closed = False
        self.plug()
        self._agenda = threading.Thread(target=self._run_agenda, daemon=True)
        self._agenda.start()

    def attach(self, peer: WirePeer) -> None:
        self._peer = peer

    def mute(self) -> None:
        """From now on nothing the device says arrives, until `muted` is set back."""
        self.muted = True

    def send(self, data: bytes) -> None:
        if self._master is None or self.muted:
            return
        if self.gone_after is not None:
            data = data[: self.gone_after - self.sent]
        if data:
            os.write(self._master, data)
            self.sent += len(data)
        if self.sent == self.gone_after:
            self.unplug()

    def plug(self) -> None:
        master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        fresh = self.path.with_name(self.path.name + ".fresh")
        fresh.symlink_to(os.ttyname(self._slave))
        fresh.replace(self.path)
        self._master: int | None = master
        pulled, self._pull = os.pipe()
        threading.Thread(target=self._read, args=(master, pulled), daemon=True).start()

    def unplug(self) -> None:
        master, self._master = self._master, None
        self.gone_after = None
        if master is not None:
            self.path.unlink()
            os.close(self._slave)
            os.close(self._pull)  # the reader closes the master: a read under way keeps it open

    def close(self) -> None:
        self._closed = True
        self._clock.wake()
        self.unplug()
        self._agenda.join(10)

    def _read(self, master: int, pulled: int) -> None:
        while pulled not in select.select([master, pulled], [], [])[0]:
            try:
                data = os.read(master, 4096)
            except OSError:  # the client's end was closed first
                break
            now = self._clock.now()
            if self._peer is not None:
                self._clock.call_at(now, partial(self._peer.receive, data, now))
        os.close(master)
        os.close(pulled)

    def _run_agenda(self) -> None:
        while not self._closed:
            self._clock.wait(lambda: self._closed, self._clock.now() + HOUR)
