"""`grid.json`: what a grid came to, with commands that replay its cells."""

from __future__ import annotations

import json
import platform
import shlex
from typing import Any, Final

from bench.grid.judging import End
from bench.grid.plan import Order, Part
from bench.grid.tally import PARKED, Named, Place, Tally
from bench.grid.trial import DIRECT
from bench.grid.working import Grid
from bench.tool_identity import tool_commit, tool_version

FORMAT: Final = 2


def replay(cell: str, via: str) -> str:
    """The one command that runs this cell again and tells its story."""
    words = ["smets1-bench", "faults", "--cell", cell]
    return shlex.join(words if via == DIRECT else [*words, "--via", via])


def grid_json(order: Order, grid: Grid, workers: int) -> str:
    """But for `seconds`, `workers` and `python` the same for the same order, however it was run."""
    record: dict[str, Any] = {
        "format": FORMAT,
        "kit": "EMULATED",
        "tool": tool_version(),
        "commit": tool_commit(),
        "python": platform.python_version(),
        "via": order.via,
        "seed": order.seed,
        "sample": order.sample,
        "groups": [str(group) for group in order.groups],
        "fault": order.fault,
        "fates": order.fates,
        "workers": workers,
        "seconds": round(grid.seconds, 1),
        "complete": grid.complete,
        "runs": grid.runs,
        "red": grid.red,
        "parts": {str(part): _part(tally, order.via) for part, tally in _parts(grid)},
    }
    return json.dumps(record, indent=1) + "\n"


def _parts(grid: Grid) -> list[tuple[Part, Tally]]:
    return [(part, grid.tallies[part]) for part in Part if part in grid.tallies]


def _part(tally: Tally, via: str) -> dict[str, Any]:
    return {
        "runs": tally.total,
        "stands_for": tally.stood_for,
        "requests": tally.requests,
        "unstruck": tally.unstruck,
        "ends": {end.value: tally.runs[end.value] for end in End if tally.runs[end.value]},
        "red": [_named(each, via) for each in tally.red],
        "parked": [_named(each, via) for each in tally.parked],
        "heat": [_heat(tally, place, via) for place in sorted(tally.heat)],
    }


def _named(each: Named, via: str) -> dict[str, str]:
    return {
        "cell": each.cell,
        "end": each.end,
        "why": each.why,
        "replay": replay(each.cell, via),
    }


def _heat(tally: Tally, place: Place, via: str) -> dict[str, Any]:
    """`replay`: of the worst run there, or one of them."""
    ends = tally.heat[place]
    return {
        "installation": place[0],
        "fault": place[1],
        "where": place[2],
        "ends": dict(ends),
        "red": sum(count for end, count in ends.items() if End(end).red),
        "parked": sum(ends[end.value] for end in PARKED),
        "replay": replay(tally.shown[place][2], via),
    }
