"""HDLC frame format type 3 (IEC 62056-46, 6.4): frames, addresses, check sequences.

    7E | 1010 S LLL  LLLL LLLL | destination | source | control | HCS | information | FCS | 7E

The 11-bit length counts everything between the flags, so there is no octet stuffing: 7E may occur
inside. A frame without information carries no HCS. One flag may close a frame and open the next.
"""

from __future__ import annotations

from binascii import crc_hqx
from dataclasses import dataclass, field
from enum import Enum

from drivers.codecs.errors import LocalProtocolError, RemoteProtocolError

FLAG = 0x7E
LONGEST_FRAME = 0x7FF
"""Octets between the flags at most (11-bit length field)."""
_SHORTEST_FRAME = 7  # format 2, two one-octet addresses, control, FCS
_REVERSED = bytes(int(f"{octet:08b}"[::-1], 2) for octet in range(256))
_FCS_RESIDUE = 0x1D0F


def frame_check_sequence(octets: bytes) -> bytes:
    """CRC-16/X.25 as sent, low octet first. `crc_hqx` shifts the other way: mirror the bits."""
    crc = crc_hqx(octets.translate(_REVERSED), 0xFFFF)
    return bytes((_REVERSED[crc >> 8] ^ 0xFF, _REVERSED[crc & 0xFF] ^ 0xFF))


def check_sequence_holds(octets: bytes) -> bool:
    """True if the last two octets are the check sequence of those before."""
    return crc_hqx(octets.translate(_REVERSED), 0xFFFF) == _FCS_RESIDUE


@dataclass(frozen=True, slots=True)
class HdlcAddress:
    """An HDLC address: `upper` names the logical device or client, `lower` the physical device.

    `size` is the form on the wire: 1 (upper only), 2 (7 bits each) or 4 octets (14 bits each); 0
    takes the shortest that fits. `wire` is that form.
    """

    upper: int
    lower: int | None = None
    size: int = 0
    wire: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        size = self.size
        if size == 0:
            small = self.upper < 0x80 and (self.lower or 0) < 0x80
            size = 4 if not small else 1 if self.lower is None else 2
            object.__setattr__(self, "size", size)
        limit = {1: 0x7F, 2: 0x7F, 4: 0x3FFF}.get(size)
        if limit is None or (self.lower is None) != (size == 1):
            raise LocalProtocolError(
                f"HDLC address: {size} octets do not fit {self.upper}/{self.lower}"
            )
        if not 0 <= self.upper <= limit or not 0 <= (self.lower or 0) <= limit:
            raise LocalProtocolError(
                f"HDLC address: expected 0-{limit}, got {self.upper}/{self.lower}"
            )

        object.__setattr__(self, "wire", self._encoded())

    def _encoded(self) -> bytes:
        upper, lower = self.upper, self.lower or 0
        if self.size == 1:
            return bytes((upper << 1 | 1,))
        if self.size == 2:
            return bytes((upper << 1, lower << 1 | 1))
        return bytes(
            (upper >> 6 & 0xFE, upper << 1 & 0xFE, lower >> 6 & 0xFE, lower << 1 & 0xFE | 1)
        )

    def reaches(self, device: HdlcAddress) -> bool:
        """True if a frame to this address is for `device`; no lower address matches any."""
        if self.upper != device.upper:
            return False
        return self.lower is None or device.lower is None or self.lower == device.lower


_known_addresses: dict[bytes, HdlcAddress] = {}
_KNOWN_ADDRESSES_LIMIT = 512


def _address_at(octets: bytes, start: int) -> tuple[HdlcAddress, int]:
    """The address at `start` and the position behind it. IndexError if the octets end first."""
    end = start + 1
    while not octets[end - 1] & 1:
        end += 1
        if end - start > 4:
            raise RemoteProtocolError("HDLC address: expected 1, 2 or 4 octets, got more")
    wire = octets[start:end]
    address = _known_addresses.get(wire)
    if address is None:
        if len(wire) == 1:
            address = HdlcAddress(wire[0] >> 1)
        elif len(wire) == 2:
            address = HdlcAddress(wire[0] >> 1, wire[1] >> 1, 2)
        elif len(wire) == 4:
            address = HdlcAddress(
                wire[0] >> 1 << 7 | wire[1] >> 1, wire[2] >> 1 << 7 | wire[3] >> 1, 4
            )
        else:
            raise RemoteProtocolError("HDLC address: expected 1, 2 or 4 octets, got 3")
        if len(_known_addresses) < _KNOWN_ADDRESSES_LIMIT:
            _known_addresses[wire] = address
    return address, end


P_F = 0x10
SNRM, DISC, UA, DM, FRMR, UI = 0x83, 0x43, 0x63, 0x0F, 0x87, 0x03
RR, RNR = 0x01, 0x05


class FrameKind(Enum):
    SNRM = "SNRM"
    DISC = "DISC"
    UA = "UA"
    DM = "DM"
    FRMR = "FRMR"
    UI = "UI"
    I = "I"  # noqa: E741 - the frame's name in the standard
    RR = "RR"
    RNR = "RNR"
    UNKNOWN = "unknown"


