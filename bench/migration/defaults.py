"""The bench's own choices where the papers are silent: `data/defaults.yaml`, each with its why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bench import yaml_source
from bench.units import Micros, parse_duration

FILE = Path(__file__).parent / "data" / "defaults.yaml"


@dataclass(frozen=True, slots=True)
class Default:
    """One choice. `value` is microseconds for a duration, else a count."""

    id: str
    value: int
    is_duration: bool
    why: str


class Defaults:
    """All choices, some of them set by a suite."""

    def __init__(self, values: Mapping[str, int]) -> None:
        self._values = values

    def duration(self, name: str) -> Micros:
        return self._values[name]

    def count(self, name: str) -> int:
        return self._values[name]


@cache
def shipped() -> Mapping[str, Default]:
    """Every default by name."""
    entries: dict[str, Any] = yaml_source.load(FILE).data
    return {name: _default(name, entry) for name, entry in entries.items()}


def _default(name: str, entry: Mapping[str, Any]) -> Default:
    value = entry["value"]
    if isinstance(value, int):
        return Default(name, value, is_duration=False, why=entry["why"])
    return Default(name, parse_duration(value), is_duration=True, why=entry["why"])


def with_overrides(overrides: Mapping[str, int]) -> Defaults:
    """The shipped choices with those of a suite in their place (already checked by name)."""
    return Defaults({**{name: default.value for name, default in shipped().items()}, **overrides})
