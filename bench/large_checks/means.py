"""What a check may use, and when it is worth to divide a trace into shares."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from bench.errors import UsageError
from bench.large_checks.inputs import STANDARD_INPUT, is_parquet

MEMORY: Final = 2 * 1024**3
"""Octets, where nothing else is said."""

_LARGE: Final = 64 * 1024 * 1024
"""Octets of JSON lines; starting processes pays from here on."""

_PACKED: Final = 16
"""How much smaller than its lines a trace is as Parquet, roughly."""


@dataclass(frozen=True, slots=True)
class Means:
    """Processes, and octets of memory that sorting may take in all of them together."""

    workers: int
    memory: int


def means_for(files: Sequence[str], workers: int | None, memory: int | None) -> Means | None:
    """None: the streaming form, in this process.

    It is taken for standard input, and unless something else is asked for also for small traces
    and where the extra `scale` is not installed.
    """
    if STANDARD_INPUT in files:
        if workers is None and memory is None:
            return None
        raise UsageError(
            "expected files where --workers or --memory is given: standard input is read only once"
        )
    small = find_spec("duckdb") is None or sum(map(_size, files)) < _LARGE
    if workers is None and memory is None and small:
        return None
    return Means(workers or os.cpu_count() or 1, memory or MEMORY)


def _size(file: str) -> int:
    try:
        size = Path(file).stat().st_size
    except (OSError, ValueError):
        return 0
    return size * _PACKED if is_parquet(file) else size
