"""Drivers and emulators are found by entry point, so a vendor adds one without a fork."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points
from typing import Any

from bench.errors import BenchError

EMULATORS = "smets1_bench.emulators"
DRIVERS = "smets1_bench.drivers"
MODELS = "smets1_bench.models"


@cache
def load(group: str, name: str) -> Any:
    """What the entry point names. `BenchError`: it is not installed, or does not load."""
    for entry_point in entry_points(group=group, name=name):
        try:
            return entry_point.load()
        except ImportError as error:
            raise BenchError(f"{group}: {name} does not load: {error}") from error
    raise BenchError(
        f"{group}: nothing is installed under the name {name}",
        hint="install the bench again: pip install smets1-bench",
    )
