"""What a UART is set to, and what it hears when the other side is set differently."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from bench.units import SECOND, Micros

_FORM: Final = re.compile(r"(\d{2,7}) ([78])([NEO])([12])", re.ASCII)


class Parity(StrEnum):
    NONE = "N"
    EVEN = "E"
    ODD = "O"


@dataclass(frozen=True, slots=True)
class LineSettings:
    """Baud rate and character format, written `9600 8N1`.

    `dtr` and `rts` are the levels set before the port is opened: optical heads and RS-485 adapters
    draw their power or their direction from them. They are not part of the written form.
    """

    baud: int = 9600
    data_bits: int = 8
    parity: Parity = Parity.NONE
    stop_bits: int = 1
    dtr: bool = True
    rts: bool = True

    def __post_init__(self) -> None:
        if not 50 <= self.baud <= 4_000_000:
            raise ValueError(f"baud rate: expected 50 to 4000000, got {self.baud}")
        if self.data_bits not in (7, 8):
            raise ValueError(f"data bits: expected 7 or 8, got {self.data_bits}")
        if self.stop_bits not in (1, 2):
            raise ValueError(f"stop bits: expected 1 or 2, got {self.stop_bits}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """`300 7E1`. ValueError says what is expected."""
        match = _FORM.fullmatch(text)
        if match is None:
            raise ValueError(f"line settings such as 9600 8N1 or 300 7E1, got {text!r}")
        return cls(int(match[1]), int(match[2]), Parity(match[3]), int(match[4]))

    def __str__(self) -> str:
        return f"{self.baud} {self.data_bits}{self.parity}{self.stop_bits}"

    @property
    def bits_per_character(self) -> int:
        """On the wire, start bit included."""
        return 1 + self.data_bits + (self.parity is not Parity.NONE) + self.stop_bits

    def span(self, characters: int) -> Micros:
        """How long that many characters take, back to back, rounded up."""
        return -(-characters * self.bits_per_character * SECOND // self.baud)

    def understands(self, sender: LineSettings) -> bool:
        """True if what `sender` sends arrives as it was sent. A second stop bit does no harm."""
        return (self.baud, self.data_bits, self.parity) == (
            sender.baud,
            sender.data_bits,
            sender.parity,
        )


def as_heard(data: bytes, sent: LineSettings, by: LineSettings, *, checking: bool) -> bytes:
    """What a UART set to `by` makes of `data` sent back to back with `sent`.

    Bits are sampled in their middle, as a UART does, so a rate a few percent off still works and a
    wrong one gives garbage or nothing. `checking` drops characters with a parity or framing error,
    as a meter does; a port under Linux without INPCK hands them over.
    """
    if by.understands(sent):
        return data if sent.data_bits == 8 else bytes(octet & 0x7F for octet in data)
    wave = _wave(data, sent)
    heard = bytearray()
    edge = wave.find(b"\x01\x00")
    while edge >= 0:
        start = edge + 1  # the first tick of the start bit, in the sender's bits
        taken = by.bits_per_character - by.stop_bits + 1
        at = [start + (2 * bit + 1) * sent.baud // (2 * by.baud) for bit in range(taken)]
        bits = [wave[tick] if tick < len(wave) else 1 for tick in at]
        value = sum(bit << place for place, bit in enumerate(bits[1 : 1 + by.data_bits]))
        parity_holds = by.parity is Parity.NONE or bits[1 + by.data_bits] == _parity_bit(
            value, by.parity
        )
        false_start = bits[0] == 1
        if not false_start and (not checking or (parity_holds and bits[-1] == 1)):
            heard.append(value)
        # The next start bit is the next falling edge after the last sample taken.
        edge = wave.find(b"\x01\x00", max(at[0] if false_start else at[-1], start))
    return bytes(heard)


def _wave(data: bytes, sent: LineSettings) -> bytes:
    """The line, one octet per bit time: 1 is idle. Begins and ends idle."""
    wave = bytearray(b"\x01")
    for octet in data:
        wave.append(0)
        value = octet & (1 << sent.data_bits) - 1
        wave.extend(value >> place & 1 for place in range(sent.data_bits))
        if sent.parity is not Parity.NONE:
            wave.append(_parity_bit(value, sent.parity))
        wave.extend(b"\x01" * sent.stop_bits)
    wave.append(1)
    return bytes(wave)


def _parity_bit(value: int, parity: Parity) -> int:
    odd = value.bit_count() & 1
    return odd if parity is Parity.EVEN else 1 - odd
