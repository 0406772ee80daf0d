"""Works through a campaign: shard after shard, each kept as soon as it is done."""

from __future__ import annotations

import hashlib
import json
import pickle
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.campaign.engine import Engine
from bench.campaign.mix_reading import ReadMix
from bench.campaign.shard import Plan, Shard
from bench.campaign.shards_file import begun, taken_up
from bench.campaign.tally import Tally
from bench.errors import BenchError, UsageError
from bench.mehrs.strategy import Strategy
from bench.migration.process import require_group
from bench.tool_identity import this_program, tool_commit, tool_version
from bench.units import Micros

SHARD: Final = 500
"""Installations in a shard."""

TRACES: Final = "traces"


@dataclass(frozen=True, slots=True)
class Order:
    """A campaign as it was asked for. `named`, `overlay`: the files, as the user named them."""

    named: str
    mix: ReadMix
    strategy: Strategy
    tolerance: Micros
    seed: int
    installations: int
    shard: int = SHARD
    parquet: bool = False
    overlay: str = ""

    @property
    def plan(self) -> Plan:
        return Plan(
            self.mix.mix,
            self.mix.installations,
            self.strategy,
            self.tolerance,
            self.seed,
            this_program(),
        )

    def head(self) -> Mapping[str, Any]:
        """What must be the same for the campaign to be the same."""
        overlay = self.strategy.overlay
        files = hashlib.sha256(json.dumps(sorted(self.mix.source.values())).encode())
        return {
            "installations": self.installations,
            "mix": self.mix.mix.mix,
            "mix files": f"sha256:{files.hexdigest()}",
            "seed": self.seed,
            "mehrs": self.strategy.mehrs.version,
            "mam": self.strategy.mam.version,
            "overlay": None if overlay is None else overlay.name,
            "hashes": dict(self.strategy.hashes),
            "tolerance": self.tolerance,
            "tool": tool_version(),
            "commit": tool_commit(),
        }


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `of` installations, `before` of them in an earlier sitting; seconds since then."""

    done: int
    of: int
    before: int
    seconds: float

    @property
    def rate(self) -> float:
        """Installations a second."""
        return (self.done - self.before) / self.seconds if self.seconds else 0.0

    @property
    def left(self) -> float | None:
        """Seconds, at this rate; None where nothing can be said yet."""
        return (self.of - self.done) / self.rate if self.rate else None


@dataclass(frozen=True, slots=True)
class Campaign:
    """What came of it. `complete` False: it was stopped before the end and can be taken up."""

    order: Order
    tally: Tally
    complete: bool


def work_through(
    order: Order,
    engine: Engine,
    folder: Path,
    *,
    resume: bool = False,
    show: Callable[[Progress], None] | None = None,
) -> Campaign:
    """Ctrl-C ends it early and is not raised again: what is done is kept in the folder.

    Raises `UsageError` before anything is done: the strategy does not speak of a group of the mix,
    or what is to be resumed is another campaign. `BenchError`: the folder cannot be written.
    """
    for installation in order.mix.installations.values():
        require_group(order.strategy, installation.group)
    traces = (folder / TRACES).resolve() if order.parquet else None  # Dask workers stand elsewhere
    try:
        if not resume or folder.is_dir():
            (traces or folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BenchError(
            f"{folder}: cannot be written: {error.strerror}",
            hint="name a folder that can be written with --out DIR",
        ) from None
    head = {**order.head(), "shard": order.shard, "parquet": order.parquet}
    with (taken_up if resume else begun)(folder, head) as kept:
        shards = [
            Shard(first, min(first + order.shard, order.installations), traces)
            for first in range(0, order.installations, order.shard)
        ]
        _require_traces(kept.done, shards)
        left = [shard for shard in shards if (shard.first, shard.end) not in kept.done]
        before = done = sum(end - first for first, end in kept.done)
        began = time.monotonic()
        complete = True
        try:
            with closing(engine.tallies(pickle.dumps(order.plan), left)) as tallies:
                for shard, tally in tallies:
                    kept.add(shard, tally)
                    done += shard.end - shard.first
                    if show is not None:
                        seconds = time.monotonic() - began
                        show(Progress(done, order.installations, before, seconds))
        except KeyboardInterrupt:
            complete = done >= order.installations
    return Campaign(order, kept.tally, complete)


def _require_traces(done: set[tuple[int, int]], shards: list[Shard]) -> None:
    """Raises `UsageError` where a shard was counted and its trace is gone."""
    gone = [
        shard.trace
        for shard in shards
        if (shard.first, shard.end) in done and shard.trace is not None and not shard.trace.exists()
    ]
    if gone:
        more = f" with {len(gone) - 1} others" if len(gone) > 1 else ""
        raise UsageError(
            f"{gone[0]}: expected the trace of installations that are done, it is gone{more}",
            hint="put it back, or begin the campaign anew in another --out",
        )
