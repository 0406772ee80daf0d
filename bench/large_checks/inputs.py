"""What the words on the command line stand for: files, folders and patterns of names."""

from __future__ import annotations

import glob
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from bench.errors import UsageError
from bench.trace_reading import Places, TraceFile, TraceSource

SUFFIXES: Final = (".jsonl", ".parquet")
"""What a trace in a folder is called."""

_OTHER_FILES: Final = frozenset(
    {"checkpoints.jsonl", "safe-state.jsonl", "shards.jsonl", "stopped-by-a-fault.jsonl"}
)
_CAPTURES: Final = "captures"
"""What else of JSON lines a run or a campaign leaves in its folder."""

STANDARD_INPUT: Final = "-"


def trace_files(words: Iterable[str]) -> list[str]:
    """The files of a trace, in the order given; those of a folder or a pattern by name.

    A folder stands for the traces in it and in the folders below, and may be that of a run or of a
    campaign. Raises UsageError for every
    folder or pattern that no trace fits.
    """
    files: list[str] = []
    problems = []
    for word in words:
        if word != STANDARD_INPUT and Path(word).is_dir():
            found = sorted(str(path) for path in Path(word).rglob("*") if _is_trace(path))
            wanted = f"{' or '.join(SUFFIXES)} in the folder"
        elif glob.has_magic(word) and not Path(word).exists():
            # Path.glob takes no absolute pattern.
            names = glob.iglob(word, recursive=True)  # noqa: PTH207
            found = sorted(name for name in names if Path(name).is_file())
            wanted = "of that pattern"
        else:
            found, wanted = [word], ""
        if not found:
            problems.append(f"{word}: expected a trace {wanted}, found none")
        files.extend(found)
    if problems:
        raise UsageError(problems)
    return files


def _is_trace(path: Path) -> bool:
    other = path.name in _OTHER_FILES or path.parent.name == _CAPTURES
    return path.suffix in SUFFIXES and not other


def is_parquet(path: str) -> bool:
    return path.endswith(".parquet")


def open_trace(path: str, places: Places) -> TraceSource:
    """One file of a trace, whatever its form."""
    if is_parquet(path):
        from bench.large_checks.parquet import ParquetTrace

        return ParquetTrace(path, places)
    return TraceFile(path, places)
