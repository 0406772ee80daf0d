"""Which limits a drawing shows: those that the run recorded, of the strategy that judged."""

from __future__ import annotations

from bench.report.timeline_lanes import Permitted
from bench.result import RunRecord, StrategyRecord, parameters_of
from bench.units import SECOND


def permitted_by(record: RunRecord, strategy: StrategyRecord) -> Permitted:
    """The recorded parameters; those of the shipped versions where none were recorded.

    The shipped ones are taken only if their hashes are the recorded ones. Where neither is to be
    had, nothing is permitted or forbidden in the drawing.
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
    return Permitted(held or {}, round(record.tolerance_s * SECOND))
