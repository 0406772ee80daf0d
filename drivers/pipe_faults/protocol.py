"""Faults of the protocol: sound messages that are not the answer that should have come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from drivers.pipe_faults.registry import (
    EVERY_PROTOCOL,
    Family,
    Option,
    Piece,
    Strike,
    answer_fault,
)
from drivers.pipe_faults.speech import Refusing, Speech, WireProtocol

if TYPE_CHECKING:
    from drivers.pipe_faults.dlms_speech import DlmsSpeech

_DLMS: Final = frozenset({WireProtocol.DLMS})


def _instead(octets: bytes | None) -> list[Piece] | None:
    return None if octets is None else [Piece(0, octets)]


def _speech(strike: Strike) -> Speech:
    assert strike.speech is not None, "the plan was checked"
    return strike.speech


@answer_fault(family=Family.PROTOCOL, protocols=EVERY_PROTOCOL, withholds=True)
def busy(strike: Strike, answer: bytes) -> list[Piece] | None:
    """The device does not carry the request out and says that it is busy."""
    return _instead(_speech(strike).refusal(strike.request, answer, Refusing.BUSY, ""))


@answer_fault(Option.CODE, family=Family.PROTOCOL, protocols=EVERY_PROTOCOL, withholds=True)
def refused(strike: Strike, answer: bytes) -> list[Piece] | None:
    """The device does not carry the request out and says no, with `code`."""
    return _instead(_speech(strike).refusal(strike.request, answer, Refusing.REFUSED, strike.code))


@answer_fault(family=Family.PROTOCOL, protocols=_DLMS, withholds=True)
def authentication_failure(strike: Strike, answer: bytes) -> list[Piece] | None:
    """The device does not accept who we say we are: it rejects the association, or the ciphering of
    the request.
    """
    return _instead(cast("DlmsSpeech", strike.speech).not_authentic(strike.request, answer))


@answer_fault(family=Family.PROTOCOL, protocols=_DLMS)
def wrong_sequence(strike: Strike, answer: bytes) -> list[Piece] | None:
    """The answer's frame carries sequence numbers that are two ahead; its checksums are right."""
    return _instead(cast("DlmsSpeech", strike.speech).out_of_sequence(answer))


@answer_fault(family=Family.PROTOCOL, protocols=_DLMS)
def counter_replayed(strike: Strike, answer: bytes) -> list[Piece] | None:
    """A ciphered answer of earlier arrives again in place of the answer, authentic and with its old
    invocation counter.
    """
    return _instead(cast("DlmsSpeech", strike.speech).replayed(answer, strike.earlier))


@answer_fault(family=Family.PROTOCOL, protocols=_DLMS)
def counter_jumped(strike: Strike, answer: bytes) -> list[Piece] | None:
    """The invocation counter of a ciphered answer is raised by 1000 on the way; its authentication
    tag no longer fits.
    """
    return _instead(cast("DlmsSpeech", strike.speech).counter_raised(answer))


@answer_fault(family=Family.PROTOCOL, protocols=EVERY_PROTOCOL)
def valid_answer_to_another_question(strike: Strike, answer: bytes) -> list[Piece] | None:
    """A sound answer arrives that belongs to another question: the newest different one that was
    asked before.
    """
    return _instead(_speech(strike).to_another(strike.request, answer, strike.earlier))


@answer_fault(family=Family.PROTOCOL, protocols=EVERY_PROTOCOL)
def unknown_response(strike: Strike, answer: bytes) -> list[Piece] | None:
    """A sound message arrives of a kind that the protocol does not have."""
    return _instead(_speech(strike).unknown(strike.request, answer))
