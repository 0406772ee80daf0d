"""What stands around a scenario on real kit: undo whatever ends it, mains cuts, supply watched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import cast

from bench.bench_faults import BenchFaults
from bench.clock import Cancellation
from bench.devices import CommsHub, Device, RegisterReading, Role
from bench.power_cuts import PowerCuts
from bench.safe_state import GuardedHub, GuardedPowerSwitch, SafeState
from bench.scenario.keeping import Keeping
from bench.scenario.ran import Ran
from bench.staging import Stage
from bench.station.fitting import cut_at_the_relay
from bench.station.port import Reach
from bench.supply_watch import SupplyWatch


def guard(stage: Stage, safe_state: SafeState, own: Cancellation, faults: BenchFaults) -> None:
    """Real kit is left as it was found, whatever ends the scenario, also kill -9."""
    station, prepared = stage.plot.station, stage.plot.prepared
    board, entry = stage.kit.board, station.kit.relay_board
    if board is not None and entry is not None:
        relays = faults.relays(board, entry.feeds)
        switch = GuardedPowerSwitch(relays, entry.port, entry.profile, safe_state)
        named = prepared.scenario.faults
        cuts = [fault.spec for fault in named if cut_at_the_relay(fault, station)]
        stage.cuts = PowerCuts(cuts, entry.feeds, switch, stage.clock, own.cancel)
    hub = prepared.installation.hub
    reached = station.reached(hub.name)
    if reached.reach is Reach.REAL:
        device = cast(CommsHub, stage.devices[hub.name])
        guarded = GuardedHub(device, hub.name, hub.eui64, reached.port, reached.profile, safe_state)
        stage.devices[hub.name] = cast(Device, guarded)


@contextmanager
def mains_cut(stage: Stage, keeping: Keeping) -> Iterator[None]:
    """Where a scenario is taken up again nobody knows what was cut, so nothing is."""
    cuts = stage.cuts
    if cuts is None or keeping.resumed:
        yield
        return
    cuts.begin()
    try:
        yield
    finally:
        cuts.end()
    if cuts.fault is not None:
        raise cuts.fault


@contextmanager
def supply_watched(stage: Stage, ran: Ran) -> Iterator[None]:
    """In a soak: from the reference meter's own port, or that of the emulated feed."""
    plot = stage.plot
    if plot.prepared.scenario.soak is None:
        yield
        return
    kit = plot.station.kit.reference_meter
    if stage.kit.meter is not None and kit is not None:
        watch = SupplyWatch(kit.measures, stage.kit.meter.measure, stage.clock)
    else:
        name = plot.prepared.installation.with_role(Role.ELECTRICITY_METER)[0].name
        watch = SupplyWatch(name, partial(stage.world.measure, name), stage.clock)
    watch.begin()
    try:
        yield
    finally:
        watch.end()
    if watch.fault is not None:
        raise watch.fault
    read = [act.answer for act in ran.acts if act.target == watch.device]
    readings = [each for each in read if isinstance(each, RegisterReading)]
    ran.witnessed += watch.breaches(readings)
