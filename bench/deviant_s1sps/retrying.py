"""S1SPs that go by other numbers than the strategy's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from bench.deviant_s1sps.form import S1sp, breaks
from bench.mehrs.strategy import Strategy

_INTERVALS: Final = ("3.1.long-interval", "3.1.short-interval", "3.2.interval", "3.3.interval")
_REPEATS: Final = ("3.2.repeats", "3.3.repeats")


@breaks("3.1-long-interval")
class RetriesTooEarly(S1sp):
    """Waits half as long between two attempts as the strategy says."""

    def strategy(self, strategy: Strategy) -> Strategy:
        return changed(strategy, _INTERVALS, lambda interval: interval // 2)


@breaks("3.1-long-interval")
class RetriesTooLate(S1sp):
    """Waits twice as long between two attempts as the strategy says."""

    def strategy(self, strategy: Strategy) -> Strategy:
        return changed(strategy, _INTERVALS, lambda interval: 2 * interval)


@breaks("3.3-sua-retry")
class RetriesTooOften(S1sp):
    """Makes three attempts more than the strategy says."""

    def strategy(self, strategy: Strategy) -> Strategy:
        return changed(strategy, _REPEATS, lambda repeats: repeats + 3)


@breaks("3.1-total-period")
class RetriesTooLong(S1sp):
    """Goes on trying for twice the period that the strategy gives."""

    def strategy(self, strategy: Strategy) -> Strategy:
        return changed(strategy, ("3.1.total-period",), lambda period: 2 * period)


@breaks("3.1-persistence")
class GivesUpEarly(S1sp):
    """Gives up after half the period that the strategy gives."""

    def strategy(self, strategy: Strategy) -> Strategy:
        return changed(strategy, ("3.1.total-period",), lambda period: period // 2)


@breaks("2.5.2-file-set-limit")
class WaitsOnForTheFileSet(S1sp):
    """Waits twice as long for the required file set as the strategy allows."""

    def strategy(self, strategy: Strategy) -> Strategy:
        return changed(strategy, ("2.5.2.file-set-limit",), lambda limit: 2 * limit)


def changed(strategy: Strategy, names: tuple[str, ...], change: Callable[[int], int]) -> Strategy:
    """The strategy with these of its parameters changed; one that it has not is passed over."""
    parameters = dict(strategy.parameters)
    for name in names:
        if strategy.has(name):
            parameter = parameters[name]
            parameters[name] = replace(parameter, value=change(int(parameter.running_value)))
    return replace(strategy, parameters=parameters)
