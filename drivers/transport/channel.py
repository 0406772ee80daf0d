"""What a port's reader reads from: a file descriptor, or a pyserial object that has none.

A channel that ends, in whatever way its port reports it, raises `ChannelEnded`; nothing else.
"""

from __future__ import annotations

import os
import select
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

import serial

from drivers.transport.line import LineSettings

if TYPE_CHECKING:
    from serial.rfc2217 import Serial as Rfc2217Serial

_PIECE: Final = 65_536
_STUCK_AFTER: Final = 5.0  # seconds of wall time beyond what the line itself needs
_POLL: Final = 0.1  # seconds between looks at a port that cannot be selected on


class ChannelEnded(Exception):
    """The port behind the channel is gone."""


class Channel(Protocol):
    """One open port. `receive` is for one thread at a time, the rest for the owner."""

    @property
    def has_line(self) -> bool:
        """True if `set_line` changes something and octets take line time."""

    @property
    def shared(self) -> bool:
        """True if owner and thread may take turns at `receive`: it keeps to its time-out, and
        `interrupt` ends it.
        """

    def receive(self, timeout: float | None) -> bytes:
        """Waits for octets, `timeout` seconds at most; b"": nothing yet, interrupted or closed."""

    def interrupt(self) -> None:
        """`receive`, or the next one, returns early."""

    def send(self, data: bytes, line_time: float) -> None:
        """Hands all of it over; a port that takes nothing for long raises `ChannelEnded`.

        `line_time`: seconds of line time that what is queued will need at most.
        """

    def set_line(self, settings: LineSettings) -> None: ...

    def close(self) -> None:
        """Wakes `receive`; safe to repeat."""


class DescriptorChannel:
    """A tty or a socket, watched together with a pipe that `interrupt` writes to."""

    shared: Final = True

    def __init__(
        self,
        descriptor: int,
        *,
        release: Callable[[], None],
        set_line: Callable[[LineSettings], None] | None = None,
    ) -> None:
        self._descriptor = descriptor
        self._release = release
        self._set_line = set_line
        self._stop_read, self._stop_write = os.pipe()
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)
        self._poll.register(self._stop_read, select.POLLIN)
        self._writable = select.poll()
        self._writable.register(descriptor, select.POLLOUT)
        self._stopping = False

    @property
    def has_line(self) -> bool:
        return self._set_line is not None

    def receive(self, timeout: float | None) -> bytes:
        ready = self._wait(timeout)
        if any(descriptor == self._stop_read for descriptor, _ in ready):
            os.read(self._stop_read, _PIECE)
            return b""
        if not ready or self._stopping:
            return b""
        try:
            data = os.read(self._descriptor, _PIECE)
        except BlockingIOError:
            return b""
        except OSError as error:  # EIO: the pty's master closed or the adapter was pulled
            raise ChannelEnded(error.strerror or str(error)) from error
        if not data:
            raise ChannelEnded("the other side hung up")
        return data

    def _wait(self, timeout: float | None) -> list[tuple[int, int]]:
        if timeout is None:
            return self._poll.poll()
        whole = int(timeout * 1000)  # the kernel waits in whole milliseconds; the rest is slept
        ready = self._poll.poll(whole)
        rest = timeout - whole / 1000
        if ready or rest <= 0:
            return ready
        time.sleep(rest)
        return self._poll.poll(0)

    def interrupt(self) -> None:
        os.write(self._stop_write, b"\0")

    def send(self, data: bytes, line_time: float) -> None:
        give_up = time.monotonic() + line_time + _STUCK_AFTER
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BlockingIOError:
                left = give_up - time.monotonic()
                if left <= 0:
                    raise ChannelEnded("the port takes no octets") from None
                self._writable.poll(left * 1000)
            except OSError as error:
                raise ChannelEnded(error.strerror or str(error)) from error

    def set_line(self, settings: LineSettings) -> None:
        if self._set_line is not None:
            try:
                self._set_line(settings)
            except (OSError, ValueError) as error:
                raise ChannelEnded(str(error)) from error

    def close(self) -> None:
        """The reader is told to stop; `dispose` follows once it did."""
        if not self._stopping:
            self._stopping = True
            self.interrupt()

    def dispose(self) -> None:
        """Gives the descriptors back; only when no thread is in `receive`."""
        self._release()
        os.close(self._stop_read)
        os.close(self._stop_write)


class Rfc2217Channel:
    """A serial device server (RFC 2217): pyserial keeps a thread and a queue of its own, and its
    time-out cannot be changed without a telnet negotiation.
    """

    has_line: Final = True
    shared: Final = False

    def __init__(self, port: Rfc2217Serial) -> None:
        self._port = port
        self._port.timeout = _POLL
        self._stopping = False

    def receive(self, timeout: float | None) -> bytes:
        if self._stopping:
            return b""
        try:
            first = self._port.read(1)
            return first + self._port.read(self._port.in_waiting) if first else b""
        except (OSError, serial.SerialException, TypeError, AttributeError) as error:
            return self._ended(error)

    def _ended(self, error: Exception) -> bytes:
        if self._stopping:
            return b""
        raise ChannelEnded(str(error) or "the device server hung up") from error

    def interrupt(self) -> None:
        """It looks up every `_POLL` anyway."""

    def send(self, data: bytes, line_time: float) -> None:
        try:
            self._port.write(data)
        except (OSError, serial.SerialException) as error:
            raise ChannelEnded(str(error)) from error

    def set_line(self, settings: LineSettings) -> None:
        try:
            apply_line(self._port, settings)
        except (OSError, ValueError, serial.SerialException) as error:
            raise ChannelEnded(str(error)) from error

    def close(self) -> None:
        self._stopping = True

    def dispose(self) -> None:
        self._port.close()


def apply_line(port: serial.SerialBase, settings: LineSettings) -> None:
    """Changes only what differs: each change of an open port is a round of ioctls or telnet."""
    wanted: dict[str, object] = {
        "baudrate": settings.baud,
        "bytesize": settings.data_bits,
        "parity": str(settings.parity),
        "stopbits": settings.stop_bits,
        "dtr": settings.dtr,
        "rts": settings.rts,
    }
    for name, value in wanted.items():
        if getattr(port, name) != value:
            setattr(port, name, value)


def socket_channel(connection: socket.socket) -> DescriptorChannel:
    """A TCP connection as a channel. No Nagle: a request is one short segment."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.setblocking(False)
    return DescriptorChannel(connection.fileno(), release=connection.close)
