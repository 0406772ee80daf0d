"""Acts beside key rotation that leave a doubt when their answer is lost, run through and judged.

What the act claims is held against what is so in the end, when whatever was late has come.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from bench.clock import VirtualClock
from bench.devices import Role
from bench.effects import Effects
from bench.emulation import EmulatedWorld
from bench.errors import Ambiguous, PeerError
from bench.grid.cell import Scope
from bench.grid.judging import End, Ended
from bench.installation import Installation
from bench.settling import Patience, let_join, reboot_hub, set_clock
from bench.units import MINUTE, SECOND

_PATIENCE: Final = Patience(MINUTE, 12)
_TOLERANCE: Final = 10 * SECOND


class _Striker(Protocol):
    def count(self) -> None: ...


class Stage(Protocol):
    """What `bench.grid.trial` sets."""

    @property
    def installation(self) -> Installation: ...
    @property
    def clock(self) -> VirtualClock: ...
    @property
    def world(self) -> EmulatedWorld: ...
    @property
    def effects(self) -> Effects: ...
    @property
    def striker(self) -> _Striker: ...

    def wait_for_all(self) -> None: ...


def run_act(scope: Scope, stage: Stage) -> Ended:
    """Does the act of that scope once and judges what came of it."""
    act = _ACTS[scope](stage)
    stage.striker.count()
    try:
        act.do()
    except Ambiguous as doubt:
        claimed, why = None, str(doubt)
    except PeerError as error:
        claimed, why = False, str(error)
    else:
        claimed, why = True, ""
    stage.wait_for_all()
    times = act.times()
    if times > 1:
        return Ended(End.TWICE, f"{times} times")
    if claimed is None:
        return Ended(End.IN_DOUBT, why)
    if claimed and not act.is_so():
        return Ended(End.WRONG_ACT, "claimed to be done, and is not so")
    if not claimed and times:
        return Ended(End.WRONG_ACT, "claimed not to be done, and was")
    return Ended(End.DONE if claimed else End.NOT_DONE, why)


class _Act(Protocol):
    def do(self) -> None: ...

    def is_so(self) -> bool: ...

    def times(self) -> int:
        """How often the device carried it out."""


class _Reboot:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._hub = stage.installation.hub.name
        self._before = self._power_ups()

    def do(self) -> None:
        reboot_hub(self._stage.effects, self._hub, _PATIENCE)

    def is_so(self) -> bool:
        return self._power_ups() > self._before

    def times(self) -> int:
        return self._stage.world.truth().devices[self._hub].executed.get("reboot", 0)

    def _power_ups(self) -> int:
        return self._stage.effects.hub(self._hub).diagnostics().power_ups


class _Join:
    """The display has left the HAN."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._hub = stage.installation.hub.name
        (display,) = stage.installation.with_role(Role.IHD)
        self._eui64 = display.eui64
        stage.effects.hub(self._hub).remove_device(self._eui64)

    def do(self) -> None:
        let_join(self._stage.effects, self._hub, self._eui64, _PATIENCE)

    def is_so(self) -> bool:
        table = self._stage.effects.hub(self._hub).han_devices()
        return any(row.eui64 == self._eui64 and row.joined for row in table)

    def times(self) -> int:
        return int(self.is_so())


class _Clock:
    """The electricity meter's clock is 20 min slow."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        (meter,) = stage.installation.with_role(Role.ELECTRICITY_METER)
        self._meter = meter.name
        slow = stage.clock.now() - 20 * MINUTE
        stage.effects.meter(self._meter).set_clock(slow)

    def do(self) -> None:
        set_clock(self._stage.effects, self._meter, _TOLERANCE, _PATIENCE)

    def is_so(self) -> bool:
        effects = self._stage.effects
        return abs(effects.meter(self._meter).read_clock() - effects.now()) <= _TOLERANCE

    def times(self) -> int:
        return self._stage.world.truth().devices[self._meter].executed["set_clock"] - 1


_ACTS: Final[Mapping[Scope, Callable[[Stage], _Act]]] = {
    Scope.REBOOT: _Reboot,
    Scope.JOIN: _Join,
    Scope.CLOCK: _Clock,
}
