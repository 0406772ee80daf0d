"""A new user's own station, as `init` writes it, broken in every common way: what they are told.

Each case changes one thing in the folder, asks `doctor` and reads the whole answer. The exit code
says who must act (2: the file, 4: the bench), the text what was expected, what was got, where, and
what to do next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bench.cli import main
from bench.errors import ExitCode

Change = Callable[[Path], object]


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


FORM = "hint: docs/stations.md describes the form"
STATION = "error: b/station.yaml"
SCAN = "next: is the adapter plugged in? `smets1-bench scan` lists those that are"

CASES = (
    Case(
        "a key is misspelt",
        swap("limits:", "limit:"),
        ExitCode.USAGE,
        (f"{STATION}:17:1: limit: unknown key 'limit'; did you mean 'limits'?",),
    ),
    Case(
        "a port lacks its colon",
        swap('gas: {port: "emu:"', 'gas: {port: "emu"'),
        ExitCode.USAGE,
        (
            f"{STATION}:12:15: devices.gas.port: expected direct:, emu:, pty:, via:hub or a port "
            "such as /dev/serial/by-id/…, hwgrep://…, socket://host:port, rfc2217://host:port, "
            "listen:host:port, labgrid:NAME, got 'emu'; did you mean 'emu:'?",
            FORM,
        ),
    ),
    Case(
        "a port is not quoted",
        swap('gas: {port: "emu:"', "gas: {port: emu:"),
        ExitCode.USAGE,
        (
            f"{STATION}:12:18: devices.gas.port: not YAML: while scanning a plain scalar, found "
            "unexpected ':'; quote text that holds a colon, such as \"emu:\"",
        ),
    ),
    Case(
        "a bracket is not closed",
        swap("profile: generic-console-ihd}", "profile: generic-console-ihd"),
        ExitCode.USAGE,
        (
            f"{STATION}:17:1: devices.display: not YAML: while parsing a flow mapping, did not "
            "find expected ',' or '}'; is the bracket closed that opens on line 14?",
        ),
    ),
    Case(
        "a tab indents",
        swap("  hub: {port", "\thub: {port"),
        ExitCode.USAGE,
        (
            f"{STATION}:13:1: devices: not YAML: while scanning for the next token, found "
            "character that cannot start any token; a tab stands here: indent with spaces",
        ),
    ),
    Case(
        "a device stands twice",
        swap("  hub: {port", "  gas: {port"),
        ExitCode.USAGE,
        (f"{STATION}:13:3: devices.gas: 'gas' stands here twice, first on line 12",),
    ),
    Case(
        "a word is one that YAML reads as true",
        swap("station: my-bench", "station: on"),
        ExitCode.USAGE,
        (
            f"{STATION}:5:10: station: 'on' reads as true in some YAML; if it is text, quote it: "
            '"on"; else write true',
        ),
    ),
    Case(
        "a shipped profile is misspelt",
        swap("generic-dlms-gas", "generic-dlms-gaz"),
        ExitCode.USAGE,
        (
            f"{STATION}:12:32: devices.gas.profile: no device is called 'generic-dlms-gaz'; did "
            "you mean 'generic-dlms-gas'?",
            FORM,
        ),
    ),
    Case(
        "the own profile is not there",
        remove_profile,
        ExitCode.USAGE,
        (f"{STATION}:11:40: devices.electricity.profile: no such file: 'my-meter.yaml'", FORM),
    ),
    Case(
        "the own profile is wrong in itself",
        swap('clock: "0.0.1.0.0.255"', 'clock: "0.0.1.0.0"', "my-meter.yaml"),
        ExitCode.USAGE,
        (
            "error: b/my-meter.yaml:28:10: dlms.clock: OBIS code: expected six numbers 0-255, "
            "got '0.0.1.0.0'",
            FORM,
        ),
    ),
    Case(
        "a duration has no unit",
        swap("scenario-time: 14d", "scenario-time: 14"),
        ExitCode.USAGE,
        (
            f"{STATION}:17:25: limits.scenario-time: expected a duration: a whole number and a "
            "unit (s, min, h, d), such as 30min, or never, got 14",
        ),
    ),
    Case(
        "an EUI-64 is too short",
        installed("      eui64: 70-B3-D5-1F-30-00-A0\n      model: E5\n      port: 'emu:'\n"),
        ExitCode.USAGE,
        (
            f"{STATION}:7:14: installation.devices.electricity.eui64: expected an EUI-64 such as "
            "70-B3-D5-1F-30-00-A0-08, got '70-B3-D5-1F-30-00-A0'",
            FORM,
        ),
    ),
    Case(
        "a key stands in the file",
        installed(f"{METER}      port: ./probe\n      security: {{sua: '{'5a' * 16}'}}\n"),
        ExitCode.USAGE,
        (
            f"{STATION}:10:23: installation.devices.electricity.security.sua: expected file:PATH "
            "or env:NAME, which say where the key is, never the key itself",
            FORM,
        ),
    ),
    Case(
        "a file is not there",
        lambda folder: (folder / "station.yaml").rename(folder / "stations.yaml"),
        ExitCode.USAGE,
        (f"{STATION}: no such file; did you mean 'stations.yaml'?",),
    ),
    Case(
        "a file is empty",
        lambda folder: (folder / "station.yaml").write_text(""),
        ExitCode.USAGE,
        (f"{STATION}:1:1: expected a mapping (lines such as `key: value`), got an empty file",),
    ),
    Case(
        "three mistakes at once",
        lambda folder: [
            change(folder)
            for change in (
                swap("limits:", "limit:"),
                swap("  hub: {port", "  hub: {prot"),
                swap("about: every", "abuot: every"),
            )
        ],
        ExitCode.USAGE,
        (
            f"{STATION}:6:1: abuot: unknown key 'abuot'; did you mean 'about'?",
            f"{STATION}:13:9: devices.hub.prot: unknown key 'prot'; did you mean 'port'?",
            f"{STATION}:17:1: limit: unknown key 'limit'; did you mean 'limits'?",
        ),
    ),
    Case(
        "a device's name is misspelt",
        swap("  display: {port", "  dispaly: {port"),
        ExitCode.PASS,
        (
            "attention     dispaly: no shipped installation has a device of that name; did you "
            "mean 'display'?",
            "              next: mend the name, unless an installation of your own has it",
            "ready",
        ),
    ),
    Case(
        "a device has the profile of another",
        swap("my-meter.yaml}", "generic-dlms-gas}"),
        ExitCode.BENCH,
        (
            "faulty        electricity: expected a profile for electricity-meter, got one for "
            "gas-meter",
            "              next: name another profile, or another device",
            "not ready",
        ),
    ),
    Case(
        "an adapter is not plugged in",
        installed(f"{METER}      port: /dev/serial/by-id/no-such\n"),
        ExitCode.BENCH,
        (
            "missing       electricity: /dev/serial/by-id/no-such cannot be opened: No such file "
            "or directory",
            f"              {SCAN}",
            "not ready",
        ),
    ),
    Case(
        "others may read a key",
        open_key,
        ExitCode.BENCH,
        (
            "faulty        electricity: electricity/sua: BENCH/key: expected a file that only its "
            "owner may read (mode 0600), got mode 0644",
            "              next: chmod 600 BENCH/key",
            "missing       electricity: BENCH/probe cannot be opened: No such file or directory",
            f"              {SCAN}",
            "not ready",
        ),
    ),
)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_broken_station_is_told_how_to_mend(case: Case, folder: Path) -> None:
    case.change(folder)
    done = invoke("doctor", "b/station.yaml")
    told = done.output.replace(str(folder), "BENCH").splitlines()
    assert (tuple(of_the_station(told)), done.exit_code) == (case.told, case.code)


def of_the_station(told: list[str]) -> Iterator[str]:
    """Without what is well, and without what is the machine's own: its clock and disk."""
    kept = True
    for line in told:
        if not line.startswith(" "):
            kept = not line.startswith("ok ") and " clock: " not in line and " disk: " not in line
        if kept:
            yield line.rstrip()


def test_what_init_writes_is_ready(folder: Path) -> None:
    done = invoke("doctor", "b/station.yaml")
    assert done.exit_code == ExitCode.PASS
    assert done.output.splitlines()[-1] == "ready"
