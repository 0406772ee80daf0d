"""How limits and times are said in findings."""

from __future__ import annotations

from functools import lru_cache

from bench.units import SECOND, Micros, format_duration

said = lru_cache(maxsize=4096)(format_duration)
"""A span as a person says it; the same few spans come again and again."""


def around(limit: Micros, tolerance: Micros) -> str:
    """`4 h ± 60 s`. The tolerance is in seconds, as it is given on the command line."""
    return f"{said(limit)} ± {tolerance / SECOND:.15g} s"


def times(count: int, noun: str) -> str:
    """`1 repeat`, `5 repeats`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
