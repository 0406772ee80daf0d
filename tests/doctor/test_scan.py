"""`scan`, `list` of what is installed, and `completion`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from serial.tools.list_ports_common import ListPortInfo

from bench.cli import COMMANDS, main
from bench.yaml_source import loads
from drivers.serial_adapters import Adapter, adapters


def run(*arguments: str, **options: Any) -> Any:
    return CliRunner().invoke(main, list(arguments), **options)


def info(device: str, **known: Any) -> ListPortInfo:
    made = ListPortInfo(device)
    for name, value in known.items():
        setattr(made, name, value)
    return made


def test_an_adapter_is_named_by_what_stays_the_same(tmp_path: Path) -> None:
    (tmp_path / "ttyUSB0").touch()
    (tmp_path / "ttyS0").touch()
    by_id = tmp_path / "by-id"
    by_id.mkdir()
    link = by_id / "usb-Optical_Head_A1-if00-port0"
    link.symlink_to(tmp_path / "ttyUSB0")
    (by_id / "usb-gone").symlink_to(tmp_path / "ttyUSB9")
    usb = info(str(tmp_path / "ttyUSB0"), vid=0x0403, pid=0x6001, description="FT232R",
               manufacturer="FTDI", serial_number="A1")  # fmt: skip
    found = adapters(lambda: [info(str(tmp_path / "ttyS0")), usb], by_id)
    assert found == [
        Adapter(str(link), str(tmp_path / "ttyUSB0"), "FT232R", "FTDI", "A1", "0403:6001"),
        Adapter(str(tmp_path / "ttyS0"), str(tmp_path / "ttyS0"), ""),
    ]
    assert [each.by_id for each in found] == [True, False]


def test_a_machine_that_never_had_an_adapter(tmp_path: Path) -> None:
    assert adapters(list, tmp_path / "no-such-folder") == []


ADAPTER = Adapter("/dev/serial/by-id/usb-X", "/dev/ttyUSB0", "FT\x1b232", "FTDI", "A1", "0403:6001")


@pytest.fixture
def plugged(monkeypatch: pytest.MonkeyPatch) -> list[Adapter]:
    found = [ADAPTER]
    monkeypatch.setattr("bench.cli.scan.load", lambda group, name: lambda: found)
    return found


def test_scan_lists_and_proposes(plugged: list[Adapter]) -> None:
    done = run("scan")
    assert done.exit_code == 0
    first, _, proposal = done.stdout.partition("\n")
    assert first.startswith("/dev/serial/by-id/usb-X: FT")
    assert "\x1b" not in done.stdout, "what an adapter says of itself steers no terminal"
    assert "serial number A1, USB 0403:6001, now /dev/ttyUSB0" in first
    devices = loads(proposal, "station.yaml").data["installation"]["devices"]
    assert devices["device-1"]["port"] == "/dev/serial/by-id/usb-X"


def test_scan_as_json(plugged: list[Adapter]) -> None:
    said = json.loads(run("scan", "--json").stdout)
    assert said["adapters"][0]["port"] == "/dev/serial/by-id/usb-X"


def test_scan_of_nothing(plugged: list[Adapter]) -> None:
    plugged.clear()
    assert "no serial adapter is plugged in" in run("scan").stdout


@pytest.mark.parametrize(
    ("kind", "name", "about"),
    [
        ("drivers", "dlms-meter", "An electricity or gas meter on its service port"),
        ("drivers", "modbus-relay-board", "A relay board on Modbus RTU"),
        ("emulators", "comms-hub", "The communications hub"),
        ("emulators", "reference-meter", "The reference meter"),
        ("profiles", "generic-console-ihd", "A generic example of an in-home display"),
    ],
)
def test_what_is_installed_is_listed(kind: str, name: str, about: str) -> None:
    listed = json.loads(run("list", kind, "--json").stdout)[kind]
    assert listed[name].startswith(about)


def test_drivers_are_listed_without_importing_them() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from bench.cli import main; "
        "assert CliRunner().invoke(main, ['list', 'drivers']).exit_code == 0; "
        "assert 'pymodbus' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script(shell: str) -> None:
    done = run("completion", shell)
    assert done.exit_code == 0
    assert f"_SMETS1_BENCH_COMPLETE={shell}_complete" in done.stdout


def complete(words: str, position: int) -> set[str]:
    environment = {
        "_SMETS1_BENCH_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(position),
    }
    done = CliRunner().invoke(main, env=environment, prog_name="smets1-bench")
    return {line.partition(",")[2] for line in done.stdout.splitlines()}


def test_commands_and_options_are_completed() -> None:
    assert complete("smets1-bench ", 1) == set(COMMANDS)
    assert complete("smets1-bench ident", 1) == {"identify"}
    assert {"--listen", "--out", "--json"} <= complete("smets1-bench identify --", 2)
    assert complete("smets1-bench completion ", 2) == {"bash", "zsh", "fish"}


def test_commands_are_completed_without_importing_them() -> None:
    code = (
        "import sys\n"
        "from bench.cli import main\n"
        "try: main(prog_name='smets1-bench')\n"
        "except SystemExit: pass\n"
        "assert not [m for m in sys.modules if m.startswith('bench.cli.')]\n"
    )
    environment = {
        **os.environ,
        "_SMETS1_BENCH_COMPLETE": "bash_complete",
        "COMP_WORDS": "smets1-bench ",
        "COMP_CWORD": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, timeout=60, env=environment, capture_output=True
    )
    assert b"plain,identify" in done.stdout
