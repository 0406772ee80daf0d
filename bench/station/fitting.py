"""Whether a scenario can be run on a station, and on which installation; else why not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from bench.bench_faults import RELAY_STUCK, is_bench_fault
from bench.installation import Installation, with_deviants
from bench.migration.sections import PROCESS
from bench.operator import Occasion, Operator, OperatorStep
from bench.plugins import EMULATORS, load
from bench.power_cuts import POWER_CUT
from bench.station.form import Station
from bench.station.port import Reach
from bench.suite import FaultEntry, Restore
from bench.suite_reading import PreparedScenario

_ROTATION: Final = "2.6.4.1"


def fitted(
    prepared: PreparedScenario, station: Station, operator: Operator, *, yes: bool = False
) -> PreparedScenario:
    """The scenario as it is run on the station: on the station's own installation if it has one.

    `not_run` of what comes back says why it cannot be run there. What it would change of real kit
    for good a person is asked first, unless `yes`.
    """
    if prepared.not_run:
        return prepared
    changes = irreversible_on(prepared, station)
    reasons = list(_reasons(prepared, station, operator))
    if changes and not yes:
        if operator.absent:
            reasons.append(f"it cannot be undone: {changes}; {operator.absent}; --yes allows it")
        ask = OperatorStep(
            Occasion.BEFORE, f"This cannot be undone: {changes}. Go on?", ("yes", "no")
        )
        asked = replace(prepared.scenario, operator=(ask, *prepared.scenario.operator))
        prepared = replace(prepared, scenario=asked)
    if reasons:
        return replace(prepared, not_run="; ".join(reasons))
    held, wanted = station.installation, prepared.installation
    if held is not None:
        wanted = held.as_installation(wanted.name, wanted.suppliers)
    deviants = {**station.deviants, **prepared.scenario.deviants}
    return replace(prepared, installation=with_deviants(wanted, deviants))


def irreversible_on(prepared: PreparedScenario, station: Station) -> str:
    """What of real kit the scenario leaves changed for good on that station; empty: nothing.

    What it says of itself, or else that it rotates keys of real meters and does not restore them.
    Meters that are given public test keys are emulated ones.
    """
    scenario, installation = prepared.scenario, prepared.installation
    real = [
        device.name
        for device in installation.meters
        if station.reached(device.name).reach is Reach.REAL
        and not station.reached(device.name).security.test_keys
    ]
    if not real or scenario.irreversible:
        return scenario.irreversible if real else ""
    rotates = any(stage.section == _ROTATION for stage in PROCESS[installation.group])
    if rotates and Restore.KEYS not in scenario.preconditions.restore:
        return f"it may leave {' and '.join(real)} with a new SUA key"
    return ""


def _reasons(prepared: PreparedScenario, station: Station, operator: Operator) -> Iterator[str]:
    yield from _installation_reasons(prepared, station)
    for fault in prepared.scenario.faults:
        yield from _fault_reasons(fault, station)
    if prepared.scenario.soak and station.real and station.kit.reference_meter is None:
        yield "it watches the supply from a reference meter, and the station has none under kit"
    for name, deviant in prepared.scenario.deviants.items():
        port = station.reached(name).port
        if station.reached(name).reach in (Reach.REAL, Reach.VIA_HUB):
            yield f"{deviant} stands in for an emulated device only, and '{name}' is on {port}"
    if prepared.scenario.operator and operator.absent:
        yield f"it asks a person, and {operator.absent}"


def _installation_reasons(prepared: PreparedScenario, station: Station) -> Iterator[str]:
    held = station.installation
    if held is None:
        return
    wanted = prepared.installation
    has = held.as_installation(wanted.name, wanted.suppliers)
    for what, needed, there in (
        ("group", wanted.group, has.group),
        ("payment", wanted.payment, has.payment),
        ("devices", _devices(wanted), _devices(has)),
        ("suppliers", len(wanted.suppliers), len(has.suppliers)),
    ):
        if needed != there:
            yield f"it needs {what} {needed}, the station's installation has {there}"
    missing = {each.name for each in wanted.devices} - {each.name for each in has.devices}
    if missing:
        yield (
            f"list {', '.join(sorted(missing))} in the station too: a device without a port is "
            "emulated"
        )
    for supplier in prepared.scenario.parties.suppliers:
        if supplier not in has.suppliers:
            yield f"it speaks of supplier '{supplier}', whom the station's installation has not"


def _devices(installation: Installation) -> str:
    named = sorted(f"{device.name} ({device.role})" for device in installation.devices)
    return ", ".join(named)


def _fault_reasons(fault: FaultEntry, station: Station) -> Iterator[str]:
    reached = station.reached(fault.target)
    if is_bench_fault(fault.fault):
        yield from _bench_fault_reasons(fault, station)
    elif is_pipe_fault(fault.fault):
        if not reached.reach.on_a_line:
            yield (
                f"{fault.fault} strikes octets, and '{fault.target}' is reached {reached.port} "
                "without any: use --station emulated-emu, or another with ports"
            )
    elif cut_at_the_relay(fault, station):
        yield from _relay_reasons(fault, station)
    elif reached.reach in (Reach.REAL, Reach.VIA_HUB):
        yield (
            f"{fault.fault} can be put into an emulated device only, and '{fault.target}' is on "
            f"{reached.port}"
        )


def _bench_fault_reasons(fault: FaultEntry, station: Station) -> Iterator[str]:
    if fault.fault == RELAY_STUCK and fault.target not in _feeds(station):
        yield (
            f"{fault.fault} strikes the relay that feeds a device, and the station has no "
            f"relay-board under kit that feeds '{fault.target}'"
        )


def _feeds(station: Station) -> Mapping[str, int]:
    return station.kit.relay_board.feeds if station.kit.relay_board is not None else {}


def cut_at_the_relay(fault: FaultEntry, station: Station) -> bool:
    """Whether the fault is done by the relay that feeds a real device."""
    board = station.kit.relay_board
    return (
        fault.fault == POWER_CUT
        and station.reached(fault.target).reach is Reach.REAL
        and board is not None
        and fault.target in board.feeds
    )


def _relay_reasons(fault: FaultEntry, station: Station) -> Iterator[str]:
    feeds = _feeds(station)
    channel = feeds[fault.target]
    others = [name for name, fed in feeds.items() if fed == channel and name != fault.target]
    if others:
        yield (
            f"relay {channel}, which feeds '{fault.target}', feeds {', '.join(others)} too, so "
            f"{fault.fault} cannot strike it alone"
        )
    if fault.request is not None:
        yield (
            f"{fault.fault} of '{fault.target}' is done by relay {channel}, which knows no "
            "requests: expected after or when"
        )


def is_pipe_fault(name: str) -> bool:
    """Whether a fault of that name strikes the line. An emulator's fault of the same name wins."""
    return name not in load(EMULATORS, "faults") and not is_bench_fault(name)
