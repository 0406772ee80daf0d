"""`smets1-bench identify` and `profile check`: ports, exit codes, files, errors."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bench.cli import INTERRUPTED, main
from bench.clock import WallClock
from bench.errors import PortGone
from bench.units import MILLISECOND
from drivers.codecs.hdlc import FrameKind, FrameReader
from drivers.identification.sweep import Sweep
from drivers.profiles.profile import Profile, read_profile
from drivers.transport.line import Parity
from drivers.transport.lock import PortLock
from drivers.transport.memory import WirePeer
from emulators.wire.hosts import Hosting
from emulators.wire.lone_device import lone_device
from tests.wire.kit_on_wire import quick

SHIPPED = (
    "generic-dlms-electricity",
    "generic-console-hub",
    "generic-console-ihd",
    "generic-modbus-relay-board",
    "generic-modbus-reference-meter",
)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(each) for each in arguments])


@pytest.fixture(autouse=True)
def _locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The system gives a pty's number to the next one; another test run may still hold its lock.
    monkeypatch.setenv("SMETS1_BENCH_LOCK_DIR", str(tmp_path))


@contextmanager
def hosted(place: str, folder: Path, profile: Profile) -> Iterator[str]:
    clock = WallClock()
    with Hosting(clock) as hosting:
        line = profile.line.settings
        end = (
            hosting.tcp(line=line)
            if place == "tcp"
            else hosting.pty(folder / "port", line, paced=False)
        )
        end.attach(lone_device(profile, end))
        yield f"socket://{end.address}" if place == "tcp" else end.address


# -- found -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SHIPPED)
def test_a_draft_is_written_and_the_device_confirms_it(name: str, tmp_path: Path) -> None:
    out = tmp_path / "my.yaml"
    done = run("identify", f"emu:{name}", "--out", out)
    assert done.exit_code == 0, done.output
    assert f"drafted: {out}" in done.output
    assert read_profile(str(out)).line == read_profile(name).line
    checked = run("profile", "check", out, "--port", f"emu:{name}")
    assert checked.exit_code == 0, checked.output
    assert " 0 contradicted" in checked.output


@pytest.mark.parametrize(
    ("place", "name", "protocol"),
    [
        ("pty", "generic-dlms-electricity", "dlms"),
        ("tcp", "generic-dlms-electricity", "dlms"),
        ("pty", "generic-modbus-reference-meter", "modbus"),
        ("tcp", "generic-console-ihd", "console"),
    ],
)
def test_over_a_port_outside_this_program(
    place: str, name: str, protocol: str, tmp_path: Path
) -> None:
    profile = quick(read_profile(name))
    with hosted(place, tmp_path, profile) as port:
        done = run("identify", port, "--line", str(profile.line.settings), "--json",
                   "--wait", "300ms", "--protocol", protocol, "--units", "2")  # fmt: skip
        assert done.exit_code == 0, done.output
        said = json.loads(done.stdout)
        assert said["found"]["line"] == str(profile.line.settings)
        assert said["sent"] <= said["allowance"]
        assert run("profile", "check", name, "--port", port).exit_code == 0


def test_over_a_pty_a_wrong_parity_finds_nothing(tmp_path: Path) -> None:
    profile = quick(read_profile("generic-modbus-relay-board"))
    even = replace(profile, line=replace(profile.line, parity=Parity.EVEN))
    with hosted("pty", tmp_path, even) as port:
        options = ("--protocol", "modbus", "--units", "1", "--wait", "300ms")
        assert run("identify", port, "--line", "9600 8N1", *options).exit_code == 1
        assert run("identify", port, "--line", "9600 8E1", *options).exit_code == 0


def test_the_text_says_what_was_found_tried_and_sent() -> None:
    done = run("identify", "emu:generic-dlms-electricity")
    for said in (
        "found: a meter at 9600 8N1",
        "HDLC: server 1/17, 248 octets of information",
        "0.0.42.0.0.255     2  SMBSN1",
        "9600 8N1  SNRM to 1: answered: UA of 1/17",
        "public associations: 1, no password and no key",
        'eui64: "0.0.96.1.1.255"  # read: 70B3D51F3000B001',
        "registers: []  # unknown: none is readable without credentials",
    ):
        assert said in done.stdout
    assert "300 7E1: optical" in done.stderr, "progress goes where it disturbs no pipe"


def test_json_holds_the_draft_too(tmp_path: Path) -> None:
    said = json.loads(run("identify", "emu:generic-console-hub", "--json").stdout)
    assert said["found"]["dialect"] == "generic-console-hub"
    path = tmp_path / "p.yaml"
    path.write_text(said["profile"], encoding="utf-8")
    assert read_profile(str(path)).role == "comms-hub"


# -- not found -------------------------------------------------------------------------------------


class Deaf:
    """Hears and says nothing."""

    def receive(self, data: bytes, at: int) -> None:
        pass


@contextmanager
def quiet_port() -> Iterator[str]:
    with Hosting(WallClock()) as hosting:
        end = hosting.tcp()
        end.attach(Deaf())
        yield f"socket://{end.address}"


NARROW = ("--line", "9600 8N1", "--protocol", "modbus", "--units", "1", "--wait", "100ms")


def test_nothing_answers() -> None:
    with quiet_port() as port:
        done = run("identify", port, *NARROW)
    assert done.exit_code == 1
    assert "nothing was found" in done.stdout
    assert "tried: 1 questions on 1 lines (1 silent)" in done.stdout


class Odd:
    """Answers everything with the same nonsense."""

    def __init__(self, send: object) -> None:
        self._send = send

    def receive(self, data: bytes, at: int) -> None:
        self._send(b"\x80\x81\x82")  # type: ignore[operator]


def test_something_answers_that_is_not_understood() -> None:
    with Hosting(WallClock()) as hosting:
        end = hosting.tcp()
        odd: WirePeer = Odd(end.send)
        end.attach(odd)
        done = run("identify", f"socket://{end.address}", *NARROW)
    assert done.exit_code == 3
    assert "not understood: 3 octets: 80 81 82" in done.stdout


def test_listening() -> None:
    with quiet_port() as port:
        done = run("identify", port, "--listen", "1s", "--line", "9600 8N1", "--json")
    assert done.exit_code == 1, done.output
    assert json.loads(done.stdout)["octets"] == {"9600 8N1": 0}


# -- errors ----------------------------------------------------------------------------------------

USAGE = [
    (("identify", "ttyUSB0"), "port: expected a device path such as /dev/serial/by-id/"),
    (("identify", "emu:generic-dlms-gass"), "did you mean 'generic-dlms-gas'"),
    (
        ("identify", "/dev/null", "--line", "9600"),
        "--line: expected line settings such as 9600 8N1",
    ),
    (
        ("identify", "/dev/null", "--server", "x/1"),
        "--server: expected LOGICAL or LOGICAL/PHYSICAL",
    ),
    (("identify", "/dev/null", "--server", "1/99999"), "such as 1/17, got '1/99999'"),
    (("identify", "/dev/null", "--units", "0-3"), "--units: expected numbers of 1 to 247"),
    (("identify", "/dev/null", "--units", "3-1"), "--units: expected numbers of 1 to 247"),
    (("identify", "/dev/null", "--wait", "soon"), "expected a duration"),
    (("identify", "/dev/null", "--protocol", "zigbee"), "'zigbee' is not one of"),
    (
        ("identify", "/dev/null", "--line", "9600 8N1", "--protocol", "optical"),
        "nothing is left to try: optical needs 7 data bits",
    ),
    (("identify", "/dev/null", "--out", "{shipped}"), "exists already"),
    (
        ("identify", "/dev/null", "--out", "x.yaml", "--listen", "1s"),
        "nothing is drafted while only listening",
    ),
    (("profile", "check", "{shipped}"), "Missing option '--port'"),
    (("profile", "check", "no.yaml", "--port", "emu:x"), "no.yaml: no such file"),
    (("profile", "check", "generic-dlms", "--port", "emu:x"), "no device is called"),
    (("profile", "check", "generic-console-hub", "--port", "hub"), "port: expected a device path"),
]


@pytest.mark.parametrize(("arguments", "said"), USAGE)
def test_a_wrong_command_line(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    shipped = tmp_path / "there.yaml"
    shipped.write_text("", encoding="utf-8")
    done = run(*(each.replace("{shipped}", str(shipped)) for each in arguments))
    assert done.exit_code == 2, done.output
    assert said in done.stderr
    assert "Traceback" not in done.output


def test_a_port_that_is_not_there(tmp_path: Path) -> None:
    for command in (("identify",), ("profile", "check", "generic-console-hub", "--port")):
        done = run(*command, tmp_path / "nothing")
        assert done.exit_code == 4
        assert "cannot be opened" in done.stderr


def test_a_port_that_is_busy(tmp_path: Path) -> None:
    with quiet_port() as port:
        lock = PortLock(port, tmp_path)
        done = run("identify", port, *NARROW)
        lock.release()
    assert done.exit_code == 4
    assert f"is in use by process {os.getpid()}" in done.stderr


def test_a_port_that_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(self: Sweep) -> None:
        raise PortGone("the port is gone", hint="check the cable")

    monkeypatch.setattr(Sweep, "run", gone)
    done = run("identify", "emu:generic-console-hub")
    assert done.exit_code == 4
    assert "hint: check the cable" in done.stderr


def test_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: Sweep) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Sweep, "_modbus", interrupted)
    done = run("identify", "emu:generic-modbus-relay-board")
    assert done.exit_code == INTERRUPTED
    assert "interrupted" in done.stderr


class Overheard:
    """A meter, and every HDLC frame that was sent to it."""

    def __init__(self, meter: WirePeer) -> None:
        self._meter = meter
        self._reader = FrameReader()
        self.frames: list[FrameKind] = []

    def receive(self, data: bytes, at: int) -> None:
        self.frames += [frame.kind for frame in self._reader.receive(data)]
        self._meter.receive(data, at)


def test_ctrl_c_in_the_middle_of_reading_a_meter(tmp_path: Path) -> None:
    meter = read_profile("generic-dlms-electricity")
    slow = replace(meter, timing=replace(meter.timing, reaction=300 * MILLISECOND))
    with Hosting(WallClock()) as hosting:
        end = hosting.pty(tmp_path / "port", meter.line.settings, paced=False)
        overheard = Overheard(lone_device(slow, end))
        end.attach(overheard)
        program = subprocess.Popen(
            [sys.executable, "-c", "from bench.cli import main; main()", "identify", end.address,
             "--line", "9600 8N1", "--protocol", "dlms", "--server", "1/17"],
            stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert program.stderr is not None
        for line in program.stderr:
            if line.startswith("the public client has an association"):
                program.send_signal(signal.SIGINT)
                break
        _, said = program.communicate(timeout=30)
    assert program.returncode == INTERRUPTED
    assert "interrupted" in said
    assert overheard.frames[0] is FrameKind.SNRM
    assert overheard.frames[-1] is FrameKind.DISC


@pytest.mark.parametrize("command", [("identify",), ("profile",), ("profile", "check")])
def test_help_has_an_example(command: tuple[str, ...]) -> None:
    done = run(*command, "--help")
    assert done.exit_code == 0
    assert "smets1-bench " + " ".join(command) in done.stdout
    assert "Example" in done.stdout
