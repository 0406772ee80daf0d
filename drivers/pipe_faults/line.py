"""Faults of the line: what becomes of the octets of one request or answer."""

from __future__ import annotations

from typing import Final, cast

from bench.units import MILLISECOND
from drivers.pipe_faults.registry import (
    Option,
    Piece,
    Sending,
    Strike,
    answer_fault,
    request_fault,
)
from drivers.pipe_faults.speech import Checked, WireProtocol

_CHECKED: Final = frozenset({WireProtocol.DLMS, WireProtocol.MODBUS})
_PAUSE: Final = 100 * MILLISECOND


@request_fault()
def request_lost(strike: Strike) -> Sending:
    """The request does not reach the device."""
    return Sending(b"")


@request_fault()
def echoed(strike: Strike) -> Sending:
    """The request comes back before its answer, as on a two-wire line or an optical head."""
    heard_at = strike.line.span(len(strike.request))
    return Sending(strike.request, (Piece(heard_at, strike.request),))


@answer_fault()
def no_reply(strike: Strike, answer: bytes) -> list[Piece] | None:
    """The device has the request; nothing of its answer arrives."""
    return []


@answer_fault(Option.LASTS, needs_lasts=True)
def reply_late(strike: Strike, answer: bytes) -> list[Piece] | None:
    """The answer arrives whole, later by `lasts`: before the time-out, after it, or after the next
    request.
    """
    return [Piece(strike.lasts or 0, answer)]


@answer_fault()
def truncated(strike: Strike, answer: bytes) -> list[Piece] | None:
    """The answer is cut off at a random octet."""
    return [Piece(0, answer[: strike.rng.randrange(1, len(answer))])] if len(answer) > 1 else None


@answer_fault(Option.LASTS)
def split_with_pauses(strike: Strike, answer: bytes) -> list[Piece] | None:
    """The answer arrives in up to six pieces with a pause of `lasts` (100 ms) between them."""
    if len(answer) < 2:
        return None
    most = min(5, len(answer) - 1)
    cuts = sorted(strike.rng.sample(range(1, len(answer)), strike.rng.randint(1, most)))
    pause = strike.lasts or _PAUSE
    bounds = zip([0, *cuts], [*cuts, len(answer)], strict=True)
    return [Piece(number * pause, answer[a:b]) for number, (a, b) in enumerate(bounds)]


@answer_fault()
def octets_lost(strike: Strike, answer: bytes) -> list[Piece] | None:
    """One octet of the answer or up to a tenth of them are lost, as when a UART overruns."""
    lost = set(
        strike.rng.sample(range(len(answer)), strike.rng.randint(1, max(1, len(answer) // 10)))
    )
    return [Piece(0, bytes(o for place, o in enumerate(answer) if place not in lost))]


@answer_fault()
def bits_flipped(strike: Strike, answer: bytes) -> list[Piece] | None:
    """One to three bits of one octet of the answer are flipped; a checksum no longer fits."""
    damaged = bytearray(answer)
    place = strike.rng.randrange(len(answer))
    # The highest bit is left: a line of 7 data bits does not carry it.
    for bit in strike.rng.sample(range(7), strike.rng.randint(1, 3)):
        damaged[place] ^= 1 << bit
    return [Piece(0, bytes(damaged))]


@answer_fault(protocols=_CHECKED)
def bits_flipped_checksum_right(strike: Strike, answer: bytes) -> list[Piece] | None:
    """A bit of the answer's content is flipped and its checksums (HCS and FCS, CRC, BCC) are made
    right again; only what authenticates the content can tell.
    """
    altered = cast("Checked", strike.speech).altered(answer, strike.rng)
    return None if altered is None else [Piece(0, altered)]


@answer_fault()
def noise_inserted(strike: Strike, answer: bytes) -> list[Piece] | None:
    """One to eight random octets come before, inside or after the answer."""
    place = strike.rng.randint(0, len(answer))
    noise = strike.rng.randbytes(strike.rng.randint(1, 8))
    return [Piece(0, answer[:place] + noise + answer[place:])]


@answer_fault()
def duplicated(strike: Strike, answer: bytes) -> list[Piece] | None:
    """The answer arrives twice."""
    return [Piece(0, answer + answer)]


@answer_fault(protocols=_CHECKED)
def another_devices_reply(strike: Strike, answer: bytes) -> list[Piece] | None:
    """The answer arrives as from another device on the line: the address is another's, the
    checksums are right.
    """
    anothers = cast("Checked", strike.speech).from_another(answer)
    return None if anothers is None else [Piece(0, anothers)]
