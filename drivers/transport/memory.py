"""`emu:`: a serial line in memory, on the injected clock.

Octets travel at the sender's baud rate and arrive through the clock's agenda, so an answer takes
the time it would take on a wire, and a reply time-out costs none under a virtual clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, Self

from bench.clock import Cancellation, Clock
from bench.errors import Busy, PortGone
from bench.units import MILLISECOND, Micros
from drivers.transport.lane import Lane
from drivers.transport.line import LineSettings, as_heard
from drivers.transport.pipe import SecretSpan


class WirePeer(Protocol):
    """The device's end of a line: usually a small server on a sans-IO codec."""

    def receive(self, data: bytes, at: Micros) -> None:
        """Octets whose last was due at `at`: now, or a little earlier where a host is late.

        Runs on the clock's agenda; answers go out through the line's end, now or from an agenda
        entry of the peer's own (reaction time).
        """


class MemoryPort:
    """A port in memory: the peer's end, and the socket a client connects to.

    `paced` False lets octets arrive at once, in one piece; settings are still compared. `grain` is
    the longest stretch of line time that arrives as one piece. `line` is what the peer is set to.
    """

    def __init__(
        self,
        name: str,
        clock: Clock,
        line: LineSettings | None = None,
        *,
        paced: bool = True,
        grain: Micros = 5 * MILLISECOND,
    ) -> None:
        self.name = name
        self.clock = clock
        self.line = line or LineSettings()
        self.plugged = True
        self._paced = paced
        self._peer: WirePeer | None = None
        self._client: MemoryTransport | None = None
        self._to_peer = Lane(clock, grain, self._reach_peer)
        self._to_client = Lane(clock, grain, self._reach_client)

    @property
    def address(self) -> str:
        """The port as a station file names it, with the emulated device's name."""
        return f"emu:{self.name}"

    def attach(self, peer: WirePeer) -> None:
        self._peer = peer

    def send(self, data: bytes, since: Micros | None = None) -> None:
        """The peer speaks, and began at `since`. Nobody listening, or unplugged: it is lost."""
        if self.plugged and self._client is not None:
            self._to_client.send(data, self.line, self._paced, since)

    @property
    def sent_by(self) -> Micros:
        """When the last octet the peer sent has left; the moment for it to change its line."""
        return max(self.clock.now(), self._to_client.free_at)

    @property
    def client_line(self) -> LineSettings | None:
        """What the client is set to; None: nobody is connected."""
        return None if self._client is None else self._client.line

    def unplug(self) -> None:
        """The adapter is pulled: what is under way is lost and the client's port is gone."""
        self.plugged = False
        self._to_peer.cut()
        self._to_client.cut()
        if self._client is not None:
            self._client.lose()

    def plug(self) -> None:
        """The adapter is back; the client still has to `reopen`."""
        self.plugged = True
        self.clock.wake()

    def connect(
        self,
        settings: LineSettings,
        *,
        cancellation: Cancellation | None = None,
        until: Micros | None = None,
    ) -> MemoryTransport:
        """The client's end. `PortGone` if unplugged (until `until`), `Busy` if it is in use."""
        if self._client is not None:
            raise Busy(f"{self.address} is already open in this process")
        latest = self.clock.now() if until is None else until
        if not self.clock.wait(lambda: self.plugged, latest, cancellation):
            raise PortGone(f"{self.address} is unplugged")
        self._client = MemoryTransport(self, settings, cancellation)
        return self._client

    def client_speaks(self, data: bytes, line: LineSettings) -> None:
        self._to_peer.send(data, line, self._paced)

    @property
    def client_silent_at(self) -> Micros:
        return self._to_peer.free_at

    def disconnect(self) -> None:
        self._client = None
        self._to_client.cut()

    def _reach_peer(self, data: bytes, sent: LineSettings, at: Micros) -> None:
        heard = as_heard(data, sent, self.line, checking=True)
        if heard and self._peer is not None:
            self._peer.receive(heard, at)

    def _reach_client(self, data: bytes, sent: LineSettings, _: Micros) -> None:
        if self._client is not None and not self._client.gone:
            heard = as_heard(data, sent, self._client.line, checking=False)
            if heard:
                self._client.arrive(self._carried_to_client(heard))

    def _carried_to_client(self, data: bytes) -> bytes:
        """What the line makes of octets at its end; a line in memory hands them over."""
        return data


class MemoryTransport:
    """The client's end of a `MemoryPort`; a `Transport`."""

    def __init__(
        self, memory: MemoryPort, settings: LineSettings, cancellation: Cancellation | None
    ) -> None:
        self._memory = memory
        self._line = settings
        self._cancellation = cancellation
        self._inbox: deque[tuple[Micros, bytes]] = deque()
        self.gone = False
        self._closed = False
        self._received_at: Micros = memory.clock.now()

    @property
    def port(self) -> str:
        return self._memory.address

    @property
    def clock(self) -> Clock:
        return self._memory.clock

    @property
    def line(self) -> LineSettings:
        return self._line

    @property
    def received_at(self) -> Micros:
        return self._received_at

    def write(self, data: bytes, secrets: Sequence[SecretSpan] = ()) -> None:
        self._check()
        self._memory.client_speaks(data, self._line)

    def read(self, deadline: Micros) -> bytes:
        if not self._inbox:
            self._check()
            self.clock.wait(self._readable, deadline, self._cancellation)
        if self._inbox:
            self._received_at, data = self._inbox.popleft()
            return data
        self._check()
        return b""

    def discard_input(self) -> None:
        self._check()
        self._inbox.clear()

    def set_line(self, settings: LineSettings) -> None:
        self._check()
        self.clock.sleep_until(self._memory.client_silent_at, self._cancellation)
        self._check()
        self._line = settings

    def reopen(self, until: Micros) -> None:
        if self._closed:
            raise PortGone(f"{self.port} is closed")
        self._inbox.clear()
        if not self.clock.wait(lambda: self._memory.plugged, until, self._cancellation):
            raise PortGone(f"{self.port} did not come back in time")
        self.gone = False

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._memory.disconnect()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def lose(self) -> None:
        """The port's side: the adapter is out. What had arrived may still be read."""
        self.gone = True
        self.clock.wake()

    def arrive(self, data: bytes) -> None:
        """The port's side: octets have arrived."""
        self._inbox.append((self.clock.now(), data))
        self.clock.wake()

    def _readable(self) -> bool:
        return bool(self._inbox) or self.gone

    def _check(self) -> None:
        if self._closed:
            raise PortGone(f"{self.port} is closed")
        if self.gone:
            raise PortGone(f"{self.port} is gone", hint="plug the adapter in again and reopen")
