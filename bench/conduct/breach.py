"""A breach, and what breaches are looked for in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.devices import Identity
from bench.effects import Act
from bench.emulation import Truth
from bench.errors import PeerError
from bench.installation import DeviceSpec, Installation
from bench.invariant import Invariant
from bench.trace import Event, Step
from bench.units import Micros, format_instant


@dataclass(frozen=True, slots=True)
class Breach:
    """What a device did not keep. `at` None: some time between the opening and the end."""

    device: str
    what: Invariant
    detail: str
    at: Micros | None = None


@dataclass(frozen=True, slots=True)
class Watched:
    """A scenario as it was seen. `acts`: the process's own, those that ended.

    `struck`: devices that a fault of the scenario strikes. `clock_tolerance`, `han_silence`: the
    bench's choices of those names.
    """

    installation: Installation
    identities: Mapping[str, Identity]
    before: Truth
    after: Truth
    acts: Sequence[Act]
    events: Sequence[Event]
    started: Micros
    ended: Micros
    struck: frozenset[str]
    clock_tolerance: Micros
    han_silence: Micros

    def asked(self, device: str, *operations: str) -> Iterator[Act]:
        """The requests to a device, as they were answered; of these operations, or all."""
        for act in self.acts:
            if act.target == device and (not operations or act.operation in operations):
                yield act

    def spec(self, eui64: str) -> DeviceSpec | None:
        return next((each for each in self.installation.devices if each.eui64 == eui64), None)

    def where(self, breach: Breach) -> str:
        """At which step, and when: `in 2.6.4.1 at …`."""
        if breach.at is None:
            return "between the opening and the end"
        step = next(
            (each for each in self.events if isinstance(each, Step) and each.at >= breach.at), None
        )
        at = format_instant(breach.at)
        return f"in {step.section} at {at}" if step is not None else f"after the last step, {at}"


def done(act: Act) -> bool:
    """Whether the device answered, and not with a no."""
    return not isinstance(act.answer, PeerError)
