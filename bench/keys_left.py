"""What the scenarios of a run did to the keys of real meters, so that a later one is spared."""

from __future__ import annotations

from dataclasses import replace

from bench.journal.run_journal import RunJournal
from bench.scenario.ran import Ran
from bench.suite import Restore
from bench.suite_reading import PreparedScenario


class KeysLeft:
    """Per meter, the last scenario that left it with another key than the station says, or may
    have.

    A run that is taken up hears of it again: its scenarios are done over from its journal.
    """

    def __init__(self, journal: RunJournal) -> None:
        self._journal = journal
        self._left_by: dict[str, PreparedScenario] = {}

    def enter(self, ran: Ran) -> None:
        """After a scenario that was begun has ended."""
        self._left_by |= dict.fromkeys(ran.left, ran.prepared)

    def spare(self, prepared: PreparedScenario) -> PreparedScenario:
        """Not run where a meter would be asked for a key that it does not hold any more, which it
        would count as a wrong one. What was begun before goes on.
        """
        if prepared.not_run or self._journal.has_begun(prepared.scenario.scenario):
            return prepared
        meters = [device.name for device in prepared.installation.meters]
        left = [name for name in meters if name in self._left_by]
        return replace(prepared, not_run=_why(self._left_by[left[0]], left)) if left else prepared


def _why(by: PreparedScenario, meters: list[str]) -> str:
    name = by.scenario.scenario
    said = (
        f"its preconditions do not hold: '{name}' before it left {' and '.join(meters)} with "
        "another SUA key, or may have"
    )
    if Restore.KEYS in by.scenario.preconditions.restore:
        return f"{said}, and could not give the first one back: see `smets1-bench keys RUN`"
    return f"{said}: give '{name}' `preconditions: {{restore: [restore-keys]}}`"
