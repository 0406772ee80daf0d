"""Which of a plan's faults strikes which request."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from bench.units import Micros
from drivers.pipe_faults import FAULTS
from drivers.pipe_faults.plan import ANY_OPERATION, FaultPlan, PipeFaultSpec
from drivers.pipe_faults.registry import PipeFault


@dataclass(slots=True)
class Armed:
    """A use of a fault that waits for its moment. `left`: how many requests it may still strike."""

    spec: PipeFaultSpec
    fault: PipeFault
    rng: random.Random
    left: int
    seen: int = 0

    def sees(self, operation: str, since_start: Micros) -> bool:
        """Counts the request; True if its moment has come."""
        moment = self.spec.moment
        in_window = since_start >= moment.after and (
            moment.before is None or since_start < moment.before
        )
        if not in_window or moment.operation not in (ANY_OPERATION, operation):
            return False
        self.seen += 1
        return self.left > 0 and self.seen >= moment.nth


class Arsenal:
    """All uses of a plan, in its order, each with a random source of its own.

    So what one fault does to its request does not depend on what others did before.
    """

    def __init__(self, plan: FaultPlan, seed: int) -> None:
        self._armed = [
            Armed(spec, FAULTS[spec.fault], random.Random(f"{seed}/{place}/{spec.fault}"), times)
            for place, spec in enumerate(plan.faults)
            for times in (1 if FAULTS[spec.fault].state is not None else spec.times,)
        ]

    def due(self, operation: str, since_start: Micros) -> tuple[list[Armed], Armed | None]:
        """The line states that begin with this request, and the one fault of it or its answer."""
        ready = [armed for armed in self._armed if armed.sees(operation, since_start)]
        states = [armed for armed in ready if armed.fault.state is not None]
        others: Iterator[Armed] = (armed for armed in ready if armed.fault.state is None)
        return states, next(others, None)
