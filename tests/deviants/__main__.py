"""`python -m tests.deviants [SEEDS]`: every deviant through every suite, and good devices by seeds.

Prints the tables that docs/evidence.md holds. Fails where a deviant is not caught for what it does,
or anything is found of a good device.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

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


def false_findings(seeds: range) -> list[str]:
    return [
        f"{prepared.scenario.scenario} --seed {seed}: {said}"
        for seed in seeds
        for prepared in scenarios()
        for said in complaints(prepared, seed)
    ]


def table(title: str, rows: list[Row]) -> Iterator[str]:
    yield f"| {title} | must be found | {' | '.join(SUITES)} | one finding |"
    yield f"|---|---|{'---|' * len(SUITES)}---|"
    for name, cause, counts, first in rows:
        cells = " | ".join(str(counts[suite] or "·") for suite in SUITES)
        yield f"| `{name}` | {cause} | {cells} | {first.replace('|', '/')} |"


def main(seeds: int) -> int:
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        devices = list(pool.map(device_row, DEVIANTS))
        s1sps = list(pool.map(s1sp_row, DEVIANT_S1SPS))
        parts = [range(at, min(at + 10, seeds + 1)) for at in range(1, seeds + 1, 10)]
        wrong = [said for part in pool.map(false_findings, parts) for said in part]
    rows = [*devices, *s1sps]
    caught = sum(any(counts.values()) for _, _, counts, _ in rows)
    print(
        f"{caught} of {len(rows)} deviants caught for what they do: {len(devices)} devices, "
        f"{len(s1sps)} S1SPs; in how many of the {len(scenarios())} scenarios of `{SUITE}`:\n"
    )
    print("\n".join(table("device", devices)), end="\n\n")
    print("\n".join(table("S1SP", s1sps)), end="\n\n")
    runs = seeds * len(scenarios())
    print(f"Good devices and the good engine: {len(wrong)} findings in {runs} scenario runs, ")
    print(f"{seeds} seeds.")
    print("\n".join(wrong[:20]))
    return int(caught < len(rows) or bool(wrong))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000))
