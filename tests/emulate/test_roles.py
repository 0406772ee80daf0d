"""Each role, on a pty and on TCP, asked through the drivers for real kit."""

from __future__ import annotations

import json
import os
import signal
import stat
from collections.abc import Callable
from contextlib import closing, nullcontext
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bench.devices import KeySlot, SupplyState
from bench.errors import NoReply, PeerError
from drivers import console_hub, console_ihd, dlms_meter
from drivers import modbus_reference_meter as reference
from drivers import modbus_relay_board as relays
from drivers.profiles.dlms import Security, secured
from drivers.profiles.profile import read_profile
from tests.wire.kit_on_wire import quick

Emulate = Callable[..., Any]
UNPACED = "--no-pacing"


def ask_electricity(port: str, running: Any) -> None:
    with closing(dlms_meter.connect(port, keys=running.keys("electricity"))) as meter:
        assert meter.identify().eui64 == running.ready["electricity"]["eui64"]
        assert meter.supply_state() is SupplyState.ON
        assert meter.prove_key(KeySlot.SUA, running.sua("electricity"))


def ask_gas(port: str, running: Any) -> None:
    keys = running.keys("gas")
    with closing(dlms_meter.connect(port, profile="generic-dlms-gas", keys=keys)) as meter:
        assert meter.read_registers().unit == "m³"


def ask_hub(port: str, running: Any) -> None:
    with closing(console_hub.connect(port)) as hub:
        assert len(hub.han_devices()) == 3


def ask_display(port: str, running: Any) -> None:
    with closing(console_ihd.connect(port)) as display:
        assert display.display_state().joined_to


def ask_board(port: str, running: Any) -> None:
    with closing(relays.connect(port)) as board:
        board.set_channel(2, closed=False)
        assert not board.channel_closed(2)


def ask_reference(port: str, running: Any) -> None:
    with closing(reference.connect(port)) as witness:
        assert witness.measure().voltage_v == Decimal(230)


ROLES: dict[str, tuple[Callable[[str, Any], None], str, dict[str, int]]] = {
    "electricity-meter": (ask_electricity, "electricity", {}),
    "gas-meter": (ask_gas, "gas", {}),
    "comms-hub": (ask_hub, "hub", {}),
    "ihd": (ask_display, "display", {}),
    "relay-board": (ask_board, "relay-board", {"set_channel": 1}),
    "reference-meter": (ask_reference, "reference-meter", {}),
}


@pytest.mark.parametrize("role", ROLES)
def test_each_role_on_tcp_is_a_device_that_a_client_can_use(role: str, emulate: Emulate) -> None:
    ask, name, executed = ROLES[role]
    running = emulate(role, "--port", "tcp:127.0.0.1:0", "--awake")
    said = running.ready[name]
    assert said["role"] == role
    assert said["kit"] == "EMULATED"
    ask(running.address(name), running)
    ends = running.stop()
    assert ends.get(name, {}) == executed


def test_a_pty_behind_a_link_that_goes_with_it(emulate: Emulate, tmp_path: Path) -> None:
    link = tmp_path / "kit"
    running = emulate("electricity-meter", "--link", str(link), UNPACED)
    assert running.ready["electricity"]["port"] == str(link)
    assert stat.S_ISCHR(os.stat(link).st_mode)  # noqa: PTH116 - through the link
    ask_electricity(str(link), running)
    running.stop(signal.SIGINT)
    assert not os.path.lexists(link)


def test_all_devices_of_an_installation_on_ptys_of_one_process(
    emulate: Emulate, tmp_path: Path
) -> None:
    running = emulate("emulated-emu", "--link", str(tmp_path), UNPACED, "--awake", lines=4)
    for role in ("electricity-meter", "gas-meter", "comms-hub", "ihd"):
        ask, name, _ = ROLES[role]
        ask(str(tmp_path / name), running)
    running.stop()


def test_without_a_link_the_pty_has_one_of_its_own(emulate: Emulate) -> None:
    running = emulate("comms-hub", UNPACED)
    link = Path(running.ready["hub"]["port"])
    ask_hub(str(link), running)
    running.stop()
    assert not link.parent.exists()


