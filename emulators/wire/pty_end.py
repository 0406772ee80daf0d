"""A device's end of a pty, with the line settings that a pty does not have.

What the client means its line to be comes out of band (`drivers.transport.pty_line`): by a call
from a client in this process, else from the small file beside the symlink. A client that publishes
nothing, as any foreign one, is taken to have it right.
"""

from __future__ import annotations

import os
import pty
import tty
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from bench.clock import Clock
from bench.errors import BenchError
from bench.units import MILLISECOND, Micros
from drivers.transport.lane import Lane
from drivers.transport.line import LineSettings, as_heard
from drivers.transport.memory import WirePeer
from drivers.transport.pty_line import IntendedLine, PtyPort, read_intended, sidecar

Watch = Callable[[int, Callable[[], None] | None], None]
GRAIN: Final = 5 * MILLISECOND
"""The longest stretch of line time that is carried as one piece."""
_PIECE: Final = 4096
_PTYS: Final = ("/dev/pts/", "/dev/ttys")


class PtyEnd:
    """`path` is a symlink to what a client opens; it stays the same over `unplug` and `plug`.

    Paced: octets take the line's time in both directions. What is sent while nobody reads is lost
    when the pty is full, as on a UART.
    """

    def __init__(
        self, path: Path, clock: Clock, line: LineSettings, watch: Watch, *, paced: bool
    ) -> None:
        if os.path.lexists(path) and not _leads_to_a_pty(path):
            raise BenchError(
                f"{path} exists and is not a symlink of a hosted device",
                hint="name another path, or remove it",
            )
        self.path = path
        self.clock = clock
        self.line = line
        self._watch = watch
        self._peer: WirePeer | None = None
        self._master: int | None = None
        self._slave = -1
        self._tty = ""
        self._sidecar = sidecar(path)
        self._published = True  # whether the client last heard says how its line is set
        self._told: IntendedLine | None = None
        self._stamp: tuple[int, int] | None = None
        self._intended: IntendedLine | None = None
        self._session = ""
        self._heard = 0  # octets since the client opened the port
        self._paced = paced
        self._to_peer = Lane(clock, GRAIN, self._reach_peer)
        self._to_client = Lane(clock, GRAIN, self._reach_client)
        self.plug()

    @property
    def address(self) -> str:
        """What a client opens."""
        return str(self.path)

    @property
    def port(self) -> PtyPort:
        """For a client in this process: `drivers.transport.emulated.PortRegistry.register_pty`."""
        return PtyPort(self.path, self._tell)

    @property
    def sent_by(self) -> Micros:
        return max(self.clock.now(), self._to_client.free_at)

    def attach(self, peer: WirePeer) -> None:
        self._peer = peer

    def send(self, data: bytes, since: Micros | None = None) -> None:
        """The device speaks, and began at `since`."""
        if self._paced and self._master is not None:
            self._to_client.send(data, self.line, True, since)
        else:
            self._reach_client(data, self.line, 0)

    def plug(self) -> None:
        """Makes the pty, anew after `unplug`, under the same path."""
        master, self._slave = pty.openpty()
        self._tty = os.ttyname(self._slave)
        tty.setraw(self._slave)
        os.set_blocking(master, False)
        fresh = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(self._tty)
            fresh.replace(self.path)
        except OSError as error:
            os.close(master)
            os.close(self._slave)
            raise BenchError(f"cannot make {self.path}: {error.strerror}") from error
        self._master = master
        self._watch(master, partial(self._readable, master))

    def unplug(self) -> None:
        """The adapter is pulled: what is under way is lost and a client's port is gone."""
        master, self._master = self._master, None
        if master is None:
            return
        self._watch(master, None)
        self._to_peer.cut()
        self._to_client.cut()
        if _target(self.path) == self._tty:  # else it is somebody else's by now
            self.path.unlink(missing_ok=True)
        os.close(self._slave)
        os.close(master)  # last: from here on the client knows, and may plug it in again

    def close(self) -> None:
        """Takes the pty, its path and what a client left beside it away; safe to repeat."""
        self.unplug()
        self._sidecar.unlink(missing_ok=True)

    def _readable(self, master: int) -> None:
        try:
            data = os.read(master, _PIECE)
        except OSError:  # pulled meanwhile, or nothing there after all
            return
        for piece, sent_with in self._by_settings(data):
            if self._paced:
                self._to_peer.send(piece, sent_with or self.line, True)
            else:
                self._reach_peer(piece, sent_with or self.line, self.clock.now())

    def _by_settings(self, data: bytes) -> list[tuple[bytes, LineSettings | None]]:
        """The octets in runs that were sent with the same settings; None: nobody said."""
        intended = self._client_intends()
        self._published = intended is not None
        if intended is None:
            return [(data, None)]
        if intended.session != self._session:
            self._session, self._heard = intended.session, 0
        since, newest = intended.changes[-1]
        if since <= self._heard:
            self._heard += len(data)
            return [(data, newest)]
        runs: list[tuple[bytes, LineSettings | None]] = []
        start = 0
        for place in range(1, len(data) + 1):
            held = intended.at(self._heard + start)
            if place == len(data) or intended.at(self._heard + place) != held:
                runs.append((data[start:place], held))
                start = place
        self._heard += len(data)
        return runs

    def _reach_peer(self, data: bytes, sent_with: LineSettings, at: Micros) -> None:
        heard = as_heard(data, sent_with, self.line, checking=True)
        if heard and self._peer is not None:
            self._peer.receive(heard, at)

    def _reach_client(self, data: bytes, sent_with: LineSettings, _: Micros) -> None:
        # Whoever published nothing before it spoke does not do so before the answer.
        intended = self._client_intends() if self._published else None
        client = sent_with if intended is None else intended.changes[-1][1]
        heard = as_heard(data, sent_with, client, checking=False)
        if heard and self._master is not None:
            with suppress(OSError):  # nobody reads, or pulled meanwhile
                os.write(self._master, heard)

    def _tell(self, intended: IntendedLine) -> None:
        self._told = intended

    def _client_intends(self) -> IntendedLine | None:
        """The file counts as long as the process that wrote it lives; a foreign client may follow
        one of ours.
        """
        if self._told is not None:
            return self._told
        try:
            found = self._sidecar.stat()
        except OSError:
            return None
        stamp = (found.st_mtime_ns, found.st_ino)
        if stamp != self._stamp:
            self._stamp, self._intended = stamp, read_intended(self.path)
        if self._intended is None or not _lives(self._intended.session):
            return None
        return self._intended


def _target(path: Path) -> str:
    """Where a symlink leads; nothing where there is none."""
    try:
        return str(path.readlink())
    except OSError:
        return ""


def _leads_to_a_pty(path: Path) -> bool:
    """As a hosted device's does, also of a host that was killed."""
    return _target(path).startswith(_PTYS)


def _lives(session: str) -> bool:
    process = session.partition("-")[0]
    if not process.isdigit():
        return False
    try:
        os.kill(int(process), 0)  # asks, and sends nothing
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass  # another user's
    return True
