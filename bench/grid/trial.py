"""One run of the real engine on an emulated installation, with the strikes of one cell.

Everything is rebuilt for each run from the same seed, so that a run that begins alike goes on
alike up to its first difference: that is what running through schedules rests on.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

from bench.clock import VirtualClock
from bench.demo_keys import demo_key
from bench.devices import Device, KeySlot
from bench.effects import Effects
from bench.emulation import (
    HELD,
    EmulatedWorld,
    FaultSpec,
    Moment,
    PartyBehaviours,
    Truth,
    WorldFactory,
)
from bench.errors import UsageError
from bench.grid.acts import run_act
from bench.grid.cell import Cell, Scope, Strike
from bench.grid.judging import End, Ended, Kept, judge
from bench.grid.striking import Request, Striker
from bench.installation import Installation
from bench.installation_file import read_installation
from bench.key_ring import KeyRing, MemoryKeyRing
from bench.mehrs.loader import load_strategy
from bench.mehrs.strategy import Strategy
from bench.migration.defaults import with_overrides
from bench.migration.process import migrate
from bench.parties import Actor, Inbox
from bench.plugins import DRIVERS, EMULATORS, load
from bench.resubmission import resubmission_policy
from bench.secret import Secret
from bench.shipped import find
from bench.station import read_station
from bench.trace import Event
from bench.units import DAY, MINUTE, parse_instant

START = parse_instant("2021-05-04T09:00:00Z")
DEFAULTS = {"passages": 2}
"""An installation is resubmitted once, so that what one passage leaves meets the next."""

DIRECT, EMU = "direct:", "emu:"
_STATIONS = {EMU: "emulated-emu"}
_SEED = 1
_SETTLES_DOWN = 10 * MINUTE
"""After it every device that restarted is up again."""
_ALL_IS_OVER = 2 * DAY
"""After it every late act was done."""


@dataclass(slots=True)
class Trial:
    """What came of one run."""

    cell: Cell
    ended: Ended
    outcome: str
    requests: list[Request]
    events: list[Event]
    struck: int
    truth: Truth | None = None


@dataclass(slots=True)
class _Stage:
    """A world with its strikes, and the engine's way to it."""

    installation: Installation
    strategy: Strategy
    clock: VirtualClock
    world: EmulatedWorld
    striker: Striker
    keys: MemoryKeyRing
    effects: Effects
    let_all_through: Callable[[], None]

    def wait_for_all(self) -> None:
        """Nothing strikes any more; whatever is late comes."""
        self.striker.stop()
        self.clock.sleep_until(self.clock.now() + _SETTLES_DOWN)
        self.let_all_through()
        self.clock.sleep_until(self.clock.now() + _ALL_IS_OVER)


def run_cell(cell: Cell, *, via: str = DIRECT) -> Trial:
    """Runs it and judges the end. The same cell gives the same run.

    `via`: `direct:`, or `emu:` through the drivers and in octets.
    Raises `UsageError` for a cell that names what does not exist.
    """
    stage = _set_stage(cell, via)
    striker = stage.striker
    outcome, after = "", None
    if cell.scope.is_act:
        ended = run_act(cell.scope, stage)
    else:
        outcome, ended, after = _migrate(cell, stage)
    return Trial(
        cell, ended, outcome, striker.requests, striker.events, striker.struck, truth=after
    )


def require_reached(trial: Trial, via: str) -> None:
    """Raises `UsageError` where a strike comes after the last request or event there can be.

    One that is never reached because an earlier one changed the run is no mistake: pairs hold such.
    """
    strikes = trial.cell.strikes
    if trial.struck == len(strikes):
        return
    cell = replace(trial.cell, strikes=())
    undisturbed = run_cell(cell, via=via)
    requests = max(len(trial.requests), len(undisturbed.requests))
    events = max(len(trial.events), len(undisturbed.events))
    problems = [
        f"{trial.cell}: '{strike}' is never reached: the last is {'e' if after else 'r'}{last}"
        for strike in strikes
        for after, last in ((strike.after_event, events if strike.after_event else requests),)
        if strike.at > last
    ]
    if problems:
        raise UsageError(
            problems, hint=f"smets1-bench faults --cell {cell} lists the requests and events"
        )


def _migrate(cell: Cell, stage: _Stage) -> tuple[str, Ended, Truth | None]:
    before = stage.world.truth()
    events = stage.striker.events
    try:
        migration = migrate(
            stage.effects, stage.installation, stage.strategy, with_overrides(DEFAULTS)
        )
    except Exception as error:
        return "", Ended(End.BROKEN, f"{type(error).__name__}: {error}"), None
    stage.wait_for_all()
    after = stage.world.truth()
    ended = judge(
        stage.installation,
        migration.outcome,
        events,
        {device.name: _kept(stage.keys, device.name) for device in stage.installation.meters},
        before,
        after,
        frozenset(s.target for s in cell.strikes if s.fault == "factory-reset"),
        desk_silent=any(map(_silences_the_desk, cell.strikes)),
    )
    return migration.outcome, ended, after


