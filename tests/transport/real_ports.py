"""Stand-ins for real kit: a pty whose master the test holds, and TCP peers on loopback."""

from __future__ import annotations

import os
import pty
import select
import socket
import threading
import tty
from collections.abc import Callable
from pathlib import Path
from typing import cast

import serial
from serial.rfc2217 import PortManager

from bench.units import SECOND
from drivers.transport.pipe import Transport

PATIENCE = 10 * SECOND


def read_exactly(transport: Transport, octets: int) -> bytes:
    """Bounded by the deadline only if the octets do not come."""
    deadline = transport.clock.now() + PATIENCE
    got = b""
    while len(got) < octets:
        data = transport.read(deadline)
        if not data:
            break
        got += data
    return got


class Adapter:
    """A pulled and re-plugged USB adapter: a symlink to a pty that is made anew each time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.master = -1
        self.plug()

    def plug(self) -> None:
        self.master, slave = pty.openpty()
        tty.setraw(slave)
        fresh = self.path.with_name("fresh")
        fresh.symlink_to(os.ttyname(slave))
        fresh.replace(self.path)
        os.close(slave)

    def unplug(self) -> None:
        self.path.unlink()
        os.close(self.master)
        self.master = -1

    def heard(self, octets: int) -> bytes:
        got = b""
        while len(got) < octets and select.select([self.master], [], [], 10)[0]:
            got += os.read(self.master, octets - len(got))
        return got

    def say(self, data: bytes) -> None:
        os.write(self.master, data)

    def close(self) -> None:
        if self.master >= 0:
            self.unplug()


class TcpKit:
    """A server on loopback that runs `serve` for each caller in turn."""

    def __init__(self, serve: Callable[[socket.socket], None]) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.tcp_port = int(self._listening.getsockname()[1])
        self._serve = serve
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                caller, _ = self._listening.accept()
            except OSError:
                return
            with caller:
                self._serve(caller)

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(10)


class Rfc2217Server:
    """A serial device server in front of a pty, from pyserial's own parts."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.kit = TcpKit(self._serve)
        self.settings: list[tuple[int, int, str]] = []

    def _serve(self, caller: socket.socket) -> None:
        caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        device = _Device(str(self._path), self.settings)
        lines = PortManager(device, _Connection(caller))
        try:
            while True:
                readable, _, _ = select.select([caller, device.fileno()], [], [])
                if caller in readable:
                    data = caller.recv(1024)
                    if not data:
                        return
                    device.write(b"".join(lines.filter(data)))
                if device.fileno() in readable:
                    # The escaped form must go out as one piece.
                    caller.sendall(b"".join(lines.escape(device.read(device.in_waiting or 1))))
        except OSError:
            return
        finally:
            device.close()


class _Device(serial.Serial):
    """A pty refuses parity and has no modem lines: settings are noted, the pty stays 8N1."""

    def __init__(self, path: str, noted: list[tuple[int, int, str]]) -> None:
        self._noted = noted
        super().__init__(path, timeout=0)

    def _reconfigure_port(self, force_update: bool = False) -> None:
        wanted = (self._baudrate, self._bytesize, self._parity)
        self._noted.append(cast("tuple[int, int, str]", wanted))
        self._bytesize, self._parity, self._stopbits = 8, "N", 1
        try:
            super()._reconfigure_port(force_update)
        finally:
            _, self._bytesize, self._parity = wanted

    @property
    def cts(self) -> bool:
        return True

    @property
    def dsr(self) -> bool:
        return True

    @property
    def ri(self) -> bool:
        return False

    @property
    def cd(self) -> bool:
        return True

    def _update_dtr_state(self) -> None:
        return

    def _update_rts_state(self) -> None:
        return


class _Connection:
    def __init__(self, caller: socket.socket) -> None:
        self._caller = caller

    def write(self, data: bytes) -> None:
        self._caller.sendall(data)
