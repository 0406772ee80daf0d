"""The driver of docs/third-party-driver.md, run as a stranger's installed package."""

from __future__ import annotations

import re
import socketserver
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest
from click.testing import CliRunner

from bench.cli import main
from bench.clock import VirtualClock
from bench.devices import PowerSwitch
from bench.errors import BenchError, ExitCode, KitFault, RelayStuck, UsageError
from bench.plugins import DRIVERS, load
from bench.units import MILLISECOND, SECOND, Micros
from drivers.profiles.profile import TimingProfile, read_profile
from drivers.transport.memory import MemoryPort
from tests.wire.kit_on_wire import BOARD, START, timed

DOC = Path(__file__).parents[2] / "docs" / "third-party-driver.md"
OURS = (
    "console-hub",
    "console-ihd",
    "gas-via-hub",
    "modbus-relay-board",
    "modbus-reference-meter",
)


def blocks(language: str) -> list[str]:
    text = DOC.read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


class Strip:
    """The emulated power strip of the page."""

    def __init__(self, port: MemoryPort) -> None:
        self.on = {1: True, 2: True}
        self.stuck: set[int] = set()
        self.reaction: Micros = 10 * MILLISECOND
        self._port = port
        self._line = b""
        port.attach(self)

    def receive(self, data: bytes, at: Micros) -> None:
        self._line += data
        while b"\n" in self._line:
            line, self._line = self._line.split(b"\n", 1)
            verb, number, *state = line.decode("ascii").split()
            if verb == "set" and int(number) not in self.stuck:
                self.on[int(number)] = state == ["on"]
            answer = f"{number} {'on' if self.on[int(number)] else 'off'}\n".encode("ascii")
            self._port.clock.call_at(
                at + self.reaction,
                lambda said=answer: self._port.send(said),  # type: ignore[misc]
            )


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution as pip leaves it: the module, and its entry points beside it."""
    (tmp_path / "acme_strip.py").write_text(blocks("python")[0], encoding="utf-8")
    info = tmp_path / "acme_strip-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-strip\nVersion: 1.0\n")
    (toml,) = blocks("toml")
    (entry,) = re.findall(r'^acme-strip = "(.*)"$', toml, re.MULTILINE)
    (info / "entry_points.txt").write_text(f"[{DRIVERS}]\nacme-strip = {entry}\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "acme_strip", raising=False)
    load.cache_clear()


@pytest.mark.usefixtures("installed")
def test_the_pages_driver_is_found_and_works() -> None:
    clock = VirtualClock(START)
    port = MemoryPort("strip", clock, BOARD.line.settings)
    kit = Strip(port)
    profile = timed(BOARD, TimingProfile(500 * MILLISECOND, 0, 2 * SECOND))
    strip: PowerSwitch = load(DRIVERS, "acme-strip")("strip", profile, port.connect(port.line))
    strip.set_channel(1, closed=False)
    assert kit.on == {1: False, 2: True}
    assert strip.channel_closed(2)
    kit.stuck.add(2)
    with pytest.raises(RelayStuck, match="socket 2 is not off"):
        strip.set_channel(2, closed=False)
    kit.reaction = 700 * MILLISECOND
    with pytest.raises(KitFault, match="no answer"):
        strip.channel_closed(1)
    kit.reaction = 10 * MILLISECOND
    assert strip.channel_closed(2), "and not the late answer about socket 1"


class _Served(socketserver.StreamRequestHandler):
    """The power strip of the page on a TCP port."""

    on: ClassVar[dict[str, str]] = {}

    def handle(self) -> None:
        for line in self.rfile:
            verb, number, *state = line.decode("ascii").split()
            if verb == "set":
                self.on[number] = state[0]
            self.wfile.write(f"{number} {self.on[number]}\n".encode("ascii"))


@pytest.fixture
def station(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A station whose board is such a strip, by the two YAML blocks of the page."""
    profile, kit = blocks("yaml")
    monkeypatch.setenv("SMETS1_BENCH_LOCK_DIR", str(tmp_path))
    _Served.on = {"1": "on", "2": "on"}
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Served) as server:
        host, port = server.server_address[:2]
        served = Thread(target=server.serve_forever)
        served.start()
        (tmp_path / "acme-strip-2.yaml").write_text(profile, encoding="utf-8")
        kit = kit.replace("/dev/serial/by-id/usb-strip", f"socket://{host!s}:{port}")
        (tmp_path / "bench.yaml").write_text(STATION + kit, encoding="utf-8")
        yield tmp_path / "bench.yaml"
        server.shutdown()
        served.join()


STATION = """\
station: with-a-strip
installation:
  group: DA
  devices:
    hub: {role: comms-hub, eui64: 70-B3-D5-1F-30-A0-77-08, model: CH-1}
    electricity: {role: electricity-meter, eui64: 70-B3-D5-1F-30-A0-77-01, model: EM-1}
"""


@pytest.mark.usefixtures("installed")
def test_a_station_names_it_and_power_switches_it(station: Path) -> None:
    done = CliRunner().invoke(main, ["power", str(station), "hub", "off", "--yes"])
    assert (done.exit_code, done.stdout) == (0, "channel 1: off  feeds hub\n"), done.output
    assert _Served.on == {"1": "off", "2": "on"}
    done = CliRunner().invoke(main, ["power", str(station)])
    assert (done.exit_code, done.stdout) == (0, "channel 1: off  feeds hub\n"), done.output


def test_a_profile_whose_driver_is_not_installed_is_refused(station: Path) -> None:
    done = CliRunner().invoke(main, ["power", str(station)])
    assert done.exit_code == ExitCode.USAGE
    expected = "acme-strip-2.yaml:4:9: driver: no driver is installed under the name 'acme-strip'"
    assert expected in done.stderr


def test_a_profile_names_a_driver_or_a_protocol(tmp_path: Path) -> None:
    path = tmp_path / "both.yaml"
    path.write_text(blocks("yaml")[0].replace("acme-strip\n", "console-hub\n") + "modbus: {}\n")
    with pytest.raises(UsageError, match="expected dlms, console, modbus or driver, got modbus, d"):
        read_profile(str(path))


def test_the_page_keeps_its_promise_of_length() -> None:
    lines = [line for line in blocks("python")[0].splitlines() if line.strip()]
    assert len(lines) <= 45


def test_without_the_package_the_bench_says_what_is_missing() -> None:
    load.cache_clear()
    with pytest.raises(BenchError, match="nothing is installed under the name acme-strip"):
        load(DRIVERS, "acme-strip")


@pytest.mark.parametrize("name", OURS)
def test_our_own_drivers_are_found_the_same_way(name: str) -> None:
    assert [point.name for point in entry_points(group=DRIVERS, name=name)] == [name]
    assert callable(load(DRIVERS, name))
