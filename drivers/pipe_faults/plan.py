"""Which faults strike when: checked as a whole before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bench.errors import UsageError
from bench.spelling import did_you_mean
from bench.units import MILLISECOND, Micros
from drivers.pipe_faults import FAULTS
from drivers.pipe_faults.registry import Option, PipeFault
from drivers.pipe_faults.speech import Speech

ANY_OPERATION: Final = "*"


@dataclass(frozen=True, slots=True)
class PipeMoment:
    """A fault strikes with the `nth` request of `operation` that is begun within a time window.

    A request is a burst of writes: what is written until something is read. `operation` is the
    protocol's name for it (`Speech.operation`), `*` any. The window is counted from when the
    transport was made: `after` inclusive, `before` exclusive (None: no end).
    """

    nth: int = 1
    operation: str = ANY_OPERATION
    after: Micros = 0
    before: Micros | None = None


@dataclass(frozen=True, slots=True)
class PipeFaultSpec:
    """A use of a fault. `times`: how many requests from the moment on; state faults last instead.

    `lasts`: how long the line stays as it is (None: for good), or by how much something is late.
    `code`: what a refusal says.
    """

    fault: str
    moment: PipeMoment = PipeMoment()
    times: int = 1
    lasts: Micros | None = None
    code: str = ""


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """The faults of one pipe. `UsageError` names everything that is wrong with it.

    When two are due for one request, the later in the list waits for the next; line states run
    beside them. `speech`: what is spoken on the pipe, for faults that must know. `silence`: an
    answer is taken to be whole when the line was silent for so long, which is also how much later
    a struck answer arrives at least; longer than any pause inside an answer.
    """

    faults: tuple[PipeFaultSpec, ...]
    speech: Speech | None = None
    silence: Micros = 50 * MILLISECOND

    def __post_init__(self) -> None:
        problems = [
            f"fault {number} ({spec.fault}): {problem}"
            for number, spec in enumerate(self.faults, 1)
            for problem in _problems(spec, self.speech)
        ]
        if self.silence < MILLISECOND:
            problems.append("silence: expected at least 1 ms")
        if problems:
            raise UsageError(problems, hint="smets1-bench list faults")


def _problems(spec: PipeFaultSpec, speech: Speech | None) -> Iterator[str]:
    moment = spec.moment
    if moment.nth < 1:
        yield f"nth: expected 1 or more, got {moment.nth}"
    if moment.after < 0:
        yield "after: expected no time before the start"
    if moment.before is not None and moment.before <= moment.after:
        yield "before: expected a time later than after"
    if moment.operation != ANY_OPERATION and speech is None:
        yield f"operation {moment.operation}: nobody says which protocol is spoken here"
    elif speech is not None and moment.operation not in {ANY_OPERATION, *speech.operations}:
        yield (
            f"request: {speech.protocol} has no '{moment.operation}' on its line"
            f"{did_you_mean(moment.operation, speech.operations)}; "
            f"there are {', '.join(sorted(speech.operations))}"
        )
    fault = FAULTS.get(spec.fault)
    if fault is None:
        yield f"no pipe fault has that name{did_you_mean(spec.fault, FAULTS)}"
        return
    yield from _option_problems(spec, fault, speech)
    if fault.protocols and speech is None:
        yield f"needs to know the protocol ({_named(fault)})"
    elif fault.protocols and speech is not None and speech.protocol not in fault.protocols:
        yield f"makes sense for {_named(fault)}, not for {speech.protocol}"


def _option_problems(spec: PipeFaultSpec, fault: PipeFault, speech: Speech | None) -> Iterator[str]:
    given = {
        Option.TIMES: spec.times != 1,
        Option.LASTS: spec.lasts is not None,
        Option.CODE: bool(spec.code),
    }
    for option, is_given in given.items():
        if is_given and option not in fault.options:
            yield f"{option}: this fault does not take it"
    if spec.times < 1:
        yield f"times: expected 1 or more, got {spec.times}"
    if spec.lasts is not None and spec.lasts <= 0:
        yield "lasts: expected more than nothing"
    if fault.needs_lasts and spec.lasts is None:
        yield "lasts: say how long"
    if fault.withholds and speech is not None and speech.protocol in fault.protocols:
        problem = speech.refusal_problem(spec.code)
        if problem is not None:
            yield problem


def _named(fault: PipeFault) -> str:
    return ", ".join(sorted(fault.protocols))
