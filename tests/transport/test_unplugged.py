"""A port pulled after each octet, written or read: the right error, no hang, and on from there.

Every driver of the matrix, in every call: with the connection standing, and right after the port
had come back, when it is only being made. SMETS1_BENCH_UNPLUGGED=1 pulls at every octet, without
it at about `PLACES` of each call.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import pytest
from matrix import START, Call, Driven, OctetByOctet, Rig
from rigs import RIGS

from bench.clock import VirtualClock
from bench.errors import PortGone
from bench.units import SECOND, Micros
from drivers.transport.pipe import SecretSpan, Transport

EVERY = bool(os.environ.get("SMETS1_BENCH_UNPLUGGED"))
PLACES = 6


class Frayed(OctetByOctet):
    """Gone once `left` more octets have passed, either way, until it is opened again; that takes a
    second. `then`: what `left` is from there on.
    """

    def __init__(self, inner: Transport) -> None:
        super().__init__(inner)
        self.left: int | None = None
        self.then: int | None = None
        self.passed = 0

    def write(self, data: bytes, secrets: Sequence[SecretSpan] = ()) -> None:
        self._look()
        if self.left is not None and len(data) >= self.left:
            data = data[: self.left]
        super().write(data, [span for span in secrets if span.end <= len(data)])
        self._count(data)
        self._look()

    def read(self, deadline: Micros) -> bytes:
        self._look()
        data = super().read(deadline)
        self._count(data)
        return data

    def discard_input(self) -> None:
        self._look()
        super().discard_input()

    def reopen(self, until: Micros) -> None:
        self.left, self.then = self.then, None
        self.clock.sleep_until(self.clock.now() + SECOND)
        super().reopen(until)

    def _count(self, data: bytes) -> None:
        self.passed += len(data)
        if self.left is not None:
            self.left -= len(data)

    def _look(self) -> None:
        if self.left is not None and self.left <= 0:
            raise PortGone(f"{self.port} is gone")


class Pulled:
    """A driver on a frayed port."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.clock = VirtualClock(START)
        self.pipes: list[Frayed] = []
        self.driven: Driven = rig.make(self.clock, self._wrap)

    def _wrap(self, transport: Transport) -> Transport:
        self.pipes.append(Frayed(transport))
        return self.pipes[-1]

    @property
    def pipe(self) -> Frayed:
        (pipe,) = self.pipes
        return pipe

    def pull_after(self, octets: int, call: Call) -> None:
        """The port goes in the middle of the call, and is back when the driver looks for it."""
        where = f"{call.name}, pulled after {octets} octets"
        began, executed = self.clock.now(), call.executed() if call.executed is not None else 0
        if self.pipe.left == 0:
            self.pipe.then = octets
        else:
            self.pipe.left = octets
        with pytest.raises(PortGone):
            print(where, "returned", call.do())
        self.pipe.left = 0
        assert self.clock.now() - began <= self.rig.longest + SECOND, f"{where}: hangs"
        if call.executed is not None and not call.repeats:
            assert call.executed() - executed <= 1, f"{where}: done twice"

    def octets(self, call: Call) -> int:
        before = self.pipe.passed
        assert call.right(call.do())
        return self.pipe.passed - before


@pytest.mark.parametrize("rig", RIGS.values(), ids=lambda rig: rig.name)
@pytest.mark.parametrize("fresh", [False, True], ids=["standing", "fresh"])
@pytest.mark.timeout(1800 if EVERY else 120)
def test_pulled_at_an_octet(rig: Rig, fresh: bool) -> None:
    pulled = Pulled(rig)
    assert pulled.driven.settled.right(pulled.driven.settled.do())
    settled = pulled.driven.settled
    for call in pulled.driven.calls:
        if fresh:
            pulled.pull_after(0, call)
        octets = pulled.octets(call)
        for place in range(0, octets, 1 if EVERY else max(1, octets // PLACES)):
            if fresh:
                pulled.pull_after(0, call)
            pulled.pull_after(place, call)
            assert settled.right(settled.do()), f"{call.name}: not right after octet {place}"


@pytest.mark.parametrize("rig", RIGS.values(), ids=lambda rig: rig.name)
def test_pulled_in_the_first_call(rig: Rig) -> None:
    """Of an optical meter: in the middle of its sign-on."""
    whole = Pulled(rig)
    octets = min(60, whole.octets(whole.driven.settled))
    for place in range(0, octets, 1 if EVERY else 5):
        pulled = Pulled(rig)
        settled = pulled.driven.settled
        pulled.pull_after(place, settled)
        assert settled.right(settled.do()), f"not right after octet {place}"