def _kind_of(control: int) -> FrameKind:
    if not control & 1:
        return FrameKind.I
    if control & 0x0F == RR:
        return FrameKind.RR
    if control & 0x0F == RNR:
        return FrameKind.RNR
    return _UNNUMBERED.get(control & ~P_F, FrameKind.UNKNOWN)


_UNNUMBERED = {
    SNRM: FrameKind.SNRM,
    DISC: FrameKind.DISC,
    UA: FrameKind.UA,
    DM: FrameKind.DM,
    FRMR: FrameKind.FRMR,
    UI: FrameKind.UI,
}
_KINDS = tuple(_kind_of(control) for control in range(256))


@dataclass(frozen=True, slots=True)
class HdlcFrame:
    """One frame. `control` is the raw control octet, P/F bit (0x10) included."""

    destination: HdlcAddress
    source: HdlcAddress
    control: int
    information: bytes = field(default=b"", repr=False)  # may carry a password
    segmented: bool = False

    @property
    def kind(self) -> FrameKind:
        return _KINDS[self.control]

    def to_bytes(self) -> bytes:
        """The frame with both flags."""
        destination, source = self.destination.wire, self.source.wire
        information = self.information
        length = 5 + len(destination) + len(source) + (len(information) + 2 if information else 0)
        if length > LONGEST_FRAME:
            raise LocalProtocolError(
                f"HDLC frame: expected at most {LONGEST_FRAME} octets, got {length}"
            )
        format_octet = (0xA8 if self.segmented else 0xA0) | length >> 8
        head = b"%c%c%b%b%c" % (format_octet, length & 0xFF, destination, source, self.control)
        if information:
            head = head + frame_check_sequence(head) + information
        return b"\x7e" + head + frame_check_sequence(head) + b"\x7e"


@dataclass(slots=True)
class FrameStatistics:
    """What a `FrameReader` met since it was made. Noise shows here and nowhere else."""

    frames: int = 0
    bad_format: int = 0
    bad_hcs: int = 0
    bad_fcs: int = 0
    octets_discarded: int = 0


class FrameReader:
    """Finds the frames in a stream of octets, in whatever slices it arrives.

    Invariants: `receive` never raises and never keeps more than one frame's length of octets. A
    frame with a wrong check sequence is dropped and counted, and the search goes on at the next
    flag after the one that opened it, so a damaged length cannot swallow the frame behind it. The
    HCS is checked as soon as the header is there, so noise that looks like a header does not hold
    back a real frame.
    """

    def __init__(self) -> None:
        self.statistics = FrameStatistics()
        self._buffer = bytearray()

    @property
    def pending(self) -> int:
        """Octets kept for a frame not yet complete."""
        return len(self._buffer)

    def clear(self) -> None:
        """Forget an incomplete frame (after a time-out the rest of it will never come)."""
        self.statistics.octets_discarded += len(self._buffer)
        self._buffer.clear()

    def receive(self, octets: bytes) -> list[HdlcFrame]:
        """Take the next slice; return the frames it completes."""
        self._buffer += octets
        held = bytes(self._buffer)
        frames: list[HdlcFrame] = []
        start = 0  # where the search for an opening flag begins
        size = len(held)
        statistics = self.statistics
        while True:
            flag = held.find(FLAG, start)
            if flag < 0:
                statistics.octets_discarded += size - start
                start = size
                break
            statistics.octets_discarded += flag - start
            start = flag
            if size - flag > 1 and held[flag + 1] == FLAG:
                start = flag + 1  # fill between frames, or one flag closes and another opens
                continue
            if size - flag < 3:
                break
            verdict = self._frame_at(held, flag + 1, size)
            if verdict is None:
                break
            frame, start = verdict
            if frame is not None:
                frames.append(frame)
        del self._buffer[:start]
        return frames

    def _frame_at(self, held: bytes, start: int, size: int) -> tuple[HdlcFrame | None, int] | None:
        """The frame with its format octet at `start`, and where to go on; None: wait."""
        statistics = self.statistics
        kind = held[start]
        length = (kind & 0x07) << 8 | held[start + 1]
        if kind & 0xF0 != 0xA0 or length < _SHORTEST_FRAME:
            statistics.bad_format += 1
            statistics.octets_discarded += 1
            return None, start
        end = start + length
        try:
            destination, position = _address_at(held, start + 2)
            source, position = _address_at(held, position)
            control = held[position]
        except IndexError:
            return None  # the header is not complete, and cannot be longer than the frame by much
        except RemoteProtocolError:
            statistics.bad_format += 1
            statistics.octets_discarded += 1
            return None, start
        position += 1
        information_at = position + 2
        has_information = end - position > 2
        if end - position < 2 or end - position == 3 or end - position == 4:
            statistics.bad_format += 1
            statistics.octets_discarded += 1
            return None, start
        if size < information_at:
            return None
        if has_information and not check_sequence_holds(held[start:information_at]):
            statistics.bad_hcs += 1
            statistics.octets_discarded += 1
            return None, start
        if size <= end:
            return None
        if held[end] != FLAG or not check_sequence_holds(held[start:end]):
            statistics.bad_fcs += 1
            statistics.octets_discarded += 1
            return None, start
        statistics.frames += 1
        information = held[information_at : end - 2] if has_information else b""
        return HdlcFrame(destination, source, control, information, bool(kind & 0x08)), end
