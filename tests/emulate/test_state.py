"""What was acknowledged outlives a kill; a state file is nobody else's and whole, or refused."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bench.devices import KeySlot
from bench.errors import Refused
from bench.secret import Secret
from drivers import console_hub, dlms_meter
from drivers import modbus_relay_board as relays
from tests.emulate.conftest import COMMAND

Emulate = Callable[..., Any]
NEW = Secret(b"\x5a" * 16, "new")
TCP = ("--port", "tcp:127.0.0.1:0")
HUB = "70-B3-D5-1F-30-A0-30-08"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "kept"


def connected(running: Any) -> dlms_meter.DlmsMeter:
    return dlms_meter.connect(running.address("electricity"), keys=running.keys("electricity"))


def test_a_key_that_was_acknowledged_is_held_after_a_kill(emulate: Emulate, state: Path) -> None:
    first = emulate("electricity-meter", *TCP, "--state", str(state))
    old = first.sua("electricity")
    with closing(connected(first)) as meter:
        meter.rotate_key(KeySlot.SUA, NEW, 7)
        reading = meter.read_registers().values[0][1]
    first.kill()
    kept = json.loads(state.read_text())["devices"]["electricity"]
    assert kept["executed"] == {"rotate_key": 1}
    assert stat.S_IMODE(state.stat().st_mode) == 0o600
    again = emulate("electricity-meter", *TCP, "--state", str(state))
    with closing(connected(again)) as meter:
        assert meter.prove_key(KeySlot.SUA, NEW)
        assert not meter.prove_key(KeySlot.SUA, old)
        assert meter.key_state(KeySlot.SUA).version == 2
        assert meter.read_registers().values[0][1] >= reading
        with pytest.raises(Refused, match="counter-not-newer"):
            meter.rotate_key(KeySlot.SUA, old, 7)
    assert again.stop()["electricity"] == {"rotate_key": 1}, "done once, and counted once"


def test_a_rotation_killed_after_each_answer_is_never_lost_nor_done_twice(
    emulate: Emulate, state: Path
) -> None:
    """The count of the state is the count of the client, whenever the process dies."""
    for command in (1, 2, 3):
        running = emulate("electricity-meter", *TCP, "--state", str(state), "--security", "none")
        with closing(connected(running)) as meter:
            meter.rotate_key(KeySlot.SUA, NEW, command)
        running.kill()
        kept = json.loads(state.read_text())["devices"]["electricity"]
        assert kept["executed"] == {"rotate_key": command}
        assert kept["meter"]["keys"]["slots"]["SUA"]["counter"] == command


def test_a_hub_keeps_its_table_its_messages_and_what_it_carried_out(
    emulate: Emulate, state: Path
) -> None:
    first = emulate("comms-hub", *TCP, "--state", str(state))
    with closing(console_hub.connect(first.address("hub"))) as hub:
        gas = next(row.eui64 for row in hub.han_devices() if row.role == "gas-meter")
        hub.remove_device(gas)
        hub.wake()
    first.kill()
    again = emulate("comms-hub", *TCP, "--state", str(state))
    with closing(console_hub.connect(again.address("hub"))) as hub:
        assert {row.eui64: row.joined for row in hub.han_devices()}[gas] is False
        assert hub.wan_state().wake_ups == 1
        hub.reboot()
    again.kill()
    third = emulate("comms-hub", *TCP, "--state", str(state))
    with closing(console_hub.connect(third.address("hub"))) as hub:
        assert hub.diagnostics().power_ups == 2, "the reboot was over when the emulator was back"
    assert third.stop()["hub"] == {"remove_device": 1, "wake": 1, "reboot": 1}


def test_relays_stay_where_they_were(emulate: Emulate, state: Path) -> None:
    first = emulate("relay-board", *TCP, "--state", str(state))
    with closing(relays.connect(first.address("relay-board"))) as board:
        board.set_channel(1, closed=False)
    first.kill()
    again = emulate("relay-board", *TCP, "--state", str(state))
    with closing(relays.connect(again.address("relay-board"))) as board:
        assert not board.channel_closed(1)
        board.set_channel(1, closed=True)
    kept_cuts = json.loads(state.read_text())["devices"]["electricity"]["power-cuts"]
    assert len(kept_cuts) == 1
    assert kept_cuts[0]["until"] is not None, "the device behind it has its mains again"
    again.stop()


def test_two_processes_never_share_a_state_or_a_link(
    emulate: Emulate, state: Path, tmp_path: Path
) -> None:
    link = tmp_path / "meter"
    running = emulate("electricity-meter", "--link", str(link), "--state", str(state))
    for arguments in (["--link", str(link)], [*TCP, "--state", str(state)]):
        done = refused("electricity-meter", *arguments, code=4)
        assert "in use by process" in done
    running.stop()
    emulate("electricity-meter", "--link", str(link), "--state", str(state)).stop()


def refused(*arguments: str, code: int = 2) -> str:
    done = subprocess.run(
        [str(COMMAND), "emulate", *arguments], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.fixture
def kept(emulate: Emulate, state: Path) -> Path:
    emulate("electricity-meter", *TCP, "--state", str(state)).stop()
    return state


def test_a_state_that_others_may_read_is_refused(kept: Path) -> None:
    kept.chmod(0o640)
    said = refused("electricity-meter", *TCP, "--state", str(kept))
    assert f"{kept}: it holds keys: expected mode 0600, got 0640" in said
    assert f"hint: chmod 600 {kept}" in said


def cut(text: str) -> str:
    return text[: len(text) // 2]


def drop_a_field(text: str) -> str:
    return text.replace('"power-ups"', '"power-down"', 1)


def spoil_the_key(text: str) -> str:
    start = text.index('"key": "') + 8
    return text[:start] + "zz" + text[start + 2 :]


def shorten_the_key(text: str) -> str:
    start = text.index('"key": "') + 8
    return text[:start] + text[start + 2 :]


@pytest.mark.parametrize("damage", [cut, drop_a_field, spoil_the_key, shorten_the_key])
def test_a_damaged_state_is_refused_and_never_quoted(
    damage: Callable[[str], str], kept: Path
) -> None:
    whole = kept.read_text()
    key = json.loads(whole)["devices"]["electricity"]["meter"]["keys"]["slots"]["SUA"]["key"]
    kept.write_text(damage(whole))
    said = refused("electricity-meter", *TCP, "--state", str(kept))
    assert f"error: {kept}" in said
    assert key[4:] not in said
    assert kept.read_text() == damage(whole), "nothing was written over it"


def test_the_state_of_another_installation_or_seed_is_refused(kept: Path) -> None:
    arguments = ("electricity-meter", *TCP, "--state", str(kept))
    other = refused(*arguments, "--installation", "ioc-dual-fuel")
    assert "expected the state of ioc-dual-fuel, got that of da-dual-fuel" in other
    assert "was begun with --seed 1, not 2" in refused(*arguments, "--seed", "2")


def test_a_state_that_cannot_be_stored_ends_the_emulation_unanswered(
    emulate: Emulate, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    running = emulate("relay-board", *TCP, "--state", str(folder / "kept"))
    before = (folder / "kept").read_bytes()
    os.rename(folder, tmp_path / "gone")  # noqa: PTH104 - the folder, not a path of it
    with closing(relays.connect(running.address("relay-board"))) as board, pytest.raises(Exception):  # noqa: B017, PT011
        board.set_channel(1, closed=False)
    _, said = running.process.communicate()
    assert running.process.returncode == 4
    assert "the state cannot be stored" in said
    assert (tmp_path / "gone" / "kept").read_bytes() == before
