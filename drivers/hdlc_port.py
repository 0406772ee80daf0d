"""An HDLC connection over a transport: time-outs, the quiet line after one, the optical sign-on.

The late-reply trap. After a time-out the connection is given up. Before anything is sent again the
line is kept quiet for longer than the slowest answer, and the next request goes out on a new
connection (SNRM), on which sequence numbers begin anew; an answer later than that still has to
carry the number and the invoke-id of the open request (`drivers.codecs.dlms_client`).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from enum import Enum
from typing import Final

from bench.clock import Cancelled, Clock
from bench.errors import PortGone
from bench.secret import Secret
from bench.units import MILLISECOND, Micros
from drivers.codecs.hdlc import HdlcAddress
from drivers.codecs.hdlc_events import (
    Connect,
    Connected,
    Data,
    Disconnect,
    Disconnected,
    Ending,
    FrameRejected,
    PeerIdle,
)
from drivers.codecs.hdlc_link import HdlcLink, LinkState, Role
from drivers.codecs.hdlc_parameters import LinkParameters
from drivers.optical_sign_on import SignOnFailed, sign_on
from drivers.profiles.dlms import HdlcProfile, SignOnProfile
from drivers.profiles.profile import TimingProfile
from drivers.transport.line import LineSettings
from drivers.transport.pipe import SecretSpan, Transport

_CLOSING_FLAG: Final = 1  # of the last frame; it may open the next, so the reader keeps it
_POLL_PAUSE: Final = 100 * MILLISECOND
_TRY_HDLC: Final = 3
"""A meter that may still be in HDLC is tried there for this part of the time there is."""
_LEAST_MARKED: Final = 4
"""Octets of a secret that are worth hiding; fewer cannot be told from chance."""


class Failure(Enum):
    """Why there is no answer."""

    SILENT = "no reply"
    DAMAGED = "a damaged reply"
    REFUSED = "the meter refuses a connection (DM)"
    LOST = "the meter has no connection"
    NOT_QUIET = "not asked: the line does not fall silent"


class LinkFailed(Exception):
    """There is no answer. `not_taken`: the meter has certainly not acted on the request."""

    def __init__(self, failure: Failure, detail: str = "", *, not_taken: bool = False) -> None:
        self.failure = failure
        self.detail = detail or failure.value
        self.not_taken = not_taken
        super().__init__(self.detail)


class HdlcPort:
    """Owns the transport. One connection at a time, for one client address.

    Every call raises `LinkFailed` or `PortGone`; after either there is no connection. After
    `PortGone` the next `connect` opens the port again first. `doubts` counts the moments from which
    on another meter may be at the port: a time-out, a connection it does not know, a new opening.
    """

    def __init__(
        self,
        profile: HdlcProfile,
        optical: SignOnProfile | None,
        timing: TimingProfile,
        line: LineSettings,
        transport: Transport,
    ) -> None:
        self._profile = profile
        self._optical = optical
        self._timing = timing
        self._rest = line
        self._transport = transport
        self._link: HdlcLink | None = None
        self._client = 0
        self._active_at: Micros = transport.clock.now()
        self._heard = False
        self._disturbed = False
        self._gone = False
        self._perhaps_in_hdlc = False  # an optical meter: no longer listening for a sign-on
        self.openings = 1
        self.doubts = 1

    @property
    def clock(self) -> Clock:
        return self._transport.clock

    @property
    def client(self) -> int | None:
        """The client address whose connection stands, as far as anybody can know."""
        link = self._link
        idle = self.clock.now() - self._active_at
        if link is None or link.state is not LinkState.CONNECTED:
            return None
        # The meter counts from an earlier moment than we do.
        return self._client if idle < self._profile.inactivity * 3 // 4 else None

    def bring_back(self) -> None:
        """Opens the port again if it is gone. Raises `PortGone` if it does not come back."""
        if self._gone:
            self._transport.reopen(self.clock.now() + self._timing.reply_timeout)
            self._gone = False
            self._disturbed = False
            self._active_at = self.clock.now()
            self.openings += 1
            self.doubts += 1

    def fall_silent(self) -> None:
        """After a failure: reads and drops until the line was silent for `quiet`. Sends nothing."""
        if not self._disturbed:
            return
        quiet = self._timing.quiet
        until = self.clock.now() + quiet + self._timing.reply_timeout
        try:
            while self._read(min(self._active_at + quiet, until)):
                pass
        except PortGone:
            self._lose_port()
            raise
        if self.clock.now() < self._active_at + quiet:
            raise LinkFailed(Failure.NOT_QUIET, not_taken=True)
        self._disturbed = False

    def connect(self, client: int, deadline: Micros) -> None:
        """A fresh connection for `client`; the old one is closed first."""
        try:
            if self.client is not None:
                self._close(deadline)
            if self._optical is not None:
                if self._still_in_hdlc(self._optical, client, deadline):
                    return
                self._sign_on(self._optical, deadline)
            self._open_link_for(client, deadline)
        except PortGone:
            self._lose_port()
            raise

    def exchange(self, payload: bytes, deadline: Micros, hidden: Sequence[Secret] = ()) -> bytes:
        """The payload that answers. `hidden`: secrets in the request, marked for a capture."""
        link = self._open_link()
        try:
            self._transport.discard_input()
            return self._converse(link.send(Data(payload)), deadline, hidden)
        except PortGone:
            self._lose_port()
            raise

    def more(self, deadline: Micros) -> bytes:
        """The next payload, where the last was not the answer: the meter is polled."""
        link = self._open_link()
        try:
            return self._converse(link.retransmit(), deadline, ())
        except PortGone:
            self._lose_port()
            raise

    def give_up(self) -> None:
        """What was answered makes no sense: the connection is dropped as after a time-out."""
        self._disturb()

    def hang_up(self) -> None:
        """Ends the connection that stands, so that whoever comes next finds the meter listening.

        The meter times out by itself too, so whether it hears of it is nobody's concern.
        """
        with suppress(LinkFailed, PortGone, Cancelled):
            if self.client is not None:
                self._close(self.clock.now() + self._timing.reply_timeout)

    def close(self) -> None:
        self._transport.close()

    def _open_link_for(self, client: int, deadline: Micros) -> None:
        octets = self._profile.information
        self._link = link = HdlcLink(
            Role.CLIENT,
            server=self._profile.server,
            client=HdlcAddress(client),
            parameters=LinkParameters(octets, octets),
        )
        self._client = client
        self._transport.discard_input()
        self._converse(link.send(Connect()), deadline, ())

    def _still_in_hdlc(self, optical: SignOnProfile, client: int, deadline: Micros) -> bool:
        """Whether a meter that was left in HDLC takes a connection there; else it needs a sign-on.

        It listens at 300 baud again only once its connection timed out.
        """
        now = self.clock.now()
        if not self._perhaps_in_hdlc or now - self._active_at >= self._profile.inactivity:
            return False
        self._transport.set_line(replace(self._rest, baud=optical.baud))
        try:
            self._open_link_for(client, now + (deadline - now) // _TRY_HDLC)
        except LinkFailed:
            self._perhaps_in_hdlc = False
            self._disturbed = False  # the sign-on comes at another rate, and keeps its own silence
            return False
        return True

    def _open_link(self) -> HdlcLink:
        if self._link is None or self._link.state is not LinkState.CONNECTED:
            raise LinkFailed(Failure.LOST, not_taken=True)
        return self._link

    def _converse(self, octets: bytes, deadline: Micros, hidden: Sequence[Secret]) -> bytes:
        """Writes and reads until something is decided; the payload, or b"" for a connection."""
        link, clock = self._link, self.clock
        assert link is not None, "connected, or connecting"
        before = _damage(link)
        repeated = False
        self._heard = False
        self._write(octets, hidden)
        repeat = self._profile.repeat_after
        while True:
            until = deadline if repeat is None else min(deadline, clock.now() + repeat)
            data = self._read(until)
            if not data:
                if clock.now() < deadline:
                    repeated = True
                    self._write(link.retransmit(), hidden)
                    continue
                damaged = _damage(link) != before or link.reader.pending > _CLOSING_FLAG
                self._disturb()
                raise LinkFailed(Failure.DAMAGED if damaged else Failure.SILENT)
            events = link.receive(data)
            answer = link.octets_to_send()
            if answer:
                self._write(answer, hidden)
            for event in events:
                if isinstance(event, Connected):
                    return b""
                if isinstance(event, Data):
                    return event.payload
                if isinstance(event, Disconnected):
                    self._link = None
                    if event.ending is Ending.CLOSED:
                        return b""
                    self.doubts += 1
                    refused = event.ending is Ending.REFUSED
                    failure = Failure.REFUSED if refused else Failure.LOST
                    raise LinkFailed(failure, not_taken=not repeated)
                if isinstance(event, FrameRejected):
                    self._disturb()
                    raise LinkFailed(Failure.DAMAGED, f"frame rejected: {event.reason}")
                if isinstance(event, PeerIdle):
                    clock.sleep_until(min(deadline, clock.now() + _POLL_PAUSE))
                    self._write(link.retransmit(), hidden)

    def _close(self, deadline: Micros) -> None:
        assert self._link is not None, "a connection stands"
        self._converse(self._link.send(Disconnect()), deadline, ())
        self._link = None
        self._perhaps_in_hdlc = False

    def _sign_on(self, optical: SignOnProfile, deadline: Micros) -> None:
        self._perhaps_in_hdlc = True  # also where it fails half-way
        try:
            sign_on(self._transport, optical, self._rest, deadline)
        except SignOnFailed as error:
            self._disturb()
            raise LinkFailed(
                Failure.DAMAGED if error.heard else Failure.SILENT, f"sign-on: {error}"
            ) from None
        self._active_at = self.clock.now()

    def _write(self, octets: bytes, hidden: Sequence[Secret]) -> None:
        self._transport.write(octets, _spans(octets, hidden))

    def _read(self, deadline: Micros) -> bytes:
        data = self._transport.read(deadline)
        if data:
            self._active_at = self._transport.received_at
        return data

    def _disturb(self) -> None:
        self._disturbed = True
        self.doubts += 1
        self._active_at = self.clock.now()
        self._link = None

    def _lose_port(self) -> None:
        self._gone = True
        self._link = None


def _damage(link: HdlcLink) -> tuple[int, ...]:
    """Counts that rise with damaged or foreign frames."""
    frames, kept = link.reader.statistics, link.statistics
    return (
        frames.bad_format,
        frames.bad_hcs,
        frames.bad_fcs,
        frames.octets_discarded,
        kept.foreign,
        kept.unexpected,
        kept.out_of_sequence,
        kept.bad_llc,
        kept.malformed_parameters,
    )


def _spans(octets: bytes, hidden: Sequence[Secret]) -> list[SecretSpan]:
    """Where secrets are in a frame: whole, or the longest piece where a segment ends in them."""
    found: list[SecretSpan] = []
    for secret in hidden:
        value = secret.reveal()
        for size in range(len(value), _LEAST_MARKED - 1, -1):
            places = [octets.find(value[at : at + size]) for at in range(len(value) - size + 1)]
            place = max(places)
            if place >= 0:
                found.append(SecretSpan(place, place + size, secret.label))
                break
    return sorted(found, key=lambda span: span.start)
