"""The late-reply trap: no read ever returns the value of an earlier question.

The device answers each question with a value that names it (a count that goes up with every
question acted on), in its own time: at once, late, after the next question, or never. A read that
returns the value of an earlier question than the newest acted on is caught.
SMETS1_BENCH_LATE_CASES sets how many seeded cases run.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import pytest

from bench.clock import VirtualClock
from bench.errors import BenchError, PeerError
from bench.units import MILLISECOND, SECOND, Micros
from drivers.codecs.console import ConsoleServer, Heard
from drivers.codecs.modbus_messages import Asked, ReadRegisters
from drivers.codecs.modbus_rtu import ModbusServer
from drivers.console_hub import ConsoleHub
from drivers.gas_via_hub import GasViaHub
from drivers.modbus_unit import ModbusUnit
from drivers.profiles.profile import Profile, TimingProfile
from drivers.transport.memory import MemoryPort
from tests.wire.kit_on_wire import BOARD, HUB, START, timed

CASES = int(os.environ.get("SMETS1_BENCH_LATE_CASES", "300"))
TIMING = TimingProfile(500 * MILLISECOND, 20 * MILLISECOND, 2 * SECOND)
SLOWEST = 2_300 * MILLISECOND  # after the question; less than time-out and quiet together
READS = 12

Delay = Callable[[], Micros | None]


def delays(rng: random.Random, slowest: Micros) -> Delay:
    """Most answers come at once; some around the time-out, some far behind it, some never."""

    def delay() -> Micros | None:
        kind = rng.random()
        if kind < 0.5:
            return 20 * MILLISECOND
        if kind < 0.7:
            return rng.randrange(450, 560) * MILLISECOND
        if kind < 0.95:
            return rng.randrange(20 * MILLISECOND, slowest)
        return None

    return delay


class SlowModbus:
    """Registers that hold how many questions were acted on."""

    def __init__(self, port: MemoryPort, delay: Delay) -> None:
        self.acted = 0
        self._port = port
        self._delay = delay
        self._server = ModbusServer((1,))
        port.attach(self)

    def receive(self, data: bytes, at: Micros) -> None:
        for asked in self._server.feed(data):
            assert isinstance(asked, Asked)
            assert isinstance(asked.request, ReadRegisters)
            self.acted += 1
            answer = self._server.answer(asked, [self.acted] * asked.request.count)
            delay = self._delay()
            if delay is not None:
                self._port.clock.call_at(at + delay, partial(self._port.send, answer))


class SlowConsole:
    """A hub whose SMS count, and the gas register it mirrors, say how many questions were acted on.
    Answers in order, or not.
    """

    def __init__(self, port: MemoryPort, profile: Profile, delay: Delay, *, in_order: bool) -> None:
        assert profile.console is not None
        self.acted = 0
        self._port = port
        self._delay = delay
        self._in_order = in_order
        self._free_at: Micros = 0
        self._server = ConsoleServer(profile.console.dialect)
        port.attach(self)

    def receive(self, data: bytes, at: Micros) -> None:
        heard, echo = self._server.receive(data)
        self._port.send(echo)
        for command in heard:
            if not isinstance(command, Heard):
                self._say(self._server.fail(1, code="unknown"), at)
            elif command.command == "sync":
                self._say(self._server.answer("sync", [(0, command.parameters)]), at)
            else:
                self.acted += 1
                self._say(self._server.answer(command.command, self._lines(command)), at)

    def _lines(self, command: Heard) -> list[tuple[int, Mapping[str, str]]]:
        match command.command:
            case "wan-state":
                return [(0, {"wan": "UP", "wake_ups": str(self.acted)})]
            case "mirrored-registers":
                row = {"register": "VOLUME", "value": f"{self.acted}.000", "unit": "m3"}
                when = {"source_at": "2021-04-08T09:00:00Z"}
                return [(0, command.parameters | when), (1, row)]
        return []  # an empty table

    def _say(self, answer: bytes, at: Micros) -> None:
        delay = self._delay()
        if delay is None:
            return
        due = at + delay
        if self._in_order:
            self._free_at = due = max(due, self._free_at)
        self._port.clock.call_at(due, partial(self._port.send, answer))


def newest_values(read: Callable[[], int], acted: Callable[[], int]) -> tuple[int, int]:
    """(reads answered, reads not answered); each answered one with the value of its question."""
    answered = failed = 0
    for _ in range(READS):
        try:
            value = read()
        except (PeerError, BenchError):
            failed += 1
        else:
            assert value == acted(), "the value of an earlier question"
            answered += 1
    return answered, failed


def modbus_case(profile: Profile, seed: int) -> tuple[int, int]:
    port = MemoryPort("rs485", VirtualClock(START), profile.line.settings)
    device = SlowModbus(port, delays(random.Random(seed), SLOWEST))
    unit = ModbusUnit("kit", 1, profile.timing, port.connect(port.line))
    request = ReadRegisters(0, 1)
    return newest_values(lambda: unit.read_registers("read", request)[0], lambda: device.acted)


def console_case(
    profile: Profile, seed: int, slowest: Micros, *, in_order: bool
) -> tuple[int, int]:
    port = MemoryPort("hub", VirtualClock(START), profile.line.settings)
    delay = delays(random.Random(seed), slowest)
    device = SlowConsole(port, profile, delay, in_order=in_order)
    hub = ConsoleHub("hub", profile, port.connect(port.line))
    return newest_values(lambda: hub.wan_state().wake_ups, lambda: device.acted)


def via_hub_case(profile: Profile, seed: int) -> tuple[int, int]:
    port = MemoryPort("hub", VirtualClock(START), profile.line.settings)
    device = SlowConsole(port, profile, delays(random.Random(seed), SLOWEST), in_order=False)
    hub = ConsoleHub("hub", profile, port.connect(port.line))
    gas = GasViaHub("gas", hub, "70-B3-D5-1F-30-00-A0-02")
    return newest_values(lambda: int(gas.read_registers().values[0][1]), lambda: device.acted)


def without_sync(profile: Profile, **changed: object) -> Profile:
    assert profile.console is not None
    commands = {name: held for name, held in profile.console.commands.items() if name != "sync"}
    console = replace(profile.console, commands=commands, **changed)  # type: ignore[arg-type]
    return replace(profile, console=console)


HASTY = TimingProfile(TIMING.reply_timeout, TIMING.reaction, MILLISECOND)
PLAIN = {"echo": False, "prompt": "", "done": ("OK",)}

MODBUS = timed(BOARD, TIMING)
ECHOING = timed(without_sync(HUB), TIMING)
SILENT = timed(without_sync(HUB, **PLAIN), TIMING)
IN_STEP = timed(HUB, HASTY)

CASES_OF: dict[str, Callable[[int], tuple[int, int]]] = {
    "modbus": lambda seed: modbus_case(MODBUS, seed),
    "console-with-echo": lambda seed: console_case(ECHOING, seed, SLOWEST, in_order=False),
    "console-without-echo": lambda seed: console_case(SILENT, seed, SLOWEST, in_order=False),
    "gas-via-hub": lambda seed: via_hub_case(ECHOING, seed),
    # A console that repeats tokens needs no quiet line: however late an answer comes.
    "console-in-step": lambda seed: console_case(IN_STEP, seed, 20 * SECOND, in_order=True),
}


@pytest.mark.parametrize("kind", CASES_OF)
def test_no_read_returns_the_value_of_an_earlier_question(kind: str) -> None:
    outcomes = [CASES_OF[kind](seed) for seed in range(CASES)]
    assert sum(answered for answered, _ in outcomes) > CASES // 2
    assert sum(failed for _, failed in outcomes) > CASES


UNGUARDED: dict[str, Callable[[int], tuple[int, int]]] = {
    "modbus": lambda seed: modbus_case(timed(BOARD, HASTY), seed),
    "console": lambda seed: console_case(timed(SILENT, HASTY), seed, SLOWEST, in_order=False),
}


@pytest.mark.parametrize("kind", UNGUARDED)
def test_the_trap_is_real(kind: str) -> None:
    """With a quiet span shorter than the slowest answer the same cases catch a driver."""
    with pytest.raises(AssertionError, match="an earlier question"):
        [UNGUARDED[kind](seed) for seed in range(300)]
