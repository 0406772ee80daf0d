"""GETs per second that one process answers which hosts many meters, each on a pty of its own.

Each meter is asked again as soon as it has answered, by a client that only writes requests made
beforehand and counts octets: the host is what is measured, and it needs a core to itself.
"""

from __future__ import annotations

import os
import selectors
import time
from dataclasses import dataclass

from benchmarks.wire.asker import Asker
from benchmarks.wire.kit import Kit, hosted
from drivers.profiles.dlms import Security

_PERIOD = 16
"""Sequence numbers begin anew after 8 frames, invoke-ids after 16: so do the requests."""


class _Asked:
    def __init__(self, asker: Asker) -> None:
        self.asker = asker
        self._requests = asker.prepared(_PERIOD)
        self._octets = asker.answer_octets()
        self._held = b""
        self.answers = 0

    def ask(self) -> None:
        os.write(self.asker.descriptor, self._requests[self.answers % _PERIOD])

    def go_on(self) -> None:
        self._held += os.read(self.asker.descriptor, self._octets - len(self._held))
        if len(self._held) == self._octets:
            if not self.answers % 100:
                assert self.asker.right(self._held), self._held.hex()
            self._held = b""
            self.answers += 1
            self.ask()


@dataclass(frozen=True, slots=True)
class Fleet:
    """Answers per second of wall time, and per second of the host's CPU."""

    per_second: float
    per_cpu_second: float


def measure(meters: int, seconds: float) -> Fleet:
    kit = Kit(str(Security.NONE), meters)
    with hosted(kit) as held, selectors.DefaultSelector() as selector:
        asked = []
        for number in range(meters):
            asker = Asker(held.folder / str(number), Security.NONE)
            asker.associate()
            asked.append(_Asked(asker))
            selector.register(asker.descriptor, selectors.EVENT_READ, asked[-1])
        held.begin()
        start = time.perf_counter()
        for each in asked:
            each.ask()
        while time.perf_counter() < start + seconds:
            for key, _ in selector.select(1):
                key.data.go_on()
        took = time.perf_counter() - start
        for each in asked:
            each.asker.close()
        assert all(each.answers for each in asked), "each was answered"
    answers = sum(each.answers for each in asked)
    return Fleet(answers / took, answers / held.cpu)
