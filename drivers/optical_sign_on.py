"""The sign-on at an optical port: from IEC 62056-21 at 300 baud to HDLC (mode E)."""

from __future__ import annotations

from typing import Final

from bench.units import MILLISECOND, Micros
from drivers.codecs.iec62056_21 import Event, Reader, State
from drivers.codecs.iec62056_21_messages import (
    Identification,
    Kind,
    OptionSelect,
    SignOn,
)
from drivers.profiles.dlms import SignOnProfile
from drivers.transport.line import LineSettings, Parity
from drivers.transport.pipe import Transport, quiet

_BETWEEN: Final = 200 * MILLISECOND
"""Silence before a sign-on: a meter takes what follows at once for the rest of something else."""


class SignOnFailed(Exception):
    """No HDLC. `heard`: something came, but not what belongs there."""

    def __init__(self, detail: str, *, heard: bool) -> None:
        self.heard = heard
        super().__init__(detail)


def sign_on(
    transport: Transport, profile: SignOnProfile, rest: LineSettings, deadline: Micros
) -> Identification:
    """Leaves the meter and `transport` in HDLC, with `rest`'s characters at the agreed rate.

    Raises `SignOnFailed`, after which the meter is back at 300 baud by itself.
    """
    clock = transport.clock
    transport.set_line(_sign_on_line(300, rest))
    quiet(transport, _BETWEEN, min(deadline, clock.now() + 5 * _BETWEEN))
    reader = Reader()
    transport.write(reader.send(SignOn(profile.address)))
    identification = _awaited(transport, reader, deadline, Identification)
    if not isinstance(identification, Identification):
        raise SignOnFailed("no identification", heard=identification is not None)
    if not identification.offers_hdlc:
        raise SignOnFailed(f"meter {identification.text} does not offer HDLC", heard=True)
    transport.write(reader.send(OptionSelect(Kind.OPTION_HDLC, profile.baud_code)))
    transport.set_line(_sign_on_line(profile.baud, rest))
    confirmed = _awaited(transport, reader, deadline, OptionSelect)
    if reader.state is not State.HDLC:
        raise SignOnFailed("HDLC is not confirmed", heard=confirmed is not None)
    transport.set_line(
        LineSettings(profile.baud, rest.data_bits, rest.parity, rest.stop_bits, rest.dtr, rest.rts)
    )
    return identification


def _awaited(transport: Transport, reader: Reader, deadline: Micros, wanted: type) -> Event | None:
    """The wanted message, or the last of what came instead; None: nothing came."""
    last: Event | None = None
    while data := transport.read(deadline):
        for event in reader.receive(data):
            last = event
            if isinstance(event, wanted):
                return event
    return last


def _sign_on_line(baud: int, rest: LineSettings) -> LineSettings:
    return LineSettings(baud, 7, Parity.EVEN, 1, rest.dtr, rest.rts)
