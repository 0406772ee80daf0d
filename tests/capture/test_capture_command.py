"""`smets1-bench capture`: exit codes, errors, JSON."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sessions import KEY, console_session, modbus_session

from bench.cli import main
from bench.clock import VirtualClock
from bench.errors import UsageError
from bench.units import SECOND
from drivers.capture.records import CaptureRecord, Direction, Passed, read_capture, to_line
from drivers.capture.run_folder import captured
from drivers.console_hub import ConsoleHub
from drivers.dlms_meter import DlmsMeter
from drivers.profiles.dlms_keys import demo_meter_keys
from drivers.profiles.profile import read_profile
from drivers.transport.line import LineSettings
from drivers.transport.memory import MemoryPort
from emulators.wire.lone_device import lone_device
from tests.wire.kit_on_wire import HUB, home

AT = 1_617_874_200 * SECOND


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["capture", *map(str, arguments)])


def stored(path: Path, records: list[CaptureRecord]) -> Path:
    path.write_text("".join(to_line(record) + "\n" for record in records), encoding="ascii")
    return path


@pytest.fixture
def modbus(tmp_path: Path) -> Path:
    return stored(tmp_path / "modbus.jsonl", modbus_session())


@pytest.fixture
def console(tmp_path: Path) -> Path:
    return stored(tmp_path / "console.jsonl", console_session())


def hub_capture(folder: Path) -> Path:
    """What a driver and an emulated hub said, written as a run writes it."""
    place = home()
    transport = place.console_port("hub", HUB).connect(HUB.line.settings)
    hub = ConsoleHub("hub", HUB, captured(transport, folder, "hub"))
    hub.wan_state()
    hub.wake()
    hub.wan_state()
    hub.close()
    return folder / "captures" / "hub.jsonl"


def test_show_prints_messages_and_hides_keys(console: Path) -> None:
    done = run("show", console)
    assert done.exit_code == 0
    assert "key <secret 32 characters, hub/key>" in done.output
    assert KEY not in done.output
    assert KEY[:8].encode().hex(" ") not in done.output
    assert run("show", console, "--no-octets").output.count("\n") < done.output.count("\n")
    assert run("show", console, "--protocol", "octets").output.count("octets ") >= 4
    assert run("show", console, "--port", "other").exit_code == 2


def test_show_as_json(modbus: Path) -> None:
    shown = json.loads(run("show", modbus, "--json").output)
    assert shown["file"] == str(modbus)
    said = [item["meaning"] for item in shown["items"] if "meaning" in item]
    assert said[1] == "unit 1: read-holding-registers answer: 107 108"


def test_diff_exits_by_what_it_finds(modbus: Path, console: Path, tmp_path: Path) -> None:
    same = run("diff", modbus, modbus)
    assert (same.exit_code, same.output) == (0, "0 differences\n")
    other = run("diff", modbus, console)
    assert other.exit_code == 1
    assert run("diff", modbus, tmp_path / "absent").exit_code == 2
    found = json.loads(run("diff", modbus, console, "--json").output)
    assert found["differences"]
    assert run("diff", modbus, modbus, "--slack", "soon").exit_code == 2


def test_diff_of_timing_by_its_thresholds(tmp_path: Path) -> None:
    def session(answer_after: int) -> list[CaptureRecord]:
        return [
            Passed(AT, "p", Direction.OUT, (b"clock\r\n",)),
            Passed(AT + answer_after, "p", Direction.IN, (b"CLOCK 1\r\n",)),
        ]

    a = stored(tmp_path / "a", session(SECOND // 10))
    b = stored(tmp_path / "b", session(SECOND // 2))
    slow = run("diff", a, b)
    assert slow.exit_code == 1
    assert "after 0.100000 s in A, 0.500000 s in B" in slow.output
    assert run("diff", a, b, "--ignore-timing").exit_code == 0
    assert run("diff", a, b, "--slack", "1s").exit_code == 0
    assert run("diff", a, b, "--share", "90").exit_code == 0


def test_a_hubs_session_replays_on_an_emulated_hub(tmp_path: Path) -> None:
    capture = hub_capture(tmp_path)
    new = tmp_path / "replayed.jsonl"
    against = ("--against", "emu:generic-console-hub", "--save", new)
    done = run("replay", capture, *against, "--ignore-values")
    assert (done.exit_code, done.output) == (0, "0 differences\n")
    assert len(list(read_capture(new))) > 4
    assert run("diff", capture, new, "--ignore-values", "--ignore-timing").exit_code == 0


def test_a_ciphered_session_replays_on_an_emulated_meter_that_has_not_seen_it(
    tmp_path: Path,
) -> None:
    """Only because the emulated meter is as new as it was then, and challenges as it did then."""
    profile = read_profile("generic-dlms-electricity")
    port = MemoryPort("meter", VirtualClock(AT), profile.line.settings)
    port.attach(lone_device(profile, port))
    transport = captured(port.connect(profile.line.settings), tmp_path, "meter")
    keys = demo_meter_keys("70-B3-D5-1F-30-00-B0-01")
    meter = DlmsMeter("meter", profile, transport, keys, entropy=random.Random(2).randbytes)
    meter.identify()
    meter.read_registers()
    meter.close()
    capture = tmp_path / "captures" / "meter.jsonl"
    shown = run("show", capture, "--no-octets").output
    assert "glo-get-request: counter" in shown
    assert "!!" not in shown
    done = run("replay", capture, "--against", "emu:generic-dlms-electricity")
    assert (done.exit_code, done.output) == (0, "0 differences\n")
    gas = run("replay", capture, "--against", "emu:generic-dlms-gas")
    assert gas.exit_code == 1


def test_a_replay_reports_what_another_device_answers(modbus: Path) -> None:
    board = ("--against", "emu:generic-modbus-relay-board")
    done = run("replay", modbus, *board)
    assert done.exit_code == 1
    assert "- emu:kit <- modbus unit 1: read-holding-registers answer: 107 108" in done.output
    assert "refused: illegal-function (1)" in done.output
    assert json.loads(run("replay", modbus, *board, "--json").output)["differences"]


def test_a_replay_leaves_out_what_it_has_no_key_for(console: Path, tmp_path: Path) -> None:
    hub = ("--against", "emu:generic-console-hub", "--json")
    assert json.loads(run("replay", console, *hub).output)["withheld"] == {"hub/key": 1}
    text = run("replay", console, *hub[:2]).output
    assert "not sent: 1 with the secret hub/key (--secret)" in text
    key = tmp_path / "key"
    key.write_text(KEY, encoding="ascii")
    given = run("replay", console, *hub, "--secret", f"hub/key={key}")
    assert json.loads(given.output)["withheld"] == {}
    assert KEY not in given.output
    for secret in ("hub/key", f"hub/key={tmp_path / 'absent'}", f"hub/key={console}"):
        refused = run("replay", console, *hub, "--secret", secret)
        assert refused.exit_code == 2
        assert "--secret" in refused.stderr


@pytest.mark.parametrize(
    ("against", "code", "says"),
    [
        ("emu:generic-consol-hub", 2, "did you mean"),
        ("nowhere", 2, "port: expected"),
        ("/dev/does-not-exist", 4, "cannot be opened"),
    ],
)
def test_a_replay_against_nothing(modbus: Path, against: str, code: int, says: str) -> None:
    done = run("replay", modbus, "--against", against)
    assert done.exit_code == code
    assert says in done.stderr


def test_every_problem_of_a_file_is_said_with_its_line(tmp_path: Path) -> None:
    good = to_line(Passed(AT, "p", Direction.OUT, (b"x",)))
    path = tmp_path / "broken.jsonl"
    path.write_text(f'{good}\n{{\n{good}\n{{"at":"x"}}\n[]\n', encoding="ascii")
    for command in (("show", path), ("diff", path, path), ("replay", path, "--against", "emu:x")):
        done = run(*command)
        assert done.exit_code == 2
        lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        assert [line.split("broken.jsonl:")[1].split(":")[0] for line in lines] == ["2", "4", "5"]


@pytest.mark.parametrize("seed", range(40))
def test_any_file_is_shown_or_refused(tmp_path: Path, seed: int) -> None:
    """A capture with a few octets changed, cut or doubled, and files of noise."""
    rng = random.Random(seed)
    path = tmp_path / "any.jsonl"
    text = bytearray("".join(to_line(r) + "\n" for r in console_session()).encode("ascii"))
    for _ in range(rng.randint(1, 12)):
        place = rng.randrange(len(text))
        match rng.randrange(4):
            case 0:
                text[place] = rng.randrange(256)
            case 1:
                del text[place : place + rng.randint(1, 30)]
            case 2:
                text[place:place] = text[place : place + rng.randint(1, 30)]
            case _:
                text[place:place] = b"0" * rng.randint(1, 40)
    path.write_bytes(bytes(text) if seed % 4 else rng.randbytes(2_000))
    for command in (("show", path), ("show", path, "--json"), ("diff", path, path)):
        done = run(*command)
        assert done.exit_code in (0, 2), done.output
        assert all(c.isprintable() or c == "\n" for c in done.stdout + done.stderr)


def test_a_length_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "huge.jsonl"
    line = to_line(Passed(AT, "p", Direction.OUT, (b"x",)))
    path.write_text(
        line.replace('"78"', '{"secret":"k","length":1000000000000}') + "\n", encoding="ascii"
    )
    done = run("show", path)
    assert done.exit_code == 2
    assert "huge.jsonl:1: data: length: expected 1 to 4096" in done.stderr


def test_a_run_keeps_each_devices_capture_in_its_folder(tmp_path: Path) -> None:
    capture = hub_capture(tmp_path)
    assert capture.stat().st_mode & 0o077 == 0
    assert [record.happening for record in read_capture(capture) if hasattr(record, "happening")][
        -1
    ] == "closed"
    before = capture.read_bytes()
    port = MemoryPort("kit", home().clock)
    captured(port.connect(LineSettings()), tmp_path, "hub").close()
    assert capture.read_bytes().startswith(before)
    with pytest.raises(UsageError, match="a device's name"):
        captured(port.connect(LineSettings()), tmp_path, "../hub")
