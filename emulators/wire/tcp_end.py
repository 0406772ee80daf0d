"""A device's end of a TCP port, as a serial device server in raw mode would show it."""

from __future__ import annotations

import socket
from contextlib import suppress
from functools import partial

from bench.clock import Clock
from bench.units import Micros
from drivers.transport.lane import Lane
from drivers.transport.line import LineSettings
from drivers.transport.memory import WirePeer
from emulators.wire.pty_end import GRAIN, Watch

_PIECE = 65_536


class TcpEnd:
    """One client at a time; the newest caller takes the port over, since one that vanished cannot
    be told from a silent one. A TCP port has no line settings to get wrong.
    """

    def __init__(
        self,
        host: str,
        port: int,
        clock: Clock,
        line: LineSettings,
        watch: Watch,
        *,
        paced: bool,
    ) -> None:
        self.clock = clock
        self.line = line
        self._watch = watch
        self._peer: WirePeer | None = None
        self._caller: socket.socket | None = None
        self._listening = socket.create_server((host, port))
        self._listening.setblocking(False)
        self.host, self.tcp_port = self._listening.getsockname()[:2]
        self._paced = paced
        self._to_peer = Lane(clock, GRAIN, self._reach_peer)
        self._to_client = Lane(clock, GRAIN, self._reach_client)
        watch(self._listening.fileno(), self._accept)

    @property
    def address(self) -> str:
        """What a client connects to."""
        return f"{self.host}:{self.tcp_port}"

    @property
    def sent_by(self) -> Micros:
        return max(self.clock.now(), self._to_client.free_at)

    def attach(self, peer: WirePeer) -> None:
        self._peer = peer

    def send(self, data: bytes, since: Micros | None = None) -> None:
        """The device speaks, and began at `since`. Nobody connected: the octets are lost."""
        if self._paced:
            self._to_client.send(data, self.line, True, since)
        else:
            self._reach_client(data, self.line, 0)

    def hang_up(self) -> None:
        """The connection breaks; a client may call again."""
        caller, self._caller = self._caller, None
        if caller is not None:
            self._watch(caller.fileno(), None)
            caller.close()
        self._to_peer.cut()
        self._to_client.cut()

    def close(self) -> None:
        """Safe to repeat."""
        self.hang_up()
        if self._listening.fileno() >= 0:
            self._watch(self._listening.fileno(), None)
            self._listening.close()

    def _accept(self) -> None:
        try:
            caller, _ = self._listening.accept()
        except OSError:
            return  # it hung up again before it was answered
        self.hang_up()
        caller.setblocking(False)
        caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._caller = caller
        self._watch(caller.fileno(), partial(self._readable, caller))

    def _readable(self, caller: socket.socket) -> None:
        try:
            data = caller.recv(_PIECE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data and self._paced:
            self._to_peer.send(data, self.line, True)
        elif data:
            self._reach_peer(data, self.line, self.clock.now())
        elif caller is self._caller:
            self.hang_up()

    def _reach_peer(self, data: bytes, _: LineSettings, at: Micros) -> None:
        if self._peer is not None:
            self._peer.receive(data, at)

    def _reach_client(self, data: bytes, _: LineSettings, __: Micros) -> None:
        if self._caller is not None:
            with suppress(OSError):  # it hung up, or takes nothing: the octets are lost
                self._caller.send(data)
