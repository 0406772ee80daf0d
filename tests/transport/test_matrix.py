"""Every driver over every kind of line, seeded. SMETS1_BENCH_MATRIX_CASES=500 makes a deep run."""

from __future__ import annotations

import os
from importlib.metadata import entry_points

import pytest
from matrix import CONDITIONS, START, Call, Driven, Rig, Wrap, run_case
from rigs import RIGS

from bench.clock import Clock
from bench.errors import NoReply
from bench.plugins import DRIVERS
from bench.units import MILLISECOND, SECOND
from drivers.profiles.profile import TimingProfile
from drivers.transport.line import LineSettings
from drivers.transport.memory import MemoryPort

CASES = int(os.environ.get("SMETS1_BENCH_MATRIX_CASES", "8"))
NOT_DRIVERS = frozenset({"pipe-faults", "capture", "emulated-line"})
"""Entry points of the group that are no device drivers."""


def run_cases(rig: Rig, condition: str, cases: int) -> list[str]:
    return [fault for seed in range(cases) for fault in run_case(rig, CONDITIONS[condition], seed)]


def test_every_driver_that_is_installed_is_in_the_matrix() -> None:
    missing = [
        entry_point.name
        for entry_point in entry_points(group=DRIVERS)
        if entry_point.name not in NOT_DRIVERS
        and (entry_point.dist is None or entry_point.dist.name == "smets1-bench")
        and entry_point.load() not in RIGS
    ]
    assert missing == [], "give each a rig in tests/transport/rigs.py"


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("driver", RIGS, ids=[rig.name for rig in RIGS.values()])
def test_a_driver_is_right_or_says_that_it_is_not(driver: object, condition: str) -> None:
    struck = run_cases(RIGS[driver], condition, CASES)
    assert bool(struck) == (condition not in ("whole", "octet-by-octet")), "the line was whole"


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


BELIEVER = Rig("believer", _believer, TimingProfile(SECOND, MILLISECOND, 2 * SECOND))


@pytest.mark.parametrize("condition", ["delay", "duplicate", "corruption", "babble"])
def test_the_matrix_catches_a_driver_that_believes_anything(condition: str) -> None:
    with pytest.raises(AssertionError, match="not true"):
        run_cases(BELIEVER, condition, 20)


def test_the_matrix_catches_a_driver_that_hangs() -> None:
    rig = Rig("hanging", _hanging, TimingProfile(SECOND, MILLISECOND, 2 * SECOND))
    with pytest.raises(AssertionError, match="took"):
        run_cases(rig, "silence", 20)


def test_a_case_is_replayed_by_its_seed() -> None:
    rig = next(iter(RIGS.values()))
    for condition in ("corruption", "babble"):
        first = run_case(rig, CONDITIONS[condition], 3)
        assert run_case(rig, CONDITIONS[condition], 3) == first
