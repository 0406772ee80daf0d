"""`open_transport`: from the `port:` line of a station file to a byte pipe."""

from __future__ import annotations

import errno
import os
import select
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final, cast

import serial
from serial.rfc2217 import Serial as Rfc2217Serial

from bench.clock import Cancellation, Clock, WallClock
from bench.errors import Busy, PortGone, UsageError
from bench.units import Micros
from drivers.transport.address import PortAddress, Scheme
from drivers.transport.channel import (
    DescriptorChannel,
    Rfc2217Channel,
    apply_line,
    socket_channel,
)
from drivers.transport.emulated import EmulatedPorts
from drivers.transport.line import LineSettings
from drivers.transport.lock import PortLock, lock_directory
from drivers.transport.pipe import Transport
from drivers.transport.pty_line import LinePublisher, PtyPort
from drivers.transport.reader import OpenChannel
from drivers.transport.stream import CABLE, Opener, StreamTransport

_CONNECT: Final = 5.0  # seconds to wait for a TCP connection
_PTYS: Final = "/dev/pts/"
_START: Final = "start what is behind the port"
_LOOK: Final = "is the adapter plugged in? `smets1-bench scan` lists those that are"

_NETWORK: Final = (Scheme.SOCKET, Scheme.RFC2217)


def open_transport(
    port: str,
    settings: LineSettings,
    clock: Clock,
    *,
    emulated: EmulatedPorts | None = None,
    until: Micros | None = None,
    cancellation: Cancellation | None = None,
    locks: Path | None = None,
) -> Transport:
    """Opens `port` and locks it for this process.

    `until`: how long to wait for the adapter, or for the kit that dials in; None tries once.
    `locks`: the lock folder, else the user's own. Raises `UsageError` (no such scheme or emulated
    port, a real port under a virtual clock), `PortGone` (not there), `Busy` (somebody has it).
    """
    address = PortAddress.parse(port)
    if address.scheme is Scheme.EMU:
        memory = _resolver(address, emulated).memory(address.name)
        if memory.clock is not clock:
            raise UsageError(f"{port}: the emulated port runs on another clock than the station")
        return memory.connect(settings, cancellation=cancellation, until=until)
    if not isinstance(clock, WallClock):
        raise UsageError(f"{port}: a port outside this program needs the wall clock")
    opener: Opener
    release: list[Callable[[], None]] = []
    locked = port
    if address.scheme is Scheme.PTY:
        pty = _resolver(address, emulated).pty(address.name)
        opener, locked = _PtyOpener(port, pty), str(pty.path)
    elif address.scheme is Scheme.SOCKET:
        opener = _SocketOpener(address)
    elif address.scheme is Scheme.RFC2217:
        opener = _Rfc2217Opener(port)
    elif address.scheme is Scheme.LISTEN:
        listening = _ListenOpener(address)
        release.append(listening.close)
        opener = listening
    else:
        opener = _SerialOpener(port)
    if address.scheme is not Scheme.LISTEN:  # a listening socket is its own lock
        release.append(PortLock(locked, locks or lock_directory()).release)
    return StreamTransport(
        port,
        opener,
        settings,
        clock,
        released=release[0],
        cancellation=cancellation,
        until=until,
        mend=_START if address.scheme in _NETWORK else CABLE,
    )


def _resolver(address: PortAddress, emulated: EmulatedPorts | None) -> EmulatedPorts:
    if emulated is None:
        raise UsageError(f"{address.text}: this station hosts no emulated ports")
    return emulated


class _SerialOpener:
    """A tty through pyserial: by path (best by id) or by `hwgrep://`, looked up at each opening.

    A path that leads to a pty is opened as one.
    """

    def __init__(self, port: str) -> None:
        self._port = port

    def __call__(self, settings: LineSettings) -> OpenChannel:
        if os.path.realpath(self._port).startswith(_PTYS):
            return _PtyOpener(self._port, PtyPort(Path(self._port)))(settings)
        tty = open_tty(self._port, settings)
        return DescriptorChannel(
            tty.fileno(), release=tty.close, set_line=lambda changed: apply_line(tty, changed)
        )


