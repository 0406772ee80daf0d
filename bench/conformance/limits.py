"""The strategy's parameters as the rules use them, and the readings that were not taken.

A value is None where the strategy has no source for it (`unsourced`): a placeholder is for
emulated runs and never judges anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bench.mehrs.strategy import Kind, Parameter, Strategy
from bench.units import Micros


@dataclass(frozen=True, slots=True)
class Limits:
    """One reading of every parameter: `values` holds it by id, None where it is unsourced."""

    tolerance: Micros
    values: Mapping[str, int | str | None]

    def number(self, parameter: str) -> int | None:
        """A duration (microseconds) or a count."""
        value = self.values.get(parameter)
        return value if isinstance(value, int) else None

    def reads(self, parameter: str, choice: str) -> bool:
        """Whether the parameter is read that way."""
        return self.values.get(parameter) == choice

    @property
    def exclusive(self) -> bool:
        return self.reads("boundary", "exclusive")


@dataclass(frozen=True, slots=True)
class OtherReading:
    """The limits as they would be under another reading of one parameter."""

    parameter: str
    choice: str
    limits: Limits


def pinned_limits(strategy: Strategy, tolerance: Micros) -> Limits:
    values = {name: _sourced(parameter) for name, parameter in strategy.parameters.items()}
    return Limits(tolerance, values)


def other_readings(strategy: Strategy, pinned: Limits) -> tuple[OtherReading, ...]:
    """Every other reading of every parameter, one at a time.

    "Another reading of any parameter" changes one. Two changed together turn no verdict that
    neither turns alone: the readings of one rule either move its limit in one direction or
    concern the case that the limit is met exactly.
    """
    return tuple(
        OtherReading(name, choice, replace(pinned, values={**pinned.values, name: choice}))
        for name, parameter in strategy.parameters.items()
        if parameter.kind is Kind.CHOICE
        for choice in parameter.other_readings
    )


def _sourced(parameter: Parameter) -> int | str | None:
    return parameter.value
