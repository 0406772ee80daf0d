"""A shard: some installations of a campaign; each drawn, played, judged and counted in turn."""

from __future__ import annotations

import gc
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from bench.campaign.account import BROKEN_RULES, count_in
from bench.campaign.drawing import Drawing
from bench.campaign.mix import Mix
from bench.campaign.playing import Player
from bench.campaign.tally import Tally
from bench.conformance.checker import Checker
from bench.conformance.memory import rare_collections
from bench.errors import BenchError
from bench.installation import Installation
from bench.mehrs.strategy import Strategy
from bench.tool_identity import this_program
from bench.trace import Event
from bench.units import Micros
from bench.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Plan:
    """All that an installation's fate depends on, beside its number. `program`: this one."""

    mix: Mix
    installations: Mapping[str, Installation]
    strategy: Strategy
    tolerance: Micros
    seed: int
    program: str


@dataclass(frozen=True, slots=True)
class Shard:
    """Installations from `first` to before `end`. `traces`: the folder for their events, if any."""

    first: int
    end: int
    traces: Path | None = None

    @property
    def trace(self) -> Path | None:
        """Where their events go, as Parquet."""
        if self.traces is None:
            return None
        return self.traces / f"installations-{self.first:07d}-{self.end - 1:07d}.parquet"


@lru_cache(maxsize=2)
def _prepared(plan: bytes) -> tuple[Plan, Drawing, Player]:
    """A plan as a worker uses it for one shard after another. Raises `BenchError`."""
    read: Plan = pickle.loads(plan)
    if read.program != this_program():
        raise BenchError(f"expected {read.program} on every worker, got {this_program()}")
    ready = read, Drawing(read.mix, read.installations, read.seed), Player(read.strategy, read.seed)
    gc.freeze()
    return ready


def work_on(plan: bytes, shard: Shard) -> Tally:
    """The counts of a shard of a pickled `Plan`. Safe to repeat, on any machine.

    Raises `BenchError` where the plan was made by another version of the bench.
    """
    read, drawing, player = _prepared(plan)
    tally = Tally()
    kept: list[Event] = []
    with rare_collections():
        checker = Checker(read.strategy, read.tolerance)
        where = 0
        for number in range(shard.first, shard.end):
            drawn = drawing.draw(number)
            events: list[Event] = []
            played = player.play(drawn, events.append)
            for event in events:
                where += 1
                checker.feed(event, where)
            checker.leave(drawn.installation.name, events[-1].at)
            count_in(tally, drawn, played, events)
            if shard.traces is not None:
                kept.extend(events)
        part = checker.part()
    broken: dict[str, int] = {}
    for _, finding in part.findings:
        if finding.verdict is Verdict.FAIL:
            broken[finding.installation] = broken.get(finding.installation, 0) + 1
    for name, count in broken.items():
        tally.notice(BROKEN_RULES, (count, int(name.rpartition("-")[2]), name))
    for rule, counted in part.rules.items():
        for verdict, count in counted.as_json().items():
            if count:
                tally.rules[rule, verdict] += count
    if shard.trace is not None:
        from bench.large_checks.parquet import write_parquet

        write_parquet(kept, shard.trace)
    return tally
