"""What of a run's folder goes into a pack, by a list that says what each file is.

A file that is not on the list is named and left out: what nobody declared might be anything, also
a key. Links are not followed, and pipes not read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.errors import BenchError, UsageError
from bench.evidence.archive import may_be_packed

TRACE: Final = "trace.jsonl"
RESULT: Final = "result.json"
CHECKPOINTS: Final = "checkpoints.jsonl"
ENVIRONMENT: Final = "environment.json"
CLOCK: Final = "clock.json"
INPUTS: Final = "inputs"
JOURNAL: Final = "journal.db"
JOURNAL_HEAD: Final = "journal.head"

NEEDED: Final = (TRACE, RESULT)

DECLARED: Final = {
    r"trace\.jsonl": "what happened",
    r"result\.json": "what was found",
    r"details\.yaml": "who ordered the test, who made it",
    r"environment\.json": "the machine and its software",
    r"grid\.json": "what a grid of faults came to",
    r"stopped-by-a-fault\.jsonl": "which faults of its scenarios stopped the run",
    r"clock\.json": "how good the clock was",
    r"checkpoints\.jsonl": "the run's own checkpoints",
    r"journal\.db": "every act of the run with its result, chained",
    r"journal\.head": "the head of the journal's chain",
    r"captures/[^/]+\.jsonl": "what passed on a port",
    r"inputs/.+\.yaml": "what the run read: suites, installations, overlay, station, profiles",
}
"""Patterns of names, and what stands in such a file."""

NOT_NAMED: Final = frozenset({"report.html", "junit.xml", "mrr6.csv", "faults.html", "run.lock"})
"""Reports are made anew by `pack` from trace and result; a lock is no evidence."""

_PATTERN: Final = re.compile("|".join(f"(?:{pattern})" for pattern in DECLARED))


@dataclass(frozen=True, slots=True)
class RunFiles:
    """The files of a run's folder: those to be packed, and the names of those left out."""

    packed: dict[str, bytes]
    left_out: tuple[str, ...]


def run_files(folder: Path) -> RunFiles:
    """Reads the folder. Raises `UsageError` where it is no run, `BenchError` where it fails."""
    folder = folder.resolve()
    missing = [name for name in NEEDED if not (folder / name).is_file()]
    if missing:
        raise UsageError(
            f"{folder}: expected the folder of a run, got none with {' and '.join(missing)}",
            hint="name the folder that `smets1-bench run --out DIR` wrote",
        )
    packed: dict[str, bytes] = {}
    left_out: list[str] = []
    try:
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_dir() and not path.is_symlink():
                continue
            declared = _PATTERN.fullmatch(name) is not None and may_be_packed(name)
            if declared and path.is_file() and path.resolve() == path:  # a link may lead anywhere
                packed[name] = path.read_bytes()
            elif name not in NOT_NAMED:
                left_out.append(name)
    except OSError as error:
        raise BenchError(f"{folder}: cannot be read: {error.strerror}") from None
    missing = [name for name in NEEDED if name not in packed]
    if missing:
        raise UsageError(f"{folder}: {' and '.join(missing)} must be a file, not a link")
    if (JOURNAL in packed) != (JOURNAL_HEAD in packed):
        gone = JOURNAL if JOURNAL_HEAD in packed else JOURNAL_HEAD
        raise UsageError(
            f"{folder}: expected {gone} beside the rest of the journal, it is gone",
            hint="put it back: without it the pack would look tampered with",
        )
    return RunFiles(packed, tuple(left_out))