class _PtyOpener:
    """A pty: always 8N1, the settings published beside it."""

    def __init__(self, port: str, pty: PtyPort) -> None:
        self._port = port
        self._pty = pty

    def __call__(self, settings: LineSettings) -> OpenChannel:
        tty = open_tty(str(self._pty.path), LineSettings(), named=self._port)
        publisher = LinePublisher(self._pty, settings)
        return _PtyChannel(tty.fileno(), release=tty.close, publisher=publisher)


class _PtyChannel(DescriptorChannel):
    def __init__(
        self, descriptor: int, *, release: Callable[[], None], publisher: LinePublisher
    ) -> None:
        super().__init__(descriptor, release=release, set_line=publisher.change)
        self._publisher = publisher

    def send(self, data: bytes, line_time: float) -> None:
        super().send(data, line_time)
        self._publisher.wrote(len(data))


def open_tty(path: str, settings: LineSettings, *, named: str = "") -> serial.Serial:
    """DTR and RTS are set before the port opens, and nobody else may open it."""
    named = named or path
    try:
        tty = serial.serial_for_url(
            path,
            do_not_open=True,
            baudrate=settings.baud,
            bytesize=settings.data_bits,
            parity=str(settings.parity),
            stopbits=settings.stop_bits,
            exclusive=True,
        )
        tty.dtr = settings.dtr
        tty.rts = settings.rts
        tty.open()
    except (serial.SerialException, OSError) as error:
        if error.errno in (errno.EAGAIN, errno.EBUSY):
            raise Busy(f"{named} is in use by another program") from error
        hint = "your user may not open it: join the group that owns the device"
        raise PortGone(
            f"{named} cannot be opened: {_reason(error)}",
            hint=hint if error.errno == errno.EACCES else _LOOK,
        ) from error
    except ValueError as error:
        raise UsageError(f"{named}: {error}") from error
    return tty


class _SocketOpener:
    """A raw TCP port of a device server. Not pyserial's, which reads octet by octet."""

    def __init__(self, address: PortAddress) -> None:
        self._address = address

    def __call__(self, settings: LineSettings) -> OpenChannel:
        where = (self._address.host, self._address.tcp_port)
        try:
            return socket_channel(socket.create_connection(where, timeout=_CONNECT))
        except (OSError, UnicodeError) as error:
            said = f"{self._address.text} cannot be reached: {error}"
            raise PortGone(said, hint=_START) from error


class _Rfc2217Opener:
    def __init__(self, port: str) -> None:
        self._port = port

    def __call__(self, settings: LineSettings) -> OpenChannel:
        try:
            server = cast(
                "Rfc2217Serial",
                serial.serial_for_url(
                    self._port,
                    do_not_open=True,
                    baudrate=settings.baud,
                    bytesize=settings.data_bits,
                    parity=str(settings.parity),
                    stopbits=settings.stop_bits,
                ),
            )
            server.dtr = settings.dtr
            server.rts = settings.rts
            server.open()
        except (serial.SerialException, OSError, ValueError) as error:
            raise PortGone(f"{self._port} cannot be opened: {error}", hint=_START) from error
        return Rfc2217Channel(server)


def _reason(error: OSError) -> str:
    """In the system's words; pyserial's own text says the port and the number twice."""
    return os.strerror(error.errno) if error.errno else str(error)


class _ListenOpener:
    """Kit that dials in. Bound once; each opening takes the newest caller.

    Kit that lost its power never closes its old connection, so the newest caller is the live one.
    """

    def __init__(self, address: PortAddress) -> None:
        self._text = address.text
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.bind((address.host, address.tcp_port))
            self._socket.listen(4)
            self._socket.setblocking(False)
        except OSError as error:
            self._socket.close()
            if error.errno == errno.EADDRINUSE:
                raise Busy(f"{self._text}: somebody listens there already") from error
            raise PortGone(f"{self._text}: cannot listen: {error}") from error

    def __call__(self, settings: LineSettings) -> OpenChannel:
        newest: socket.socket | None = None
        while select.select([self._socket], [], [], 0)[0]:
            try:
                caller, _ = self._socket.accept()
            except OSError:  # it hung up again before it was answered
                continue
            if newest is not None:
                newest.close()
            newest = caller
        if newest is None:
            raise PortGone(f"{self._text}: nobody has dialled in", hint="is the kit powered?")
        return socket_channel(newest)

    def close(self) -> None:
        self._socket.close()
