"""Every single fault at every place of a run that goes well, and seeded pairs of them.

A fault of a request strikes at each request that it can happen to. A fault of a state strikes at
each target it can happen to: after every event of the trace (which are the steps' boundaries), and
at every request in between; where it can end by itself, once for good and once for six hours.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any, Final

from bench.emulation import FaultSpec, Moment
from bench.grid.cell import Cell, Scope, Strike
from bench.grid.trial import Trial, installation_of, run_cell
from bench.installation import Installation
from bench.plugins import EMULATORS, load
from bench.units import HOUR

_LASTS: Final = 6 * HOUR


def single_cells(installation: str, only: str = "") -> list[Cell]:
    """Of one installation, in the order of the catalogue; `only`: of that fault."""
    healthy = run_cell(Cell(installation, Scope.RUN))
    kit = installation_of(installation)
    return [
        Cell(installation, Scope.RUN, (strike,))
        for name, fault in catalogue().items()
        if only in ("", name)
        for strike in _strikes(name, fault, kit, healthy)
    ]


def pair_cells(singles: list[Cell], source: random.Random, number: int) -> Iterator[Cell]:
    """So many pairs at random of two single faults of one installation.

    The second may strike where the first led to.
    """
    for _ in range(number):
        first = source.choice(singles)
        (one,) = first.strikes
        (other,) = source.choice(singles).strikes
        yield Cell(first.installation, first.scope, (one, other))


def catalogue() -> Mapping[str, Any]:
    """Every fault of the emulators by its name."""
    faults: Mapping[str, Any] = load(EMULATORS, "faults")
    return faults


def _strikes(name: str, fault: Any, kit: Installation, healthy: Trial) -> Iterator[Strike]:
    if fault.fate is not None:
        for at, request in enumerate(healthy.requests, 1):
            moment = Moment(request=request.operation)
            if _possible(FaultSpec(name, request.target, moment), kit):
                yield Strike(at, name)
        return
    lasting = (None, _LASTS) if "lasts" in fault.options else (None,)
    targets = [device.name for device in kit.devices] + sorted(map(str, fault.parties))
    for target in targets:
        if not _possible(FaultSpec(name, target, Moment(after=0)), kit):
            continue
        for lasts in lasting:
            for at in range(1, len(healthy.events)):
                yield Strike(at, name, after_event=True, target=target, lasts=lasts)
            for at in range(1, len(healthy.requests) + 1):
                yield Strike(at, name, target=target, lasts=lasts)


def _possible(spec: FaultSpec, kit: Installation) -> bool:
    return not load(EMULATORS, "fault-problems")(spec, kit)
