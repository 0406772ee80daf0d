"""The same faults in front of a real port (a pty), on the wall clock."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from real_ports import Adapter, read_exactly

from bench.clock import WallClock
from bench.errors import PortGone
from bench.units import MILLISECOND, SECOND
from drivers.pipe_faults.faulty import FaultyTransport
from drivers.pipe_faults.plan import FaultPlan, PipeFaultSpec
from drivers.transport.line import LineSettings
from drivers.transport.opening import open_transport


@pytest.fixture
def adapter(tmp_path: Path) -> Iterator[Adapter]:
    adapter = Adapter(tmp_path / "usb-meter")
    yield adapter
    adapter.close()


def opened(adapter: Adapter, *faults: PipeFaultSpec) -> FaultyTransport:
    clock = WallClock()
    inner = open_transport(str(adapter.path), LineSettings(), clock, locks=adapter.path.parent)
    return FaultyTransport(inner, FaultPlan(faults), clock, seed=1)


def ask(transport: FaultyTransport, adapter: Adapter) -> None:
    transport.write(b"?")
    assert adapter.heard(1) == b"?"
    adapter.say(b"answer")


def test_a_real_answer_is_late_and_then_duplicated(adapter: Adapter) -> None:
    late = PipeFaultSpec("reply-late", lasts=200 * MILLISECOND)
    with opened(adapter, late, PipeFaultSpec("duplicated")) as transport:
        ask(transport, adapter)
        began = transport.clock.now()
        assert transport.read(began + 100 * MILLISECOND) == b""
        assert read_exactly(transport, 6) == b"answer"
        assert transport.clock.now() - began >= 200 * MILLISECOND
        ask(transport, adapter)
        assert read_exactly(transport, 12) == b"answeranswer"
        ask(transport, adapter)
        assert read_exactly(transport, 6) == b"answer"


def test_a_real_port_is_unplugged_and_comes_back(adapter: Adapter) -> None:
    pulled = PipeFaultSpec("unplugged", lasts=50 * MILLISECOND)
    with opened(adapter, pulled) as transport:
        with pytest.raises(PortGone):
            transport.write(b"a request")
        with pytest.raises(PortGone):
            transport.read(transport.clock.now() + SECOND)
        transport.reopen(transport.clock.now() + 10 * SECOND)
        transport.write(b"?")
        adapter.say(b"answer")
        assert read_exactly(transport, 6) == b"answer"