def test_the_reader_is_asked_for_what_security_says(emulate: Emulate) -> None:
    running = emulate("electricity-meter", "--port", "tcp:127.0.0.1:0", "--security", "lls")
    clients = running.ready["electricity"]["addresses"]["clients"]
    assert clients["reader"] == {"address": 32, "security": "lls"}
    profile = read_profile("generic-dlms-electricity")
    assert profile.dlms is not None
    weaker = replace(profile, dlms=secured(profile.dlms, Security.LLS))
    for held, fits in ((profile, False), (weaker, True)):
        meter = dlms_meter.connect(
            running.address("electricity"), profile=held, keys=running.keys("electricity")
        )
        with closing(meter), nullcontext() if fits else pytest.raises(PeerError):
            meter.read_clock()
    running.stop()


STATION = """
station: bench-b
installation:
  group: DA
  devices:
    electricity:
      {role: electricity-meter, eui64: 70-B3-D5-1F-30-A0-31-01, model: EM-1, port: FOLDER/esme,
       profile: generic-dlms-electricity}
    hub:
      {role: comms-hub, eui64: 70-B3-D5-1F-30-A0-31-08, model: CH-1, port: FOLDER/hub,
       profile: generic-console-hub}
kit:
  relay-board:
    {port: FOLDER/rs485, profile: generic-modbus-relay-board, feeds: {electricity: 1, hub: 2}}
  reference-meter:
    {port: FOLDER/rs485, profile: generic-modbus-reference-meter, measures: electricity}
"""


@pytest.fixture
def station(tmp_path: Path) -> Path:
    path = tmp_path / "bench-b.yaml"
    path.write_text(STATION.replace("FOLDER", str(tmp_path)))
    return path


def test_a_station_is_hosted_where_it_says_and_its_relays_feed_its_devices(
    station: Path, emulate: Emulate, tmp_path: Path
) -> None:
    running = emulate(str(station), UNPACED, lines=4)
    assert running.ready["relay-board"]["port"] == running.ready["reference-meter"]["port"]
    bus = str(tmp_path / "rs485")
    hub = console_hub.connect(
        str(tmp_path / "hub"), profile=quick(read_profile("generic-console-hub"))
    )
    with closing(hub):
        assert hub.identify().eui64 == "70-B3-D5-1F-30-A0-31-08"
        with closing(relays.connect(bus)) as board:
            board.set_channel(2, closed=False)
            board.set_channel(1, closed=False)
        with pytest.raises(NoReply):
            hub.identify()
    with closing(reference.connect(bus)) as witness:
        measured = witness.measure()
    assert (measured.voltage_v, measured.power_w) == (0, 0)
    assert running.stop()["relay-board"] == {"set_channel": 2}
    assert [each.name for each in tmp_path.iterdir() if each.is_symlink()] == []


def test_a_station_can_be_hosted_elsewhere_than_it_says(
    station: Path, emulate: Emulate, tmp_path: Path
) -> None:
    running = emulate(str(station), "--port", "tcp:127.0.0.1:0", lines=4)
    ports = [said["port"] for said in running.ready.values()]
    assert len(set(ports)) == 4
    running.stop()
    folder = tmp_path / "links"
    folder.mkdir()
    running = emulate(str(station), "--port", "pty:", "--link", str(folder), UNPACED, lines=4)
    assert running.ready["hub"]["port"] == str(folder / "hub")
    running.stop()


def test_a_fault_of_the_command_line_strikes(emulate: Emulate) -> None:
    fault = ("--fault", "refused:request=read_registers,code=busy,times=1")
    running = emulate("electricity-meter", "--port", "tcp:127.0.0.1:0", *fault)
    with closing(
        dlms_meter.connect(running.address("electricity"), keys=running.keys("electricity"))
    ) as meter:
        with pytest.raises(Exception, match="busy"):
            meter.read_registers()
        assert meter.read_registers().unit == "kWh"
    running.stop()


def test_the_keys_a_client_needs_are_written_on_request(emulate: Emulate, tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    running = emulate("electricity-meter", "--port", "tcp:127.0.0.1:0", "--write-keys", str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    held = json.loads(path.read_text())["meters"]["electricity"]
    assert bytes.fromhex(held["SUA"]) == running.sua("electricity").reveal()
    assert held["password"].encode() == running.keys("electricity").password.reveal()
    running.stop()
