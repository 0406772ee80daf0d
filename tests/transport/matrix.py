"""The transport matrix: what a line can do to a driver, and what a driver may do about it.

A *rig* is a driver on an emulated device, with calls whose right answers are known. A *condition*
is a line: whole, octet by octet, losing, delaying, doubling, damaging, silent, babbling, unplugged.
`run_case` makes seeded calls over a line in that condition and holds the driver to its word:

- a call returns what is true, or raises an error of its family; nothing else;
- it is over within its deadlines;
- a call that changes something and returns did so once; one that raises `NoReply` did not;
- once the line is whole again, the driver is.

    for condition in CONDITIONS: run_case(rig, condition, seed=1)

Everything runs on `emu:` under a virtual clock. A failure is replayed by rig, condition and seed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from bench.clock import Clock, VirtualClock
from bench.errors import NoReply, PeerError, PortGone
from bench.units import MILLISECOND, SECOND, Micros, parse_instant
from drivers.pipe_faults.faulty import FaultyTransport
from drivers.pipe_faults.plan import FaultPlan, PipeFaultSpec, PipeMoment
from drivers.profiles.line_conditions import LineCondition
from drivers.profiles.profile import Profile, TimingProfile
from drivers.transport.line import LineSettings
from drivers.transport.pipe import SecretSpan, Transport

START: Final = parse_instant("2021-04-08T09:30:00Z")
_CALLS: Final = 5
_ATTEMPTS: Final = 12

Wrap = Callable[[Transport], Transport]


@dataclass(frozen=True)
class Call:
    """`right` says whether a returned value is true. `executed` counts what the device carried out,
    for calls that change something.
    """

    name: str
    do: Callable[[], object]
    right: Callable[[object], bool]
    executed: Callable[[], int] | None = None
    repeats: bool = False
    """The driver may carry it out more than once: to do it again does no harm."""


@dataclass(frozen=True)
class Driven:
    """A driver on its device. `settled` is a read that must succeed once the line is whole."""

    calls: Sequence[Call]
    settled: Call


@dataclass(frozen=True)
class Rig:
    """`make` puts the driver on its device, over `wrap` of the device's transport.

    `errors`: what the driver may raise. In a condition that its `profile` says it cannot stand,
    values that are not true are counted instead of refused.
    """

    name: str
    make: Callable[[Clock, Wrap], Driven]
    profile: Profile
    errors: tuple[type[Exception], ...] = (PeerError,)
    exchanges: int = 4
    """How many questions one call may take."""

    @property
    def longest(self) -> Micros:
        """No call may take longer, whatever the line does."""
        timing = self.profile.timing
        return self.exchanges * (timing.reply_timeout + 2 * timing.quiet)


@dataclass(frozen=True)
class Condition:
    name: LineCondition
    faults: Callable[[random.Random, TimingProfile], Sequence[PipeFaultSpec]]
    octet_by_octet: bool = False
    gone: bool = False
    """The port may vanish: `PortGone` is the right error."""


class OctetByOctet:
    """A `Transport` over another that hands out one octet at a time."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self._waiting = b""

    @property
    def port(self) -> str:
        return self._inner.port

    @property
    def clock(self) -> Clock:
        return self._inner.clock

    @property
    def line(self) -> LineSettings:
        return self._inner.line

    @property
    def received_at(self) -> Micros:
        return self._inner.received_at

    def write(self, data: bytes, secrets: Sequence[SecretSpan] = ()) -> None:
        self._inner.write(data, secrets)

    def read(self, deadline: Micros) -> bytes:
        data = self._waiting or self._inner.read(deadline)
        self._waiting = data[1:]
        return data[:1]

    def discard_input(self) -> None:
        self._waiting = b""
        self._inner.discard_input()

    def set_line(self, settings: LineSettings) -> None:
        self._inner.set_line(settings)

    def reopen(self, until: Micros) -> None:
        self._waiting = b""
        self._inner.reopen(until)

    def close(self) -> None:
        self._inner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _somewhere(rng: random.Random) -> PipeMoment:
    return PipeMoment(nth=rng.randint(1, 6))


def _answers(*names: str) -> Callable[[random.Random, TimingProfile], Sequence[PipeFaultSpec]]:
    """One to three uses of one of the faults, each for up to three answers."""

    def faults(rng: random.Random, timing: TimingProfile) -> Sequence[PipeFaultSpec]:
        return [
            PipeFaultSpec(rng.choice(names), _somewhere(rng), times=rng.randint(1, 3))
            for _ in range(rng.randint(1, 3))
        ]

    return faults


