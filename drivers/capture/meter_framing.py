"""A meter's port: HDLC frames with DLMS in them, and IEC 62056-21 messages before them."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from drivers.capture.apdu_text import read_apdu
from drivers.capture.framing import Found, Recognised, parted
from drivers.capture.messages import Decoded
from drivers.capture.records import Direction
from drivers.capture.tape import Tape, fit, hex_text, plain_text
from drivers.codecs.hdlc import (
    FLAG,
    FrameKind,
    FrameReader,
    HdlcAddress,
    HdlcFrame,
    check_sequence_holds,
    frame_check_sequence,
)
from drivers.codecs.iec62056_21_messages import (
    ACK,
    EOT,
    ETX,
    NAK,
    SOH,
    STX,
    Ack,
    Command,
    Corrupt,
    Data,
    Identification,
    Message,
    Nak,
    OptionSelect,
    SignOn,
    block_check,
    block_message,
    line_message,
)

_SHORTEST_FRAME: Final = 7
_LONGEST_BLOCK: Final = 65_536
_LONGEST_LINE: Final = 64
_LLC: Final = {Direction.OUT: b"\xe6\xe6\x00", Direction.IN: b"\xe6\xe7\x00"}
_LONGEST_APDU: Final = 1_048_576
_PRINTED: Final = frozenset(range(0x20, 0x7F)) | frozenset((STX, 0x0A, 0x0D))
_FLAG: Final = bytes((FLAG,))
_BLOCK_ENDS: Final = tuple(bytes((octet | parity,)) for octet in (ETX, EOT) for parity in (0, 0x80))


class MeterFramer:
    """One side of a meter's port. After the first sound HDLC frame only HDLC is looked for, since
    its content may be anything; `line_changed` ends that.
    """

    def __init__(self, direction: Direction, *, hdlc: bool = True) -> None:
        self.sound = 0
        self._llc = _LLC[direction]
        self._hdlc = hdlc
        self._only_hdlc = False
        self._apdu = Tape()  # segments of an APDU that goes on in the next frame
        self._block_end = -1  # where the block that is looked for would end

    def line_changed(self) -> None:
        """New settings, or a new opening: the sign-on may come again."""
        self._only_hdlc = False
        self._apdu = Tape()

    def part(self, tape: Tape) -> list[Found]:
        self._block_end = -1
        return parted(tape, self._message_at, "octets")

    def _message_at(self, tape: Tape, place: int) -> Recognised | None:
        octet = tape.octets[place]
        if octet == FLAG and self._hdlc:
            return self._frame_at(tape, place)
        if self._only_hdlc:
            return None
        octet &= 0x7F
        if octet in (SOH, STX):
            return self._block_at(tape, place)
        if octet == ord("/"):
            return self._line_at(tape, place)
        if octet == ACK:
            following = tape.octets[place + 1 : place + 2]
            option = bool(following) and chr(following[0] & 0x7F).isdigit()
            return self._line_at(tape, place) if option else (1, self._said(Ack()))
        return (1, self._said(Nak())) if octet == NAK else None

    # -- HDLC ------------------------------------------------------------------------------------

    def _frame_at(self, tape: Tape, place: int) -> Recognised | None:
        octets = tape.octets
        if len(octets) < place + 3:
            return None
        kind = octets[place + 1]
        length = (kind & 0x07) << 8 | octets[place + 2]
        end = place + length + 2
        if kind & 0xF0 != 0xA0 or length < _SHORTEST_FRAME or octets[end - 1 : end] != _FLAG:
            return None
        whole = tape.cut(place, end)
        frame = _understood(whole)
        if frame is None:
            return None
        # A check sequence cannot be checked where octets are hidden.
        sound = whole.hides or check_sequence_holds(whole.octets[1:-1])
        if sound:
            self.sound += 1
            self._only_hdlc = True
        decoded = self._frame_meaning(frame, whole, sound)
        # One flag may close a frame and open the next.
        shares = octets[end : end + 1] != b"" and octets[end] & 0xF0 == 0xA0
        return end - place - shares, decoded if sound else replace(decoded, trouble="FCS wrong")

    def _frame_meaning(self, frame: HdlcFrame, tape: Tape, sound: bool) -> Decoded:
        where = f"{_address(frame.source)} to {_address(frame.destination)}"
        control = frame.control
        numbers = ""
        if frame.kind is FrameKind.I:
            numbers = f" N(S) {control >> 1 & 7} N(R) {control >> 5}"
        elif frame.kind in (FrameKind.RR, FrameKind.RNR):
            numbers = f" N(R) {control >> 5}"
        head = f"{frame.kind.value}{numbers} {where}"
        size = len(frame.information)
        if frame.kind is not FrameKind.I or not size:
            said = f", {size} octets of parameters" if size else ""
            return Decoded("hdlc", frame.kind.value, head + said)
        information = tape.cut(-3 - size, -3)
        if not sound:
            return Decoded("hdlc", "I", f"{head}: {hex_text(information.segments)}")
        whole = self._apdu + information
        if frame.segmented:
            self._apdu = whole if len(whole) <= _LONGEST_APDU else Tape()
            return Decoded("hdlc", "I segment", f"{head}: segment of {size} octets")
        self._apdu = Tape()
        if not whole.octets.startswith(self._llc):
            return Decoded("hdlc", "I", f"{head}: no LLC header: {hex_text(whole.segments)}")
        apdu = read_apdu(whole.cut(len(self._llc)))
        reason = f" ({apdu.trouble})" if apdu.trouble else ""
        return Decoded("hdlc", f"I {apdu.kind}", f"{head}: {apdu.meaning}{reason}")

    # -- IEC 62056-21 ----------------------------------------------------------------------------

    def _block_at(self, tape: Tape, place: int) -> Recognised | None:
        if self._block_end <= place:
            ends = (tape.octets.find(octet, place + 1) for octet in _BLOCK_ENDS)
            self._block_end = min((end for end in ends if end >= 0), default=len(tape))
        end = self._block_end + 2
        if end > len(tape) or end - place > _LONGEST_BLOCK:
            return None
        whole = tape.cut(place, end)
        plain = _seven_bits(whole)
        message = block_message(plain)
        if isinstance(message, Corrupt) and whole.hides:
            # The check character cannot be checked where octets are hidden.
            message = block_message(plain[:-1] + bytes((block_check(plain[1:-1]),)))
        if isinstance(message, Corrupt):
            if not _PRINTED.issuperset(plain[1:-2]):
                return None  # anything may hold these two octets; a block holds text
            shown = plain_text(whole.cut(1, -2).segments)
            return len(whole), Decoded("iec62056-21", "damaged", shown, fit(message.detail))
        return len(whole), self._said(message, whole)

    def _line_at(self, tape: Tape, place: int) -> Recognised | None:
        end = tape.octets.find(b"\n", place, place + _LONGEST_LINE) + 1
        if end == 0:
            return None
        whole = tape.cut(place, end)
        message = line_message(_seven_bits(whole))
        return None if isinstance(message, Corrupt) else (len(whole), self._said(message, whole))

    def _said(self, message: Message, tape: Tape | None = None) -> Decoded:
        strong = not isinstance(message, Ack | Nak)
        self.sound += strong
        match message:
            case SignOn():
                kind, text = "sign-on", f"to {message.address or 'any meter'}"
            case Identification():
                rate = message.baud or 300
                hdlc = ", offers HDLC" if message.offers_hdlc else ""
                kind = "identification"
                text = f"{message.manufacturer} {message.text}, {rate} baud{hdlc}"
            case OptionSelect():
                kind = message.kind.name.lower().replace("_", "-")
                text = f"baud code {message.baud_code}"
            case Command():
                assert tape is not None
                kind = f"command {message.name}"
                text = plain_text(tape.cut(4, -2).segments) if message.data else ""
            case Data():
                assert tape is not None
                kind = "data" if not message.partial else "data, more follows"
                text = plain_text(tape.cut(1, -2).segments)
            case Ack():
                kind, text = "ACK", ""
            case Nak():
                kind, text = "NAK", ""
        return Decoded("iec62056-21", kind, f"{kind}{': ' if text else ''}{text}")


def _seven_bits(tape: Tape) -> bytes:
    """IEC 62056-21 is 7-bit; a port set to 8 bits shows the parity bit."""
    return bytes(octet & 0x7F for octet in tape.octets)


def _understood(tape: Tape) -> HdlcFrame | None:
    """The frame as if its check sequences held; None: its header cannot be read.

    They cannot be checked where octets are hidden, and a frame that is damaged is still shown.
    """
    frames = FrameReader().receive(tape.octets)
    if frames:
        return frames[0]
    octets = tape.octets
    header = _header_size(octets)
    if header is None:
        return None
    content = octets[header + 2 : -3]
    head = octets[1:header]
    body = head + frame_check_sequence(head) + content if content else head
    frames = FrameReader().receive(b"\x7e" + body + frame_check_sequence(body) + b"\x7e")
    return frames[0] if frames else None


def _header_size(octets: bytes) -> int | None:
    """Where the control octet ends, by the addresses' last-octet bits."""
    place = 3
    for _ in range(2):
        for size in range(1, 5):
            if place + size > len(octets) - 4:
                return None
            if octets[place + size - 1] & 1:
                place += size
                break
        else:
            return None
    return place + 1


def _address(address: HdlcAddress) -> str:
    return str(address.upper) if address.lower is None else f"{address.upper}/{address.lower}"
