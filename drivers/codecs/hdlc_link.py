"""The HDLC data link of DLMS/COSEM (IEC 62056-46, 6.4): one link between a client and a server.

No I/O and no clock. Octets in through `receive`, which returns events; commands in through
`send`, which returns octets to write; answers the protocol itself demands wait in
`octets_to_send`.

The rules
---------
*Who may speak.* Normal response mode: the client (primary) polls with the P bit, the server
(secondary) speaks only when polled and hands the turn back with the F bit. A server's `send` out
of turn is queued until the next poll. The window is 1: one I frame is unacknowledged at most, in
either direction.

*Connecting.* SNRM carries what the client can send and receive, UA what both will do: the smaller
of each pair. Defaults, where a parameter is missing: 128 octets, window 1. A server answers SNRM
in any state and starts afresh; an SNRM from another client takes the link over (the newest wins,
since a client that vanished cannot be told from a silent one). DISC is answered by UA, or by DM
where there is no connection; I and RR frames without a connection are answered by DM.

*Numbers.* V(S) is the number of the next I frame to send, V(R) of the next expected; both modulo
8. A frame with N(S) = V(R) is new. N(S) = V(R) - 1 is a repeat: our answer was lost. It is not
delivered again; a server repeats its answer, a client ignores it. N(R) = V(S) acknowledges
everything; N(R) = V(S) - 1 with a frame outstanding says it has not arrived. Any other N(R)
cannot be mended: FRMR, and the connection ends.

*Lost frames.* Time-outs belong to the caller. After one, `retransmit` returns the frame that is
still unanswered: SNRM, DISC, the outstanding I frame, or RR. It is always safe to call: repeats
are recognised. A client also calls it after `PeerIdle`: the server is alive but has no answer
yet.

*Segments.* A payload longer than one frame goes in frames with the segmentation bit; each is
acknowledged with RR before the next. The whole payload, reassembled, is bounded by
`longest_payload`.

*Damage.* Wrong check sequences, foreign addresses and frames that make no sense now are dropped
and counted; nothing the peer sends makes `receive` raise.

Which frame does what in which state is the table `_RULES`; a pair that is absent is dropped and
counted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from drivers.codecs.errors import LocalProtocolError
from drivers.codecs.hdlc import (
    DISC,
    DM,
    FRMR,
    P_F,
    RR,
    SNRM,
    UA,
    UI,
    FrameKind,
    FrameReader,
    HdlcAddress,
    HdlcFrame,
)
from drivers.codecs.hdlc_events import (
    Command,
    Connect,
    Connected,
    Data,
    Disconnected,
    Ending,
    Event,
    FrameRejected,
    PeerIdle,
    UnnumberedData,
)
from drivers.codecs.hdlc_parameters import LinkParameters, negotiated

_LLC_REQUEST, _LLC_RESPONSE = b"\xe6\xe6\x00", b"\xe6\xe7\x00"


class Role(Enum):
    CLIENT = "client"
    SERVER = "server"


class LinkState(Enum):
    DISCONNECTED = "disconnected"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    DISCONNECTING = "disconnecting"


@dataclass(slots=True)
class LinkStatistics:
    """What the link dropped, by cause."""

    foreign: int = 0
    unexpected: int = 0
    duplicates: int = 0
    out_of_sequence: int = 0
    oversize: int = 0
    bad_llc: int = 0
    malformed_parameters: int = 0
    undelivered: int = 0


_REJECTIONS = (
    (0x01, "W: control field not implemented"),
    (0x02, "X: information not permitted"),
    (0x04, "Y: information too long"),
    (0x08, "Z: invalid N(R)"),
)


class HdlcLink:
    """One end of one link. `server` and `client` are the addresses of both ends."""

    def __init__(
        self,
        role: Role,
        *,
        server: HdlcAddress,
        client: HdlcAddress | None = None,
        parameters: LinkParameters | None = None,
        longest_payload: int = 0x10000,
        accepting: bool = True,
    ) -> None:
        """A server leaves `client` out: it is whoever sends SNRM. If not `accepting`: DM."""
        if (role is Role.CLIENT) != (client is not None):
            raise LocalProtocolError("a client link needs its client address, a server link none")
        self.role = role
        self.accepting = accepting
        self.proposed = parameters or LinkParameters()
        self.statistics = LinkStatistics()
        self.reader = FrameReader()
        self._own = server if client is None else client
        self._peer = None if client is None else server
        self._longest_payload = longest_payload
        self._rules = _RULES[role]
        self._output: list[bytes] = []
        self._reset(LinkState.DISCONNECTED)

    def _reset(self, state: LinkState, parameters: LinkParameters | None = None) -> None:
        self._state = state
        self.parameters = parameters or LinkParameters()
        self._next_send = 0  # V(S)
        self._next_receive = 0  # V(R)
        self._outstanding: tuple[bytes, bool] | None = None  # sent, not acknowledged
        self._queue: deque[tuple[bytes, bool]] = deque()  # (information, more of it follows)
        self._reassembly = bytearray()
        self._may_speak = False  # server: polled and not yet answered

    @property
    def state(self) -> LinkState:
        return self._state

    # -- octets out ------------------------------------------------------------------------------

    def octets_to_send(self) -> bytes:
        """Answers the protocol demands (UA, RR, next segment); write them at once. Drains."""
        octets = b"".join(self._output)
        self._output.clear()
        return octets

    def send(self, command: Command) -> bytes:
        """Octets to write now. A server's data out of turn waits for the next poll.

        A server's answer that outlived its connection is dropped and counted: the client is to
        blame.
        """
        if isinstance(command, Data):
            self._send_data(command.payload)
        elif isinstance(command, UnnumberedData):
            self._send_frame(UI, self._llc + command.payload)
        elif self.role is Role.SERVER:
            raise LocalProtocolError(f"a server link cannot {type(command).__name__.lower()}")
        elif isinstance(command, Connect):
            self._reset(LinkState.CONNECTING)
            self._send_frame(SNRM | P_F, self.proposed.to_bytes())
        else:
            if self._state is not LinkState.CONNECTED:
                raise LocalProtocolError(f"cannot disconnect: the link is {self._state.value}")
            self._reset(LinkState.DISCONNECTING)
            self._send_frame(DISC | P_F)
        return self.octets_to_send()

    def acknowledge(self) -> bytes:
        """Server: hand the turn back with RR where a payload gets no answer; b"" if not polled."""
        if self._may_speak:
            self._supervise()
        return self.octets_to_send()

    def retransmit(self) -> bytes:
        """Client, after a time-out or `PeerIdle`: the frame that is still unanswered, or a poll."""
        if self.role is Role.SERVER:
            raise LocalProtocolError("a server speaks only when polled")
        self.reader.clear()  # the rest of a half-received frame will not come
        if self._state is LinkState.CONNECTING:
            self._send_frame(SNRM | P_F, self.proposed.to_bytes())
        elif self._state is LinkState.DISCONNECTING:
            self._send_frame(DISC | P_F)
        elif self._state is LinkState.CONNECTED:
            self._speak()
        else:
            raise LocalProtocolError("nothing to retransmit: the link is disconnected")
        return self.octets_to_send()

    def reset(self) -> None:
        """Forget the connection without a word (port vanished, inactivity time-out)."""
        self._reset(LinkState.DISCONNECTED)
        self._output.clear()
        self.reader.clear()

    @property
    def _llc(self) -> bytes:
        return _LLC_REQUEST if self.role is Role.CLIENT else _LLC_RESPONSE

    def _send_frame(
        self,
        control: int,
        information: bytes = b"",
        segmented: bool = False,
        to: HdlcAddress | None = None,
    ) -> None:
        destination = to or self._peer
        if destination is None:
            raise LocalProtocolError("no client has connected yet")
        frame = HdlcFrame(destination, self._own, control, information, segmented)
        self._output.append(frame.to_bytes())

    def _send_data(self, payload: bytes) -> None:
        if self._state is not LinkState.CONNECTED:
            if self.role is Role.SERVER:
                self.statistics.undelivered += 1
                return
            raise LocalProtocolError(f"cannot send data: the link is {self._state.value}")
        if self.role is Role.CLIENT and (self._queue or self._outstanding):
            raise LocalProtocolError("cannot send data: the last frame is unanswered")
        octets = self._llc + payload
        size = self.parameters.send_octets
        last = len(octets) - size
        for start in range(0, len(octets), size):
            self._queue.append((octets[start : start + size], start < last))
        if self.role is Role.CLIENT or self._may_speak:
            self._speak()

    def _speak(self) -> None:
        """Use the turn: repeat what is unacknowledged, else send the next I frame, else RR."""
        if self._outstanding is None:
            if not self._queue:
                self._supervise()
                return
            self._outstanding = self._queue.popleft()
            self._next_send = self._next_send + 1 & 7
        information, segmented = self._outstanding
        number = self._next_send - 1 & 7
        self._send_frame(
            self._next_receive << 5 | P_F | number << 1, information, segmented=segmented
        )
        self._may_speak = False

    def _supervise(self) -> None:
        self._send_frame(self._next_receive << 5 | P_F | RR)
        self._may_speak = False

    # -- octets in -------------------------------------------------------------------------------

    def receive(self, octets: bytes) -> list[Event]:
        """Take the next octets in any slices; never raises. Write `octets_to_send` afterwards."""
        events: list[Event] = []
        for frame in self.reader.receive(octets):
            self.receive_frame(frame, events)
        return events

    def receive_frame(self, frame: HdlcFrame, events: list[Event]) -> None:
        """Take one frame (where several links share one reader) and append what came of it."""
        kind = frame.kind
        if not frame.destination.reaches(self._own):
            self.statistics.foreign += 1
            return
        if self._peer is None or not frame.source.reaches(self._peer):
            if self.role is Role.CLIENT:
                self.statistics.foreign += 1
                return
            if kind is not FrameKind.SNRM:
                self._answer_stranger(frame, kind, events)
                return
        rule = self._rules.get((self._state, kind))
        if rule is None:
            self.statistics.unexpected += 1
        else:
            rule(self, frame, events)

    def _answer_stranger(self, frame: HdlcFrame, kind: FrameKind, events: list[Event]) -> None:
        if kind is FrameKind.UI:
            self._on_unnumbered(frame, events)
        elif frame.control & P_F and kind in (FrameKind.DISC, FrameKind.I, FrameKind.RR):
            self._send_frame(DM | P_F, to=frame.source)
        else:
            self.statistics.foreign += 1

    def _on_snrm(self, frame: HdlcFrame, events: list[Event]) -> None:
        if not self.accepting:
            self._send_frame(DM | P_F, to=frame.source)
            return
        parameters = negotiated(self.proposed, frame.information)
        if parameters is None:
            self.statistics.malformed_parameters += 1
            return
        self._peer = frame.source
        self._reset(LinkState.CONNECTED, parameters)
        self._send_frame(UA | P_F, parameters.to_bytes())
        events.append(Connected(frame.source, parameters))

    def _on_disc(self, _frame: HdlcFrame, events: list[Event]) -> None:
        self._reset(LinkState.DISCONNECTED)
        self._send_frame(UA | P_F)
        events.append(Disconnected(Ending.CLOSED))

    def _say_disconnected(self, frame: HdlcFrame, _events: list[Event]) -> None:
        if frame.control & P_F:
            self._send_frame(DM | P_F)

    def _on_accepted(self, frame: HdlcFrame, events: list[Event]) -> None:
        parameters = negotiated(self.proposed, frame.information)
        if parameters is None:
            self.statistics.malformed_parameters += 1
            return
        self._reset(LinkState.CONNECTED, parameters)
        events.append(Connected(self._own, parameters))

    def _on_refused(self, _frame: HdlcFrame, events: list[Event]) -> None:
        self._reset(LinkState.DISCONNECTED)
        events.append(Disconnected(Ending.REFUSED))

    def _on_closed(self, _frame: HdlcFrame, events: list[Event]) -> None:
        self._reset(LinkState.DISCONNECTED)
        events.append(Disconnected(Ending.CLOSED))

    def _on_lost(self, _frame: HdlcFrame, events: list[Event]) -> None:
        self._reset(LinkState.DISCONNECTED)
        events.append(Disconnected(Ending.NOT_CONNECTED))

    def _on_frmr(self, frame: HdlcFrame, events: list[Event]) -> None:
        bits = frame.information[2] if len(frame.information) > 2 else 0
        reasons = [text for bit, text in _REJECTIONS if bits & bit]
        self._reset(LinkState.DISCONNECTED)
        events.append(FrameRejected(True, "; ".join(reasons) or "no reason given"))

    def _on_unnumbered(self, frame: HdlcFrame, events: list[Event]) -> None:
        payload = self._without_llc(frame.information)
        if payload is not None:
            events.append(UnnumberedData(payload))

    def _on_unknown(self, frame: HdlcFrame, events: list[Event]) -> None:
        self._reject(frame, 0x01, events)

    def _reject(self, frame: HdlcFrame, reason: int, events: list[Event]) -> None:
        """End the connection over a frame that cannot be mended; a server says so with FRMR."""
        numbers = self._next_receive << 5 | self._next_send << 1
        self._reset(LinkState.DISCONNECTED)
        if self.role is Role.SERVER:
            self._send_frame(FRMR | P_F, bytes((frame.control, numbers, reason)))
        events.append(FrameRejected(False, dict(_REJECTIONS)[reason]))

    def _acknowledged(self, control: int) -> bool:
        """Apply N(R); False if it is neither V(S) nor that of the outstanding frame."""
        number = control >> 5
        if number == self._next_send:
            self._outstanding = None
            return True
        return self._outstanding is not None and number == self._next_send - 1 & 7

    def _on_information(self, frame: HdlcFrame, events: list[Event]) -> None:
        control = frame.control
        number = control >> 1 & 7
        polled = bool(control & P_F)
        if number != self._next_receive:
            if number == self._next_receive - 1 & 7:
                self.statistics.duplicates += 1
            else:
                self.statistics.out_of_sequence += 1
            if self.role is Role.SERVER and polled:
                self._acknowledged(control)
                self._speak()
            return
        if not self._acknowledged(control):
            self._reject(frame, 0x08, events)
            return
        if self._outstanding is not None and self.role is Role.CLIENT:
            self.statistics.out_of_sequence += 1  # an answer to a request it says it has not got
            return
        information = frame.information
        too_long = len(self._reassembly) + len(information) > self._longest_payload
        if len(information) > self.parameters.receive_octets:
            # Meters are known to exceed what they negotiated; a client reads on and counts it.
            self.statistics.oversize += 1
            too_long = too_long or self.role is Role.SERVER
        if too_long:
            self._reject(frame, 0x04, events)
            return
        self._next_receive = self._next_receive + 1 & 7
        if polled:
            self._may_speak = self.role is Role.SERVER
        if frame.segmented:
            self._reassembly += information
            if polled:
                self._supervise()
            return
        if self._reassembly:
            information = bytes(self._reassembly) + information
            self._reassembly.clear()
        payload = self._without_llc(information)
        if payload is not None:
            events.append(Data(payload))
        elif self._may_speak:
            self._supervise()

    def _without_llc(self, information: bytes) -> bytes | None:
        if information[:2] in (b"\xe6\xe6", b"\xe6\xe7") and len(information) >= 3:
            return information[3:]
        self.statistics.bad_llc += 1
        return None

    def _on_supervisory(self, frame: HdlcFrame, events: list[Event]) -> None:
        if not self._acknowledged(frame.control):
            self._reject(frame, 0x08, events)
            return
        if not frame.control & P_F:
            return
        ready = frame.control & 0x0F == RR
        if self.role is Role.SERVER:
            self._may_speak = True
            if ready:
                self._speak()
            else:
                self._supervise()
            return
        if ready and self._outstanding is None and self._queue:
            self._speak()
        else:
            events.append(PeerIdle())


_Rule = Callable[[HdlcLink, HdlcFrame, list[Event]], None]
_RULES: dict[Role, dict[tuple[LinkState, FrameKind], _Rule]] = {
    Role.SERVER: {
        (LinkState.DISCONNECTED, FrameKind.SNRM): HdlcLink._on_snrm,
        (LinkState.DISCONNECTED, FrameKind.DISC): HdlcLink._say_disconnected,
        (LinkState.DISCONNECTED, FrameKind.I): HdlcLink._say_disconnected,
        (LinkState.DISCONNECTED, FrameKind.RR): HdlcLink._say_disconnected,
        (LinkState.DISCONNECTED, FrameKind.RNR): HdlcLink._say_disconnected,
        (LinkState.DISCONNECTED, FrameKind.UI): HdlcLink._on_unnumbered,
        (LinkState.CONNECTED, FrameKind.SNRM): HdlcLink._on_snrm,
        (LinkState.CONNECTED, FrameKind.DISC): HdlcLink._on_disc,
        (LinkState.CONNECTED, FrameKind.I): HdlcLink._on_information,
        (LinkState.CONNECTED, FrameKind.RR): HdlcLink._on_supervisory,
        (LinkState.CONNECTED, FrameKind.RNR): HdlcLink._on_supervisory,
        (LinkState.CONNECTED, FrameKind.UI): HdlcLink._on_unnumbered,
        (LinkState.CONNECTED, FrameKind.UNKNOWN): HdlcLink._on_unknown,
    },
    Role.CLIENT: {
        (LinkState.CONNECTING, FrameKind.UA): HdlcLink._on_accepted,
        (LinkState.CONNECTING, FrameKind.DM): HdlcLink._on_refused,
        (LinkState.CONNECTED, FrameKind.I): HdlcLink._on_information,
        (LinkState.CONNECTED, FrameKind.RR): HdlcLink._on_supervisory,
        (LinkState.CONNECTED, FrameKind.RNR): HdlcLink._on_supervisory,
        (LinkState.CONNECTED, FrameKind.UI): HdlcLink._on_unnumbered,
        (LinkState.CONNECTED, FrameKind.DM): HdlcLink._on_lost,
        (LinkState.CONNECTED, FrameKind.FRMR): HdlcLink._on_frmr,
        (LinkState.DISCONNECTED, FrameKind.UI): HdlcLink._on_unnumbered,
        (LinkState.DISCONNECTING, FrameKind.UA): HdlcLink._on_closed,
        (LinkState.DISCONNECTING, FrameKind.DM): HdlcLink._on_closed,
    },
}
