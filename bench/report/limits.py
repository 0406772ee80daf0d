"""Which limits a drawing shows: those that the run recorded, of the strategy that judged."""

from __future__ import annotations

from collections.abc import Mapping

from bench.report.timeline_lanes import Permitted
from bench.result import ParameterRecord, RunRecord, StrategyRecord, parameters_of
from bench.units import SECOND


def permitted_by(record: RunRecord, strategy: StrategyRecord) -> Permitted:
    """Where the parameters are not to be had, nothing is permitted or forbidden in a drawing."""
    return Permitted(parameters_by(record, strategy), round(record.tolerance_s * SECOND))


def parameters_by(record: RunRecord, strategy: StrategyRecord) -> Mapping[str, ParameterRecord]:
    """The recorded parameters; those of the shipped versions where none were recorded.

    The shipped ones are taken only if their hashes are the recorded ones.
    """
    held = record.parameters.get(strategy.key)
    if held is None and strategy.overlay is None:
        from bench.errors import UsageError
        from bench.mehrs.loader import load_strategy

        try:
            shipped = load_strategy(strategy.mehrs, strategy.mam)
        except UsageError:
            pass
        else:
            if shipped.hashes == strategy.hashes:
                held = parameters_of(shipped)
    return held or {}
