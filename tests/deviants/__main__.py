"""`python -m tests.deviants [SEEDS [EVERY]]`: deviants through every suite, good devices by seeds.

Prints the tables that docs/evidence.md holds. Fails where a deviant is not caught for what it does,
or anything is found of a good device. With EVERY each seed plays one in so many scenarios, in turn,
so that all are played after EVERY seeds.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from bench.deviant_s1sps import DEVIANT_S1SPS
from emulators.deviants import DEVIANTS
from tests.deviants.catching import SUITE, broken_rules, complaints, findings_of, scenarios

SUITES = (
    "commissioning",
    "validation",
    "split-supply",
    "failure-rollback",
    "retry",
    "key-rotation",
    "soak",
)
Row = tuple[str, str, dict[str, int], str]
"""A deviant, what must be found of it, in how many scenarios of each suite it was, one finding."""


def device_row(deviant: str) -> Row:
    cause = DEVIANTS[deviant].breaks
    counts, first = dict.fromkeys(SUITES, 0), ""
    for prepared in scenarios():
        found = dict(findings_of(prepared, deviant))
        if cause in found:
            counts[prepared.suite] += 1
            first = first or found[cause]
    return deviant, cause, counts, first


def s1sp_row(s1sp: str) -> Row:
    cause = DEVIANT_S1SPS[s1sp].rule
    counts, first = dict.fromkeys(SUITES, 0), ""
    for prepared in scenarios():
        broken = broken_rules(prepared, s1sp)
        if cause in broken:
            counts[prepared.suite] += 1
            first = first or broken[cause]
    return s1sp, cause, counts, first


def false_findings(seeds: range, every: int) -> tuple[int, list[str]]:
    """How many scenarios were run, and all that was found."""
    runs, found = 0, []
    for seed in seeds:
        for prepared in scenarios()[seed % every :: every]:
            runs += 1
            said = complaints(prepared, seed)
            found += [f"{prepared.scenario.scenario} --seed {seed}: {each}" for each in said]
    return runs, found


def table(title: str, rows: list[Row]) -> Iterator[str]:
    yield f"| {title} | must be found | {' | '.join(SUITES)} | one finding |"
    yield f"|---|---|{'---|' * len(SUITES)}---|"
    for name, cause, counts, first in rows:
        cells = " | ".join(str(counts[suite] or "·") for suite in SUITES)
        yield f"| `{name}` | {cause} | {cells} | {first.replace('|', '/')} |"


def main(seeds: int, every: int) -> int:
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        devices = list(pool.map(device_row, DEVIANTS))
        s1sps = list(pool.map(s1sp_row, DEVIANT_S1SPS))
        parts = [range(at, min(at + 10, seeds + 1)) for at in range(1, seeds + 1, 10)]
        played = list(pool.map(partial(false_findings, every=every), parts))
    rows = [*devices, *s1sps]
    caught = sum(any(counts.values()) for _, _, counts, _ in rows)
    print(
        f"{caught} of {len(rows)} deviants caught for what they do: {len(devices)} devices, "
        f"{len(s1sps)} S1SPs; in how many of the {len(scenarios())} scenarios of `{SUITE}`:\n"
    )
    print("\n".join(table("device", devices)), end="\n\n")
    print("\n".join(table("S1SP", s1sps)), end="\n\n")
    runs = sum(count for count, _ in played)
    wrong = [said for _, found in played for said in found]
    print(f"Good devices and the good engine: {len(wrong)} findings in {runs} runs of a scenario, ")
    print(f"{seeds} seeds, each scenario with {seeds // every} of them or more.")
    print("\n".join(wrong[:20]))
    return int(caught < len(rows) or bool(wrong))


if __name__ == "__main__":
    seeds, every, *_ = [*map(int, sys.argv[1:]), *(1000, 1)[len(sys.argv) - 1 :]]
    sys.exit(main(seeds, every))
