"""What is wrong with the command line is said before anything is hosted: all of it, with a hint."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.cli import COMMANDS, main
from bench.shipped import fixtures
from tests.emulate.conftest import COMMAND

MAP = str(fixtures() / "observing" / "ioc-on-device-check.yaml")
TCP = ("--port", "tcp:127.0.0.1:0")
METER = "electricity-meter"

REFUSED: dict[str, tuple[Sequence[str], Sequence[str]]] = {
    "role": (["electricity-metre"], ["did you mean 'electricity-meter'?", "ends in .yaml"]),
    "file": (["none.yaml"], ["none.yaml: no such file"]),
    "port": ([METER, "--port", "tcq:1"], ["expected pty: or tcp:127.0.0.1:PORT", "'tcp:'"]),
    "port number": ([METER, "--port", "tcp:127.0.0.1:65536"], ["expected pty: or tcp:"]),
    "host": ([METER, "--port", "tcp:meter:1"], ["expected an IPv4 address or localhost"]),
    "remote": ([METER, "--port", "tcp:0.0.0.0:0"], ["could use the emulated", "--allow-remote"]),
    "link": ([METER, *TCP, "--link", "x"], ["--link is for a pty"]),
    "profile": ([METER, *TCP, "--profile", "generic-console-hub"], ["is for a comms-hub"]),
    "fault": ([METER, *TCP, "--fault", "refusd"], ["did you mean 'refused'?"]),
    "fault word": (
        [METER, *TCP, "--fault", "refused:reqest=identify,nth=x"],
        ["did you mean 'request'?", "nth: expected a whole number, got 'x'"],
    ),
    "fault target": ([METER, *TCP, "--fault", "reboot@hub"], ["hosted: electricity"]),
    "map alone": ([METER, *TCP, "--map", MAP], ["--observe and --map go together"]),
    "observe alone": ([METER, *TCP, "--observe", "t.jsonl"], ["--observe and --map go together"]),
    "no such map": (
        [METER, *TCP, "--observe", "t.jsonl", "--map", "none.yaml"],
        ["none.yaml: no such file"],
    ),
    "map of another device": (
        ["comms-hub", *TCP, "--observe", "t.jsonl", "--map", MAP],
        ["ioc-on-device-check.yaml:8:", "expected a device that is hosted", "hosted: hub"],
    ),
    "state": ([METER, *TCP, "--state", "none/kept"], ["its folder does not exist"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    arguments, expected = REFUSED[case]
    done = CliRunner().invoke(main, ["emulate", *arguments])
    assert done.exit_code == 2, done.output
    for text in expected:
        assert text in done.output
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


def test_a_trace_that_exists_is_not_written_over(tmp_path: Path) -> None:
    trace = tmp_path / "trace.jsonl"
    trace.write_text("mine")
    done = CliRunner().invoke(main, ["emulate", METER, *TCP, "--observe", str(trace), "--map", MAP])
    assert (done.exit_code, trace.read_text()) == (2, "mine")
    assert "exists already" in done.output


def test_a_port_in_use_and_a_file_in_the_way(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = CliRunner().invoke(main, ["emulate", METER, "--port", f"tcp:127.0.0.1:{port}"])
    assert (done.exit_code, "in use" in done.output) == (4, True), done.output
    (tmp_path / "meter").write_text("mine")
    done = CliRunner().invoke(main, ["emulate", METER, "--link", str(tmp_path / "meter")])
    assert (done.exit_code, "not a symlink" in done.output) == (4, True), done.output


def test_the_help_names_the_command_and_needs_no_device() -> None:
    assert "emulate" in COMMANDS
    done = subprocess.run(
        [COMMAND, "emulate", "--help"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert "Examples:" in done.stdout
