"""Whether two packs are of one run: an amendment is of the run that it amends, and of no other.

A run is known by the first entry of its journal, which is made once, when it begins, and holds the
suite, the seed, every scenario's hash and the moment; resuming or packing it again leaves that as
it is. Where either has no sound journal, its trace has to go on from that of the other.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError, UsageError
from bench.evidence.archive import unfold
from bench.evidence.chain import heads
from bench.evidence.contents import JOURNAL, JOURNAL_HEAD, RESULT, TRACE
from bench.journal.entry import START, chained
from bench.journal.store import Journal
from bench.result import read_result
from bench.units import format_instant


@dataclass(frozen=True, slots=True)
class RunIdentity:
    """`first`: the hash of the journal's first entry, `begun` its moment; both empty where there is
    no sound journal. `heads`: of the trace's chain, line by line.
    """

    suite: str
    seed: int
    first: str
    begun: str
    heads: tuple[str, ...]

    def __str__(self) -> str:
        if self.first:
            known_by = f"begun {self.begun}, journal {self.first[:16]}"
        else:
            known_by = f"no journal, trace {self.heads[-1][:16] if self.heads else 'empty'}"
        return f"suite {self.suite}, seed {self.seed}, {known_by}"


def identity_of(files: Mapping[str, bytes]) -> RunIdentity:
    """Of the files of a run's folder or of its pack. `UsageError`: its result cannot be read."""
    kept = {name: files[name] for name in (RESULT, JOURNAL, JOURNAL_HEAD) if name in files}
    with tempfile.TemporaryDirectory(prefix="smets1-bench-") as scratch:
        folder = Path(scratch)
        unfold(kept, folder)
        record = read_result(folder)
        first, begun = _first_entry(folder) if len(kept) == 3 else ("", "")
    return RunIdentity(record.suite, record.seed, first, begun, tuple(heads(files[TRACE])))


def _first_entry(folder: Path) -> tuple[str, str]:
    try:
        journal, entries = Journal.open(folder / JOURNAL)
    except BenchError:
        return "", ""
    journal.abandon()
    if not entries:
        return "", ""
    return chained(START, entries[0]).hex(), format_instant(entries[0].moment.at)


def refuse_another_run(earlier: RunIdentity, now: RunIdentity, pack: Path, folder: Path) -> None:
    """Raises `UsageError` where the earlier pack is not of the run that is to be packed."""
    if earlier.first and now.first:
        same = earlier.first == now.first
    else:
        shared = min(len(earlier.heads), len(now.heads))
        same = (earlier.suite, earlier.seed, earlier.heads[:shared]) == (
            *(now.suite, now.seed),
            now.heads[:shared],
        )
    if not same:
        raise UsageError(
            f"{pack}: expected an earlier pack of the same run: it is of {earlier}; "
            f"{folder} is of {now}",
            hint="a pack of another run amends nothing: leave --amends and --reason away",
        )
