"""The driver of docs/third-party-driver.md, run as a stranger's installed package."""

from __future__ import annotations

import re
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from bench.clock import VirtualClock
from bench.devices import PowerSwitch
from bench.errors import BenchError, KitFault, RelayStuck
from bench.plugins import DRIVERS, load
from bench.units import MILLISECOND, SECOND, Micros
from drivers.profiles.profile import TimingProfile
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
