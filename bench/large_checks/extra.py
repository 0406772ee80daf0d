"""The optional libraries of large checks: `pip install smets1-bench[scale]`."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from bench.errors import UsageError


def scale_library(name: str) -> ModuleType:
    """duckdb or a part of pyarrow. Raises UsageError that says how to install it."""
    try:
        return import_module(name)
    except ImportError:
        raise UsageError(
            f"{name.partition('.')[0]} is needed for Parquet and for checks in several processes",
            hint="install it with: pip install 'smets1-bench[scale]'",
        ) from None
