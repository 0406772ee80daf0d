"""Every driver over every kind of line, seeded. SMETS1_BENCH_MATRIX_CASES=500 makes a deep run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import is_dataclass, replace
from importlib.metadata import entry_points

import pytest
from matrix import CONDITIONS, START, WHOLE, Call, Driven, Rig, Wrap, run_case
from rigs import RIGS

from bench.clock import Clock
from bench.errors import NoReply
from bench.plugins import DRIVERS
from bench.units import MILLISECOND, SECOND
from drivers.profiles.line_conditions import LineCondition
from drivers.profiles.profile import TimingProfile
from drivers.transport.line import LineSettings
from drivers.transport.memory import MemoryPort
from tests.wire.kit_on_wire import BOARD

CASES = int(os.environ.get("SMETS1_BENCH_MATRIX_CASES", "8"))
ENOUGH = 100
"""Cases within which a driver that says it cannot has shown it, or its profile is wrong."""


def run_cases(rig: Rig, condition: LineCondition, cases: int) -> list[str]:
    held = CONDITIONS[condition]
    return [fault for seed in range(cases) for fault in run_case(rig, held, seed).struck]


def test_every_driver_that_is_installed_is_in_the_matrix() -> None:
    offered = [
        entry_point.load()
        for entry_point in entry_points(group=DRIVERS)
        if entry_point.dist is None or entry_point.dist.name == "smets1-bench"
    ]
    # The rest are tools, and the forms of files.
    drivers = {each for each in offered if isinstance(each, type) and not is_dataclass(each)}
    assert drivers - set(RIGS) == set(), "give each a rig in tests/transport/rigs.py"
    assert len(drivers) >= 6


def test_every_condition_is_in_the_matrix() -> None:
    assert set(CONDITIONS) == set(LineCondition)


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("driver", RIGS, ids=[rig.name for rig in RIGS.values()])
def test_a_driver_is_right_or_says_that_it_is_not(driver: object, condition: LineCondition) -> None:
    struck = run_cases(RIGS[driver], condition, CASES)
    assert bool(struck) == (condition not in WHOLE), "the line was whole"


def claims(rigs: Sequence[Rig]) -> list[tuple[LineCondition, list[Rig]]]:
    """What profiles say that drivers cannot stand, and the drivers of that profile."""
    found: dict[tuple[str, LineCondition], list[Rig]] = {}
    for rig in rigs:
        for condition in rig.profile.cannot:
            found.setdefault((rig.profile.profile, condition), []).append(rig)
    return [(condition, held) for (_, condition), held in found.items()]


def is_so(condition: LineCondition, rigs: Sequence[Rig]) -> bool:
    held = CONDITIONS[condition]
    return any(run_case(rig, held, seed).untrue for seed in range(ENOUGH) for rig in rigs)


@pytest.mark.parametrize(("condition", "rigs"), claims(list(RIGS.values())))
def test_what_a_profile_says_its_driver_cannot_is_so(
    condition: LineCondition, rigs: Sequence[Rig]
) -> None:
    assert is_so(condition, rigs), f"{rigs[0].profile.profile}: {ENOUGH} cases were right"


class Believer:
    """A driver that takes whatever comes for its answer."""

    def __init__(self, clock: Clock, wrap: Wrap) -> None:
        port = MemoryPort("kit", clock)
        port.attach(self)
        self._port = port
        self._count = 0
        self._rest = b""
        self.transport = wrap(port.connect(LineSettings()))

    def receive(self, data: bytes, at: int) -> None:
        if data.endswith(b"?"):
            self._count += 1
            answer = b"%04d" % self._count
            self._port.clock.call_at(at + MILLISECOND, lambda: self._port.send(answer))

    def ask(self) -> bytes:
        self.transport.write(b"?")
        got = self._rest
        deadline = self.transport.clock.now() + SECOND
        while len(got) < 4:
            data = self.transport.read(deadline)
            if not data:
                raise NoReply("kit", "ask")
            got += data
        self._rest = got[4:]
        return got[:4]

    def right(self, value: object) -> bool:
        return value == b"%04d" % self._count


def _believer(clock: Clock, wrap: Wrap) -> Driven:
    kit = Believer(clock, wrap)
    call = Call("ask", kit.ask, kit.right)
    return Driven([call], call)


def _hanging(clock: Clock, wrap: Wrap) -> Driven:
    kit = Believer(clock, wrap)

    def ask() -> bytes:
        kit.transport.write(b"?")
        return kit.transport.read(START + 10**12)

    call = Call("ask", ask, lambda value: True)
    return Driven([call], call)


TIMED = replace(BOARD, timing=TimingProfile(SECOND, MILLISECOND, 2 * SECOND))
BELIEVER = Rig("believer", _believer, TIMED)


@pytest.mark.parametrize("condition", ["delay", "duplicate", "corruption", "babble"])
def test_the_matrix_catches_a_driver_that_believes_anything(condition: LineCondition) -> None:
    with pytest.raises(AssertionError, match="not true"):
        run_cases(BELIEVER, condition, 20)


def test_the_matrix_catches_a_driver_that_hangs() -> None:
    rig = Rig("hanging", _hanging, TIMED)
    with pytest.raises(AssertionError, match="took"):
        run_cases(rig, LineCondition.SILENCE, 20)


def test_the_matrix_catches_a_profile_that_claims_too_much() -> None:
    board = next(rig for rig in RIGS.values() if rig.name == "relay-board")
    too_much = {LineCondition.CORRUPTION: "it has a checksum all the same"}
    rig = replace(board, profile=replace(board.profile, cannot=too_much))
    assert claims([rig]) == [(LineCondition.CORRUPTION, [rig])]
    assert not is_so(LineCondition.CORRUPTION, [rig])


def test_a_case_is_replayed_by_its_seed() -> None:
    rig = next(iter(RIGS.values()))
    for condition in (LineCondition.CORRUPTION, LineCondition.BABBLE):
        first = run_case(rig, CONDITIONS[condition], 3)
        assert run_case(rig, CONDITIONS[condition], 3) == first
