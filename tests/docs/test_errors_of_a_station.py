"""A new user's own station, as `init` writes it, broken in every common way: what they are told.

Each case changes one thing in the folder, asks `doctor` and reads the whole answer. The exit code
says who must act (2: the file, 4: the bench), the text what was expected, what was got, where, and
what to do next.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bench.cli import main
from bench.errors import ExitCode

Change = Callable[[Path], None]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    assert invoke("init", "b").exit_code == 0
    return tmp_path / "b"


def invoke(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def swap(old: str, new: str, name: str = "station.yaml") -> Change:
    def change(folder: Path) -> None:
        path = folder / name
        text = path.read_text(encoding="utf-8")
        assert text.count(old) >= 1, f"{old!r} does not stand in {name}"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


def installed(meter: str) -> Change:
    """The station of one meter and an emulated hub, on a port of this machine."""

    def change(folder: Path) -> None:
        (folder / "station.yaml").write_text(
            "station: mine\n"
            "installation:\n"
            "  group: DA\n"
            "  devices:\n"
            "    electricity:\n"
            "      role: electricity-meter\n"
            f"{meter}"
            "      profile: my-meter.yaml\n"
            "    hub: {role: comms-hub, eui64: 70-B3-D5-1F-30-00-A0-09, model: H1}\n",
            encoding="utf-8",
        )

    return change


METER = "      eui64: 70-B3-D5-1F-30-00-A0-08\n      model: E5\n"


def remove_profile(folder: Path) -> None:
    (folder / "my-meter.yaml").unlink()


def open_key(folder: Path) -> None:
    installed(METER + "      port: ./probe\n      security: {sua: 'file:key'}\n")(folder)
    key = folder / "key"
    key.write_text("00" * 16, encoding="utf-8")
    key.chmod(0o644)


@dataclass(frozen=True)
class Case:
    name: str
    change: Change
    code: ExitCode
    told: tuple[str, ...]


PORTS = (
    "direct:, emu:, pty:, via:hub or a port such as /dev/serial/by-id/…, hwgrep://…, "
    "socket://host:port, rfc2217://host:port, listen:host:port, labgrid:NAME"
)

CASES = ()


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_broken_station_is_told_how_to_mend(case: Case, folder: Path) -> None:
    case.change(folder)
    done = invoke("doctor", "b/station.yaml")
    assert done.exit_code == case.code, done.output
    told = tuple(line.rstrip() for line in done.output.splitlines())
    assert told == case.told


def test_what_init_writes_is_ready(folder: Path) -> None:
    done = invoke("doctor", "b/station.yaml")
    assert done.exit_code == ExitCode.PASS
    assert done.output.splitlines()[-1] == "ready"
