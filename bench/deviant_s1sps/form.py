"""What a deviant S1SP is: the bench's own engine, wrapped so that it breaks one rule.

The engine knows nothing of it. A wrapper may give it another strategy than the one it is judged
by, stand between it and a device or party, or say other things in its trace than it did. Its name
is the class's in hyphens, its docstring the sentence that users read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from inspect import cleandoc
from typing import Final, TypeVar

from bench.devices import Device
from bench.mehrs.strategy import Strategy
from bench.parties import Parties
from bench.trace import Event

Sink = Callable[[Event], None]


class S1sp:
    """A good one: every method hands through what it is given. One instance for a scenario."""

    def strategy(self, strategy: Strategy) -> Strategy:
        """What it goes by, whatever it is judged by."""
        return strategy

    def devices(self, devices: Mapping[str, Device]) -> Mapping[str, Device]:
        return devices

    def parties(self, parties: Parties) -> Parties:
        return parties

    def tells(self, event: Event) -> Iterable[Event]:
        """What stands in its trace where the engine says `event`."""
        return (event,)

    def telling(self, sink: Sink) -> Sink:
        def tell(event: Event) -> None:
            for each in self.tells(event):
                sink(each)

        return tell


@dataclass(frozen=True, slots=True)
class DeviantS1sp:
    """`rule`: the one that a checker must find broken."""

    name: str
    rule: str
    description: str
    make: type[S1sp]


FOUND: Final[dict[str, DeviantS1sp]] = {}

C = TypeVar("C", bound=type[S1sp])


def breaks(rule: str) -> Callable[[C], C]:
    """Registers a deviant S1SP."""

    def register(cls: C) -> C:
        name = re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()
        description = " ".join(cleandoc(cls.__doc__ or "").split())
        assert name not in FOUND, f"two deviant S1SPs are called {name}"
        FOUND[name] = DeviantS1sp(name, rule, description, cls)
        return cls

    return register
