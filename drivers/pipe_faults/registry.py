"""What a pipe fault is: a function with a name, a sentence about it, and where it makes sense.

The function's name with hyphens is the fault's name, its docstring the description that users
read. Three kinds of function, by what they need to know:

- a *request* fault decides what is sent for a request, and what comes back at once;
- an *answer* fault is shown the whole answer and says what arrives in its place, and when;
- a *state* fault makes a `LineState`: what the line is like for a while.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from inspect import cleandoc
from typing import Any, Final, Protocol

from bench.units import Micros
from drivers.pipe_faults.speech import Exchanged, Speech, WireProtocol
from drivers.transport.line import LineSettings

EVERY_PROTOCOL: Final = frozenset(WireProtocol)


class Family(StrEnum):
    """What a fault strikes: octets, whatever they mean, or messages of a known protocol."""

    LINE = "line"
    PROTOCOL = "protocol"


class Option(StrEnum):
    """What a use of a fault may say beside its moment (fields of `PipeFaultSpec`)."""

    LASTS = "lasts"
    TIMES = "times"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Piece:
    """Octets that arrive `after` the moment at which the true answer was complete."""

    after: Micros
    octets: bytes


@dataclass(frozen=True, slots=True)
class Strike:
    """A fault as it strikes one request. `rng` is seeded: the same seed, the same damage.

    `line` is what this side is set to; `earlier` what was asked and answered before, oldest first.
    """

    rng: random.Random
    request: bytes
    line: LineSettings
    lasts: Micros | None
    code: str
    earlier: Sequence[Exchanged]
    speech: Speech | None


@dataclass(frozen=True, slots=True)
class Sending:
    """What a request fault sends, and what comes back by itself, counted from now."""

    octets: bytes
    back: tuple[Piece, ...] = ()


class LineState(Protocol):
    """What the line is like until it is as before. One instance per use."""

    @property
    def unplugged(self) -> bool:
        """The port is gone: every call raises until it is reopened."""

    def sent(self, octets: bytes) -> bytes:
        """What the device hears of what this side sends."""

    def received(self, octets: bytes) -> bytes:
        """What this side hears of what the device sends."""

    def noise(self, since: Micros, until: Micros) -> list[tuple[Micros, bytes]]:
        """What arrives by itself after `since` and up to `until`, with its moments."""

    def next_noise(self, since: Micros) -> Micros | None:
        """When the next of it arrives after `since`."""


RequestFault = Callable[[Strike], Sending]
AnswerFault = Callable[[Strike, bytes], list[Piece] | None]
StateFault = Callable[[Strike, Micros], LineState]


@dataclass(frozen=True, slots=True)
class PipeFault:
    """A fault by its name. Exactly one of `request`, `answer` and `state` is set.

    `protocols` empty: needs to know no protocol; else one of these must be spoken on the pipe.
    An answer fault returns None where the answer holds nothing that it could damage: then the
    answer passes and the fault waits for the next request. `withholds`: the device does not carry
    the request out. `needs_lasts`: `lasts` has no default.
    """

    name: str
    family: Family
    description: str
    protocols: frozenset[WireProtocol]
    options: frozenset[Option]
    request: RequestFault | None = None
    answer: AnswerFault | None = None
    state: StateFault | None = None
    withholds: bool = False
    needs_lasts: bool = False


FAULTS: Final[dict[str, PipeFault]] = {}
"""Every fault by its name, in the order of the files that define them."""


def request_fault() -> Callable[[RequestFault], RequestFault]:
    """Registers a function of a `Strike` that says what is sent."""

    def register(function: RequestFault) -> RequestFault:
        _add(function, Family.LINE, frozenset(), {Option.TIMES}, request=function)
        return function

    return register


def answer_fault(
    *options: Option,
    family: Family = Family.LINE,
    protocols: frozenset[WireProtocol] = frozenset(),
    withholds: bool = False,
    needs_lasts: bool = False,
) -> Callable[[AnswerFault], AnswerFault]:
    """Registers a function of a `Strike` and the whole answer."""

    def register(function: AnswerFault) -> AnswerFault:
        _add(
            function,
            family,
            protocols,
            {Option.TIMES, *options},
            answer=function,
            withholds=withholds,
            needs_lasts=needs_lasts,
        )
        return function

    return register


def state_fault() -> Callable[[StateFault], StateFault]:
    """Registers a function of a `Strike` and the moment it begins, which makes the line's state."""

    def register(function: StateFault) -> StateFault:
        _add(function, Family.LINE, frozenset(), {Option.LASTS}, state=function)
        return function

    return register


def _add(
    function: Callable[..., Any],
    family: Family,
    protocols: frozenset[WireProtocol],
    options: set[Option],
    **kind: Any,
) -> None:
    name = function.__name__.replace("_", "-")
    description = " ".join(cleandoc(function.__doc__ or "").split())
    assert name not in FAULTS, f"two pipe faults are called {name}"
    assert description, f"{name} needs a sentence"
    FAULTS[name] = PipeFault(name, family, description, protocols, frozenset(options), **kind)
