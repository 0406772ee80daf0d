"""`power` on a relay board that another process hosts; whatever ends a cycle, the mains are on."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.errors import ExitCode
from bench.safe_state.note import FILE as NOTE
from tests.e2e.bench_on_ports import COMMAND

STATION = """\
station: relays
installation:
  group: DA
  devices:
    hub: {{role: comms-hub, eui64: 70-B3-D5-1F-30-A0-77-08, model: CH-1}}
    electricity: {{role: electricity-meter, eui64: 70-B3-D5-1F-30-A0-77-01, model: EM-1}}
kit:
  relay-board:
    port: {port}
    profile: generic-modbus-relay-board
    feeds: {{hub: 1, electricity: 2}}
"""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("relays")
    link = folder / "board"
    (folder / "bench.yaml").write_text(STATION.format(port=link), encoding="utf-8")
    words = [*COMMAND, "emulate", "relay-board", "--link", str(link), "--no-pacing", "--json"]
    with subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, text=True) as host:
        assert host.stdout is not None
        assert json.loads(host.stdout.readline())["role"] == "relay-board"
        yield folder
        host.terminate()


def environment(bench: Path) -> dict[str, str]:
    return {**os.environ, "SMETS1_BENCH_LOCK_DIR": str(bench), "TMPDIR": str(bench)}


def power(bench: Path, *words: str) -> tuple[int, str]:
    done = subprocess.run(
        [*COMMAND, "power", "bench.yaml", *words],
        cwd=bench,
        env=environment(bench),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


ALL_ON = "channel 1: on  feeds hub\nchannel 2: on  feeds electricity\n"


def test_relays_are_shown_set_and_read_back(bench: Path) -> None:
    assert power(bench) == (0, ALL_ON)
    assert power(bench, "hub", "off", "--yes") == (0, "channel 1: off  feeds hub\n")
    assert power(bench, "1", "on") == (0, "channel 1: on  feeds hub\n")
    code, said = power(bench, "electricity", "cycle", "--yes", "--off-for", "50ms")
    assert (code, sorted(said.splitlines())) == (
        0,
        ["channel 2: off  feeds electricity", "channel 2: on  feeds electricity"],
    )


def test_nobody_is_there_to_be_asked(bench: Path) -> None:
    code, said = power(bench, "hub", "off")
    assert code == ExitCode.USAGE
    assert "nobody can be asked before mains are switched off" in said
    assert power(bench) == (0, ALL_ON)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("hubb", "on"), ExitCode.USAGE, "got 'hubb'; did you mean 'hub'?"),
        (("hub",), ExitCode.USAGE, "say what to do with the channel"),
        (("99", "on"), ExitCode.BENCH, "channel 99: the board has channels 1 to"),
        (("hub", "cycle", "--yes", "--off-for", "soon"), ExitCode.USAGE, "--off-for: expected a"),
    ],
    ids=str,
)
def test_what_cannot_be(bench: Path, words: tuple[str, ...], code: int, said: str) -> None:
    got = power(bench, *words)
    assert got[0] == code
    assert said in got[1]


def in_a_cycle(bench: Path) -> subprocess.Popen[bytes]:
    """A cycle whose mains are off: its watchdog has been told, and the relay has moved."""
    running = subprocess.Popen(
        [*COMMAND, "power", "bench.yaml", "hub", "cycle", "--yes", "--off-for", "300s"],
        cwd=bench,
        env=environment(bench),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert running.stderr is not None
    line = running.stderr.readline().decode()
    assert line == "channel 1: off  feeds hub\n", line
    return running


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_cycle_that_is_stopped_ends_with_the_mains_on(bench: Path, number: int) -> None:
    running = in_a_cycle(bench)
    running.send_signal(number)
    out, _ = running.communicate()
    assert out.decode() == "channel 1: on  feeds hub\n"
    assert power(bench) == (0, ALL_ON)


def test_a_cycle_that_is_killed_ends_with_the_mains_on(bench: Path) -> None:
    running = in_a_cycle(bench)
    running.kill()
    # The watchdog holds the other end of the pipe until it has done what was due.
    assert running.stderr is not None
    while select.select([running.stderr], [], [])[0] and running.stderr.read(1):
        pass
    running.communicate()
    assert power(bench) == (0, ALL_ON)
    (note,) = bench.glob(f"**/{NOTE}")
    said = json.loads(note.read_text(encoding="utf-8"))
    assert said["by"].startswith("watchdog ")
    assert (said["undo"], said["outcome"]) == ("relay channel 1 on", "put back")
