"""Whether an HDLC server address answers a client, and how to take leave of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bench.units import Micros
from drivers.codecs.hdlc import DISC, P_F, SNRM, FrameKind, FrameReader, HdlcAddress, HdlcFrame
from drivers.codecs.hdlc_parameters import LONGEST_INFORMATION, LinkParameters, negotiated
from drivers.identification.asking import CountedTransport, Question

PUBLIC_CLIENT: Final = 16
"""The public client of DLMS/COSEM: no authentication, reads what everybody may read."""

USUAL_SERVERS: Final = (
    HdlcAddress(1),
    HdlcAddress(1, 17),
    HdlcAddress(1, 16),
    HdlcAddress(1, 1),
    HdlcAddress(1, 127),  # any physical device
    HdlcAddress(1, 17, 4),
    HdlcAddress(1, 0x3FFF, 4),  # any physical device, four octets
)
_WIDEST: Final = LinkParameters(LONGEST_INFORMATION, LONGEST_INFORMATION)


@dataclass(frozen=True, slots=True)
class Answerer:
    """`server`: the address it answered from. `accepts`: UA, and a connection stands; else DM."""

    server: HdlcAddress
    accepts: bool
    information: int


def who_answers(question: Question, server: HdlcAddress, client: HdlcAddress) -> Answerer | None:
    """Asks for a connection (SNRM). None: no answer, or none that can be understood."""
    reader = FrameReader()
    snrm = HdlcFrame(server, client, SNRM | P_F, _WIDEST.to_bytes())

    def decide(data: bytes) -> Answerer | None:
        for frame in reader.receive(data):
            if frame.kind in (FrameKind.UA, FrameKind.DM) and frame.destination == client:
                agreed = negotiated(_WIDEST, frame.information)
                octets = min(agreed.send_octets, agreed.receive_octets) if agreed else 128
                return Answerer(frame.source, frame.kind is FrameKind.UA, octets)
        return None

    return question.ask(snrm.to_bytes(), decide)


def other_frame(heard: bytes, client: HdlcAddress) -> str:
    """A sound frame that is no answer to SNRM, in words; our own, come back as an echo, is none."""
    for frame in FrameReader().receive(heard):
        if frame.source != client:
            return f"an HDLC frame ({frame.kind.value}) of {address_text(frame.source)}, and no UA"
    return ""


def hang_up(
    transport: CountedTransport, server: HdlcAddress, client: HdlcAddress, wait: Micros
) -> None:
    """DISC, whatever state the connection is in; a meter without one takes no harm of it."""
    transport.farewell(HdlcFrame(server, client, DISC | P_F).to_bytes(), wait)


def address_text(server: HdlcAddress) -> str:
    """`1/17`, with its octets where they are not the shortest: `1/17 (4 octets)`."""
    text = str(server.upper) if server.lower is None else f"{server.upper}/{server.lower}"
    shortest = HdlcAddress(server.upper, server.lower).size == server.size
    return text if shortest else f"{text} ({server.size} octets)"