def _late(rng: random.Random, timing: TimingProfile) -> Sequence[PipeFaultSpec]:
    """Up to what the profile says is the slowest answer: `quiet`."""
    return [
        PipeFaultSpec(
            "reply-late",
            _somewhere(rng),
            times=rng.randint(1, 3),
            lasts=rng.randint(1, (timing.quiet - 100 * MILLISECOND) // MILLISECOND) * MILLISECOND,
        )
        for _ in range(2)
    ]


def _lasting(name: str) -> Callable[[random.Random, TimingProfile], Sequence[PipeFaultSpec]]:
    def faults(rng: random.Random, timing: TimingProfile) -> Sequence[PipeFaultSpec]:
        longest = timing.reply_timeout + timing.quiet
        lasts = rng.randint(10, 2 * longest // MILLISECOND) * MILLISECOND
        return [PipeFaultSpec(name, _somewhere(rng), lasts=lasts)]

    return faults


def _none(rng: random.Random, timing: TimingProfile) -> Sequence[PipeFaultSpec]:
    return ()


CONDITIONS: Final[Mapping[LineCondition, Condition]] = {
    condition.name: condition
    for condition in (
        Condition(LineCondition.WHOLE, _none),
        Condition(LineCondition.OCTET_BY_OCTET, _none, octet_by_octet=True),
        Condition(LineCondition.SPLIT, _answers("split-with-pauses")),
        Condition(LineCondition.LOSS, _answers("octets-lost", "truncated")),
        Condition(LineCondition.DELAY, _late),
        Condition(LineCondition.DUPLICATE, _answers("duplicated")),
        Condition(LineCondition.CORRUPTION, _answers("bits-flipped", "noise-inserted")),
        Condition(LineCondition.SILENCE, _answers("no-reply", "request-lost")),
        Condition(LineCondition.STUCK, _lasting("stuck-break")),
        Condition(LineCondition.WRONG_LINE, _lasting("wrong-baud")),
        Condition(LineCondition.BABBLE, _lasting("babble")),
        Condition(LineCondition.UNPLUGGED, _lasting("unplugged"), gone=True),
    )
}


@dataclass(frozen=True)
class Outcome:
    """`struck`: the faults that did; `untrue`: values that a driver may return that `cannot`."""

    struck: list[str]
    untrue: list[str]


WHOLE: Final = (LineCondition.WHOLE, LineCondition.OCTET_BY_OCTET)


def run_case(rig: Rig, condition: Condition, seed: int) -> Outcome:
    """One seeded conversation. AssertionError tells what the driver did."""
    rng = random.Random(f"{rig.name}/{condition.name}/{seed}")
    clock = VirtualClock(START)
    timing = rig.profile.timing
    # A console's echo is not yet its answer: the answer comes after the reaction time.
    plan = FaultPlan(tuple(condition.faults(rng, timing)), silence=2 * timing.reaction)
    pipes: list[FaultyTransport] = []

    def wrap(transport: Transport) -> Transport:
        inner = OctetByOctet(transport) if condition.octet_by_octet else transport
        pipes.append(FaultyTransport(inner, plan, clock, seed))
        return pipes[-1]

    driven = rig.make(clock, wrap)
    said: list[str] = []
    untrue: list[str] = []
    for _ in range(_CALLS):
        call = rng.choice(driven.calls)
        said.append(_made(rig, condition, clock, call, untrue))
        if rng.random() < 0.3:
            clock.sleep_until(clock.now() + rng.randint(0, 3) * SECOND)
    outcomes = [_made(rig, condition, clock, driven.settled, untrue) for _ in range(_ATTEMPTS)]
    where = f"{rig.name} over a line in condition {condition.name}, seed {seed}"
    assert "returned" in outcomes, f"{where}: does not recover: {said} then {outcomes}"
    assert outcomes[-1] == "returned", f"{where}: fails again: {said} then {outcomes}"
    if condition.name in WHOLE:
        assert set(said + outcomes) == {"returned"}, f"{where}: {said}"
    return Outcome([struck.fault for pipe in pipes for struck in pipe.struck], untrue)


def _made(rig: Rig, condition: Condition, clock: Clock, call: Call, untrue: list[str]) -> str:
    where = f"{rig.name}.{call.name} in condition {condition.name}"
    began = clock.now()
    before = call.executed() if call.executed is not None else 0
    allowed = (*rig.errors, PortGone) if condition.gone else rig.errors
    error: Exception | None = None
    value: object = None
    try:
        value = call.do()
    except allowed as raised:
        error = raised
    took = clock.now() - began
    assert took <= rig.longest, f"{where}: took {took / SECOND} s"
    cannot = condition.name in rig.profile.cannot
    if error is None and not call.right(value):
        assert cannot, f"{where}: returned {value!r}, which is not true"
        untrue.append(call.name)
    if call.executed is not None and not call.repeats:
        if error is not None:  # what is under way is acted on when the driver has given up
            clock.sleep_until(clock.now() + 4 * rig.profile.timing.reaction)
        done = call.executed() - before
        if error is None:
            assert done == 1 or cannot, f"{where}: returned, done {done} times"
        elif isinstance(error, NoReply):
            assert done == 0, f"{where}: NoReply, but done {done} times"
        else:
            assert done <= 1, f"{where}: done {done} times"
    return "returned" if error is None else type(error).__name__
