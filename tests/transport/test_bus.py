from __future__ import annotations

import threading
from contextlib import suppress

import pytest

from bench.clock import VirtualClock, WallClock
from bench.errors import Busy, NoReply, PortGone
from bench.units import HOUR, SECOND
from drivers.transport.bus import SharedBus
from drivers.transport.line import LineSettings
from drivers.transport.memory import MemoryPort

START = 1_617_874_200 * SECOND


def fail(bus: SharedBus, owner: str) -> None:
    with suppress(NoReply), bus.conversation(owner, START + HOUR):
        raise NoReply(owner, "read")


def test_conversations_take_turns_in_the_order_asked() -> None:
    clock = WallClock()
    bus = SharedBus(MemoryPort("bus", clock).connect(LineSettings()), settle=SECOND)
    order: list[str] = []
    until = clock.now() + 30 * SECOND
    waiting: list[threading.Thread] = []

    def converse(name: str) -> None:
        with bus.conversation(name, until):
            order.append(name)

    with bus.conversation("first", until):
        for number, name in enumerate(("second", "third", "fourth"), start=2):
            waiting.append(threading.Thread(target=converse, args=(name,)))
            waiting[-1].start()
            assert clock.wait(lambda number=number: bus.waiting == number - 1, until)
        assert order == []
    for thread in waiting:
        thread.join(30)
    assert order == ["second", "third", "fourth"]


def test_busy_names_who_has_the_line_and_gives_up_its_turn() -> None:
    clock = VirtualClock(START)
    bus = SharedBus(MemoryPort("bus", clock).connect(LineSettings()), settle=SECOND)
    with bus.conversation("relay", START):
        with pytest.raises(Busy, match="meter waits for relay"), bus.conversation("meter", START):
            pass
        assert bus.waiting == 0
    with bus.conversation("meter", START):
        pass


def test_after_a_failed_conversation_the_line_falls_silent_first() -> None:
    clock = VirtualClock(START)
    port = MemoryPort("bus", clock, paced=False)
    bus = SharedBus(port.connect(LineSettings()), settle=SECOND)
    clock.call_at(START + SECOND // 2, lambda: port.send(b"late"))
    fail(bus, "slow")
    with bus.conversation("next", START + HOUR) as transport:
        assert clock.now() == START + SECOND // 2 + SECOND
        assert transport.read(START + HOUR) == b""
    at = clock.now()
    with bus.conversation("next", START + 2 * HOUR):
        assert clock.now() == at


def test_a_line_that_vanished_can_be_brought_back() -> None:
    clock = VirtualClock(START)
    port = MemoryPort("bus", clock, paced=False)
    bus = SharedBus(port.connect(LineSettings()), settle=SECOND)
    port.unplug()
    for _ in range(2):
        with pytest.raises(PortGone), bus.conversation("a", START + HOUR) as transport:
            transport.write(b"x")
    port.plug()
    bus.reopen(START + HOUR)
    with bus.conversation("a", START + HOUR) as transport:
        transport.write(b"x")


def test_a_line_that_never_falls_silent_is_busy() -> None:
    clock = VirtualClock(START)
    port = MemoryPort("bus", clock, paced=False)
    bus = SharedBus(port.connect(LineSettings()), settle=SECOND)

    def babble() -> None:
        port.send(b"x")
        clock.call_at(clock.now() + SECOND // 2, babble)

    babble()
    fail(bus, "a")
    with (
        pytest.raises(Busy, match="fall silent"),
        bus.conversation("b", START + 5 * SECOND),
    ):
        pass


def test_a_port_that_went_is_opened_again_for_the_next_conversation() -> None:
    clock = VirtualClock(START)
    port = MemoryPort("bus", clock, paced=False)
    bus = SharedBus(port.connect(LineSettings()), settle=SECOND)
    port.unplug()
    with pytest.raises(PortGone), bus.conversation("relay", START) as line:
        line.write(b"?")
    with pytest.raises(PortGone, match="did not come back"), bus.conversation("relay", START):
        pass
    port.plug()
    with bus.conversation("relay", START) as line:
        line.write(b"?")
