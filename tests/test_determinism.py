"""Same seed, same trace to the byte; another seed or one other answer, another trace."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from bench import staging
from bench.devices import (
    DisplayState,
    HanDevice,
    Identity,
    RegisterReading,
    SupplyState,
    WanState,
)
from bench.emulation import EmulatedWorld, Truth
from bench.errors import Refused
from bench.parties import Holder, Inbox, ListedDevice, Message, Validation
from bench.scenario.ran import Ran
from bench.scenario.run import run_scenario
from bench.shipped import find
from bench.suite_reading import PreparedScenario, read_suite
from bench.trace import Closed, Event, Opened, to_json
from bench.units import HOUR, SECOND
from emulators.installation import EmulatedInstallation

SCENARIOS = ("da-commissioned", "ioc-commissioned")


@pytest.fixture(scope="module")
def suite() -> dict[str, PreparedScenario]:
    _, scenarios = read_suite(find("suites", "commissioning"))
    return {prepared.scenario.scenario: prepared for prepared in scenarios}


def lines(ran: Ran) -> list[str]:
    return [to_json(event) for event in ran.events]


# --- the seed ------------------------------------------------------------------------------------


def told_in_a_new_process(folder: Path, hash_seed: str, seed: int) -> dict[str, bytes]:
    """`trace.jsonl` and `result.json` of a run of its own process, in a folder of its own."""
    main = "import sys; from bench.cli import main; main(sys.argv[1:], standalone_mode=False)"
    out = folder / f"{hash_seed}-{seed}"
    command = [sys.executable, "-c", main, "run", "key-rotation", "--seed", str(seed)]
    subprocess.run(
        [*command, "--scenario", "da-rotation-reply-lost", "--out", str(out)],
        check=True,
        capture_output=True,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
    )
    return {name: (out / name).read_bytes() for name in ("trace.jsonl", "result.json")}


def test_the_same_seed_gives_the_same_bytes_in_a_new_process(tmp_path: Path) -> None:
    first = told_in_a_new_process(tmp_path, "1", 7)
    assert first["trace.jsonl"].count(b"\n") > 20
    assert told_in_a_new_process(tmp_path, "2", 7) == first
    assert told_in_a_new_process(tmp_path, "1", 8)["trace.jsonl"] != first["trace.jsonl"]


@pytest.mark.parametrize("name", SCENARIOS)
def test_another_seed_gives_another_trace(suite: dict[str, PreparedScenario], name: str) -> None:
    told = [lines(run_scenario(suite[name], seed)) for seed in (1, 1, 2)]
    assert told[0] == told[1]
    assert told[0] != told[2]


# --- one other answer ----------------------------------------------------------------------------


def opposite(answer: Any, name: str, operation: str) -> Any:
    """An answer of the same kind that says something else; a plain yes becomes a no."""
    if isinstance(answer, bool):
        return not answer
    if isinstance(answer, Holder):
        return Holder.DCC if answer is Holder.SMSO else Holder.SMSO
    if isinstance(answer, WanState):
        return replace(answer, connected=not answer.connected)
    if isinstance(answer, Identity):
        return replace(answer, eui64="00-00-00-00-00-00-00-00")
    if isinstance(answer, DisplayState):
        return replace(answer, joined_to=None)
    if isinstance(answer, SupplyState):
        return SupplyState.OFF
    if isinstance(answer, Validation):
        return Validation(not answer.accepted, "EXAMPLE")
    if isinstance(answer, int):
        return answer + HOUR  # a clock
    if isinstance(answer, tuple) and answer and isinstance(answer[0], HanDevice | ListedDevice):
        return answer[:-1]
    if answer is None or isinstance(answer, RegisterReading):
        raise Refused(name, operation, code="EXAMPLE")
    raise AssertionError(f"{name}.{operation} answers {answer!r}: what is its opposite?")


def refused(answer: Any, name: str, operation: str) -> Any:
    raise Refused(name, operation, code="EXAMPLE")


def late(answer: Any, name: str, operation: str) -> Any:
    """The answer itself, which `Tampering` gives a second later."""
    return answer


@dataclass
class Tampering:
    """Alters the answer or message number `nth` (from 1) that the process gets; 0: none.

    `log` names every answer in its order. What changes something is not done when it is refused.
    """

    nth: int = 0
    how: Callable[[Any, str, str], Any] = opposite
    log: list[str] = field(default_factory=list)
    open: bool = False

    def due(self, name: str) -> bool:
        if not self.open:
            return False
        self.log.append(name)
        return len(self.log) == self.nth


class TamperedThing:
    """A device or party whose answers pass through a `Tampering`."""

    SILENT = ("open", "answer")  # what only tells the party something has no answer

    def __init__(self, thing: Any, name: str, tampering: Tampering, clock: Any) -> None:
        self._thing, self._name, self._tampering, self._clock = thing, name, tampering, clock

    def __getattr__(self, operation: str) -> Any:
        method = getattr(self._thing, operation)
        if operation in self.SILENT:
            return method

        def ask(*args: Any) -> Any:
            how = self._tampering.how
            if not self._tampering.due(f"{self._name}.{operation}"):
                return method(*args)
            if how is late:
                answer = method(*args)
                self._clock.sleep_until(self._clock.now() + SECOND)
                return answer
            changes = operation in ("rotate_key", "transfer_account", "update_chf", "set_clock")
            return how(None if changes else method(*args), self._name, operation)

        return ask


class TamperedWorld:
    """An emulated installation behind a `Tampering` that lasts from the opening to the close."""

    def __init__(self, world: EmulatedWorld, tampering: Tampering, clock: Any) -> None:
        self._world, self._tampering = world, tampering

        def tampered(thing: Any, name: str) -> Any:
            return TamperedThing(thing, name, tampering, clock)

        parties = world.parties
        self.devices = {name: tampered(device, name) for name, device in world.devices.items()}
        self.parties = replace(
            parties,
            smso=tampered(parties.smso, "SMSO"),
            mcc=tampered(parties.mcc, "MCC"),
            dsp=tampered(parties.dsp, "DSP"),
            ioc_s1sp=tampered(parties.ioc_s1sp, "IOC S1SP"),
        )
        self.arm = world.arm
        self.unstruck = world.unstruck

    def observe(self, event: Event) -> None:
        if isinstance(event, Opened | Closed):
            self._tampering.open = isinstance(event, Opened)
        self._world.observe(event)

    def truth(self) -> Truth:
        return self._world.truth()


class TamperedInbox(Inbox):
    """Loses the message whose turn it is."""

    tampering: Tampering

    def deliver(self, message: Message) -> None:
        if not self.tampering.due(type(message).__name__):
            super().deliver(message)


def tampered_run(
    monkeypatch: pytest.MonkeyPatch, prepared: PreparedScenario, tampering: Tampering
) -> list[str]:
    def build(*args: Any, clock: Any, **kwargs: Any) -> TamperedWorld:
        world = EmulatedInstallation(*args, clock=clock, **kwargs)
        return TamperedWorld(world, tampering, clock)

    def inbox(clock: Any) -> TamperedInbox:
        box = TamperedInbox(clock)
        box.tampering = tampering
        return box

    with monkeypatch.context() as patch:
        patch.setattr(staging, "load", lambda group, name: build)
        patch.setattr(staging, "Inbox", inbox)
        return lines(run_scenario(prepared, 1))


SLEPT_THROUGH = {"hub.wan_state"}
"""Where a gas meter sleeps, the two minutes of a wake-up SMS that a "not on the WAN" costs may pass
while the process would wait for the meter anyway; then nothing that a trace shows is different.
"""


def never_asleep(prepared: PreparedScenario) -> PreparedScenario:
    """The scenario with a gas meter that is reached at any moment, so that no time is hidden."""
    kit = prepared.installation
    devices = tuple(
        replace(device, emulation=replace(device.emulation, wakes_every=SECOND))
        for device in kit.devices
    )
    return replace(prepared, installation=replace(kit, devices=devices))


def answers_that_make_no_difference(
    monkeypatch: pytest.MonkeyPatch,
    prepared: PreparedScenario,
    how: Callable[[Any, str, str], Any],
) -> list[str]:
    untouched = Tampering()
    trace = tampered_run(monkeypatch, prepared, untouched)
    assert trace == lines(run_scenario(prepared, 1)), "looking on changes nothing"
    assert len(untouched.log) > 20
    return [
        name
        for nth, name in enumerate(untouched.log, 1)
        if tampered_run(monkeypatch, prepared, Tampering(nth, how)) == trace
    ]


@pytest.mark.parametrize("how", [opposite, refused, late])
@pytest.mark.parametrize("name", SCENARIOS)
def test_one_other_answer_gives_another_trace(
    monkeypatch: pytest.MonkeyPatch,
    suite: dict[str, PreparedScenario],
    name: str,
    how: Callable[[Any, str, str], Any],
) -> None:
    prepared = replace(suite[name], overrides={"passages": 1})
    awake = never_asleep(prepared)
    assert answers_that_make_no_difference(monkeypatch, awake, how) == []
    if how is not late:
        same = answers_that_make_no_difference(monkeypatch, prepared, how)
        assert set(same) <= SLEPT_THROUGH
