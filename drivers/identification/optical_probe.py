"""The sign-on of an optical port (IEC 62056-21), as far as it is read-only.

A changed rate and HDLC are taken only where the meter offers them; else its readout is taken.
Programming mode is never entered and no password is ever sent.
"""

from __future__ import annotations

from typing import Final, TypeVar

from bench.units import MILLISECOND, SECOND, Micros
from drivers.codecs.errors import RemoteProtocolError
from drivers.codecs.iec62056_21 import Reader, State
from drivers.codecs.iec62056_21_messages import (
    Data,
    DataSet,
    Identification,
    Kind,
    OptionSelect,
    SignOn,
    data_sets,
)
from drivers.identification.asking import Question
from drivers.identification.findings import SignedOn
from drivers.transport.line import LineSettings, Parity

E = TypeVar("E")

_REACTION: Final = 200 * MILLISECOND
"""What a meter may need from the end of its message to the start of ours."""
_READOUT_AT_MOST: Final[Micros] = 60 * SECOND
_HDLC_CODES: Final = "0123456"


def sign_on(question: Question) -> tuple[Reader, Identification] | None:
    """Asks whoever is there to say its name, on the line as it is set."""
    reader = Reader()
    said = question.ask(reader.send(SignOn()), lambda data: _first(reader, data, Identification))
    return None if said is None else (reader, said)


def go_on(question: Question, reader: Reader, identification: Identification) -> SignedOn:
    """From the identification to HDLC, to a readout, or to nothing, as the meter offers.

    With `hdlc` the transport is left at the agreed rate, 8N1, and the meter waits for an SNRM.
    """
    transport, clock = question.transport, question.transport.clock
    start = transport.line.baud
    rate = identification.baud or start
    if identification.offers_hdlc and identification.baud_code in _HDLC_CODES:
        clock.sleep_until(clock.now() + _REACTION)
        transport.write(reader.send(OptionSelect(Kind.OPTION_HDLC, identification.baud_code)))
        transport.set_line(_seven_bits(rate))
        question.listen(lambda data: _first(reader, data, OptionSelect))
        transport.set_line(LineSettings(rate))
        return SignedOn(identification, hdlc=reader.state is State.HDLC)
    if identification.baud is not None and not identification.switches_by_itself:
        clock.sleep_until(clock.now() + _REACTION)
        transport.write(reader.send(OptionSelect(Kind.OPTION_READOUT, identification.baud_code)))
    transport.set_line(_seven_bits(rate))
    block = question.listen(lambda data: _first(reader, data, Data), at_most=_READOUT_AT_MOST)
    return SignedOn(identification, _data_sets(block))


def _first(reader: Reader, data: bytes, wanted: type[E]) -> E | None:
    return next((event for event in reader.receive(data) if isinstance(event, wanted)), None)


def _data_sets(block: Data | None) -> tuple[DataSet, ...]:
    try:
        return tuple(data_sets(block.block)) if block is not None else ()
    except RemoteProtocolError:
        return ()


def _seven_bits(baud: int) -> LineSettings:
    return LineSettings(baud, 7, Parity.EVEN, 1)