def _set_stage(cell: Cell, via: str) -> _Stage:
    installation, strategy = installation_of(cell.installation), _strategy(cell.scope)
    _check(cell, installation)
    clock = VirtualClock(START)
    inbox = Inbox(clock)
    first = _first_keys(cell.installation)
    factory: WorldFactory = load(EMULATORS, "installation")
    world = factory(
        installation,
        clock=clock,
        seed=_SEED,
        inbox=inbox,
        behaviours=_BEHAVIOURS,
        resubmission=resubmission_policy(strategy, installation.group),
        device_keys=first,
    )
    striker = Striker(world, cell)
    let_all_through = world.follow(striker)
    keys = MemoryKeyRing(dict(first))
    effects = Effects(
        clock=clock,
        inbox=inbox,
        devices=_devices(world, installation, clock, via),
        parties=world.parties,
        keys=keys,
        random_bytes=random.Random(_SEED).randbytes,
        sink=striker.see,
    )
    return _Stage(installation, strategy, clock, world, striker, keys, effects, let_all_through)


_BEHAVIOURS = PartyBehaviours()


def _devices(
    world: EmulatedWorld, installation: Installation, clock: VirtualClock, via: str
) -> dict[str, Device]:
    """The models themselves, or drivers on lines to them. Such a line needs no closing."""
    devices = dict(world.devices)
    if via == DIRECT:
        return devices
    lines: Any = load(DRIVERS, "lines")
    station = read_station(find("stations", _STATIONS[via]))
    for spec in installation.devices:
        serve = partial(load(EMULATORS, "wire-server"), world, spec.name)
        devices[spec.name] = lines.emulated_line(
            spec,
            station.reached(spec.name).profile,
            clock,
            lambda profile, end, serve=serve: serve(profile, end, "grid"),
            lines.Between(seed=spec.name),
            through_pty=False,
        ).device
    return devices


def _silences_the_desk(strike: Strike) -> bool:
    return (strike.fault, strike.target, strike.lasts) == ("party-silent", Actor.DSP, None)


def _kept(keys: KeyRing, device: str) -> Kept:
    def shown(key: Secret | None) -> str:
        return "" if key is None else key.check_value

    slot = KeySlot.SUA
    others = {shown(keys.staged(device, slot)), shown(keys.previous(device, slot))} - {""}
    return Kept(shown(keys.current(device, slot)), frozenset(others))


@cache
def installation_of(name: str) -> Installation:
    """A shipped installation. Raises `UsageError`."""
    return read_installation(find("installations", name))


@cache
def _first_keys(installation: str) -> dict[tuple[str, KeySlot], Secret]:
    return {
        (device.name, KeySlot.SUA): demo_key(device.eui64, KeySlot.SUA)
        for device in installation_of(installation).meters
    }


@cache
def _strategy(scope: Scope) -> Strategy:
    overlay = find("overlays", "one-sua-attempt") if scope is Scope.ONCE else None
    return load_strategy("5.0", "4.0", overlay)


def _check(cell: Cell, installation: Installation) -> None:
    problems: list[str] = []
    held: list[int] = []
    for strike in cell.strikes:
        if strike.fault != HELD and strike.lets is None:
            problems += _problems(strike, installation)
        elif strike.after_event or strike.target or strike.lasts is not None:
            problems.append(f"'{strike}': expected r{strike.at}={strike.fault}")
        elif strike.lets is None:
            held.append(strike.at)
        elif not 0 <= strike.lets < len(held) or held[strike.lets] >= strike.at:
            problems.append(f"'{strike}': expected a request held before it, such as r1={HELD}")
    if problems:
        raise UsageError([f"{cell}: {problem}" for problem in problems])


def _problems(strike: Strike, installation: Installation) -> Sequence[str]:
    faults: dict[str, Any] = load(EMULATORS, "faults")
    fault = faults.get(strike.fault)
    if fault is None:
        return [f"no fault is called '{strike.fault}'"]
    if not strike.target:
        if fault.fate is None:
            return [f"{strike.fault} needs a target: {strike.fault}@NAME"]
        return ["a fault of a request strikes before one: r1"] if strike.after_event else []
    moment = Moment(after=0)
    spec = FaultSpec(strike.fault, strike.target, moment, strike.lasts)
    found: Sequence[str] = load(EMULATORS, "fault-problems")(spec, installation)
    return found
