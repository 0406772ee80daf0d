"""The same drivers and models over a pty, on the wall clock, by the code path for real kit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.clock import WallClock
from bench.devices import DisplayState
from bench.errors import Ambiguous, NoReply, PortGone, Refused, RelayStuck
from drivers import console_hub, console_ihd, modbus_reference_meter, modbus_relay_board
from drivers.gas_via_hub import GasViaHub
from drivers.profiles.profile import Profile
from tests.wire.kit_on_wire import BOARD, HUB, IHD, METER, Home, home, quick
from tests.wire.pty_host import PtyHost


class OverPty:
    """One device on a pty, and the home behind it."""

    def __init__(self, path: Path) -> None:
        self.clock = WallClock()
        self.home: Home = home(self.clock)
        self.host = PtyHost(path, self.clock)

    @property
    def port(self) -> str:
        return str(self.host.path)


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OverPty]:
    # The system gives a pty's number to the next one; another test run may still hold its lock.
    monkeypatch.setenv("SMETS1_BENCH_LOCK_DIR", str(tmp_path))
    line = OverPty(tmp_path / "port")
    yield line
    line.host.close()


def hub_of(line: OverPty, profile: Profile = HUB) -> console_hub.ConsoleHub:
    line.home.hang_console("hub", quick(profile), line.host)
    return console_hub.connect(line.port, profile=quick(profile), clock=line.clock)


def test_the_hub(line: OverPty) -> None:
    hub, model = hub_of(line), line.home.hub
    assert hub.identify() == model.identity()
    assert hub.wan_state() == model.wan_state()
    assert {row.eui64: row.joined for row in hub.han_devices()} == dict.fromkeys(model.links, True)
    eui64 = line.home.gas.spec.eui64
    copy = GasViaHub("gas", hub, eui64).read_registers()
    truth = model.mirrored_registers(eui64)
    assert (copy.values, copy.unit, copy.source_at) == (truth.values, truth.unit, truth.source_at)
    assert 0 <= line.clock.now() - copy.read_at < 1_000_000
    hub.wake()
    assert hub.wan_state().wake_ups == 1
    hub.remove_device(eui64)
    with pytest.raises(Refused, match="no-mirrored-data"):
        hub.mirrored_registers(eui64)
    left = [notice for _ in range(2) if (notice := hub.notice(line.clock.now()))]
    assert [notice.name for notice in left] == ["message", "left"]
    hub.reboot()
    with pytest.raises(NoReply, match="nothing was sent"):
        hub.reboot()
    assert model.executed["reboot"] == 1
    hub.close()


def test_the_display(line: OverPty) -> None:
    line.home.hang_console("display", quick(IHD), line.host)
    display = console_ihd.connect(line.port, profile=quick(IHD), clock=line.clock)
    assert display.identify() == line.home.display.identity()
    state = display.display_state()
    assert isinstance(state, DisplayState)
    assert state.joined_to == line.home.hub.spec.eui64
    assert [line_.split()[0] for line_ in state.shown] == ["electricity", "gas"]
    display.close()


def test_relay_board_and_reference_meter(line: OverPty) -> None:
    line.home.hang_bench_kit(line.host, quick(BOARD), quick(METER))
    board = modbus_relay_board.connect(line.port, profile=quick(BOARD), clock=line.clock)
    board.set_channel(1, closed=False)
    assert line.home.board.fed_by(1)[0].power_cuts[-1][1] is None
    board.set_channel(1, closed=True)
    assert line.home.electricity.powered
    line.home.board.stick(1)
    with pytest.raises(RelayStuck):
        board.set_channel(1, closed=False)
    board.close()
    meter = modbus_reference_meter.connect(line.port, profile=quick(METER), clock=line.clock)
    measured = meter.measure()
    assert measured.voltage_v == 230
    assert measured.power_w > 0
    meter.close()


@pytest.mark.parametrize("octet", [1, 5, 12, 20])
def test_an_adapter_pulled_in_the_middle_of_an_answer(line: OverPty, octet: int) -> None:
    hub = hub_of(line)
    assert hub.wan_state().connected
    line.host.gone_after = line.host.sent + octet
    with pytest.raises(PortGone):
        hub.wan_state()
    with pytest.raises(PortGone):
        hub.wan_state()
    line.host.plug()
    assert hub.wan_state() == line.home.hub.wan_state()
    hub.close()


@pytest.mark.parametrize("octet", range(1, 6))
def test_an_rs485_adapter_pulled_in_the_middle_of_an_answer(line: OverPty, octet: int) -> None:
    line.home.hang_bench_kit(line.host, quick(BOARD), quick(METER))
    board = modbus_relay_board.connect(line.port, profile=quick(BOARD), clock=line.clock)
    assert board.channel_closed(1)
    line.host.gone_after = line.host.sent + octet
    with pytest.raises(PortGone):
        board.channel_closed(1)
    line.host.plug()
    assert board.channel_closed(1)
    board.close()


def test_a_command_whose_answer_is_lost_is_ambiguous(line: OverPty) -> None:
    hub = hub_of(line)
    assert hub.wan_state().connected
    line.home.hub.watchers.append(lambda event, details: line.host.mute())
    with pytest.raises(Ambiguous):
        hub.wake()
    line.host.muted = False
    line.home.hub.watchers.pop()
    assert hub.wan_state().wake_ups == 1, "settled by reading back"
    hub.close()
