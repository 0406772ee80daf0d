"""`keys`: what a run on real kit keeps is listed by check value, and one key can be handed out."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bench.cli import main
from bench.devices import KeySlot
from bench.errors import ExitCode
from bench.journal.key_store import FILE, KeyStore, RetiredKey
from bench.journal.stored_key_ring import StoredKeyRing
from bench.secret import Secret
from bench.secret_reference import read_secret

OLD, NEW = Secret(b"o" * 16, "old"), Secret(b"n" * 16, "electricity/SUA")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run that died with a new key on its way: the meter holds the old one, or the new one."""
    folder = tmp_path / "run"
    folder.mkdir()
    ring = StoredKeyRing({("electricity", KeySlot.SUA): OLD}, KeyStore(folder / FILE), "rotation")
    ring.go_live(lambda error: None)
    ring.stage("electricity", KeySlot.SUA, NEW)
    return folder


def keys(*words: object) -> Result:
    result = CliRunner().invoke(main, ["keys", *map(str, words)])
    for key in (OLD, NEW, THIRD):
        assert key.reveal().hex() not in result.output
    return result


def test_they_are_listed_by_check_value(run: Path) -> None:
    result = keys(run)
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        f"{OLD.check_value}  current   electricity/SUA of rotation",
        f"{NEW.check_value}  staged    electricity/SUA of rotation",
    ]


def test_a_name_in_the_file_does_not_steer_the_terminal(run: Path) -> None:
    path = run / FILE
    path.write_text(path.read_text("utf-8").replace('"rotation"', '"\\u001b[31mrotation"'), "utf-8")
    told = CliRunner().invoke(main, ["keys", str(run)], color=True)  # as on a terminal
    assert told.exit_code == 0
    assert "\N{REPLACEMENT CHARACTER}[31mrotation" in told.output
    assert "\x1b" not in told.output


def test_a_key_without_its_bytes_is_not_offered(run: Path) -> None:
    store = KeyStore(run / FILE)
    gone = RetiredKey(NEW.label, NEW.check_value)
    store.keep("rotation", {"electricity/SUA": {"current": OLD, "staged": gone}})
    assert keys(run).output.splitlines() == [
        f"{OLD.check_value}  current   electricity/SUA of rotation",
        f"{NEW.check_value}  retired   electricity/SUA of rotation",
    ]


def test_a_run_whose_meter_holds_another_key_than_it_was_given(tmp_path: Path) -> None:
    ring = StoredKeyRing({("electricity", KeySlot.SUA): OLD}, KeyStore(tmp_path / FILE), "rotation")
    ring.go_live(lambda error: None)
    ring.disprove("electricity", KeySlot.SUA)
    listed = keys(tmp_path)
    assert (listed.exit_code, listed.output.startswith("no key is kept: ")) == (0, True)


THIRD = Secret(b"t" * 16, "electricity/SUA")
PLACE = "electricity/SUA"


@pytest.mark.parametrize(
    ("rings", "listed"),
    [
        (
            {"first": {"current": OLD, "previous": NEW}, "then": {"current": THIRD}},
            [(OLD, "previous", "first"), (NEW, "previous", "first"), (THIRD, "current", "then")],
        ),
        (
            {
                "first": {"current": OLD, "previous": NEW},
                "then": {"current": OLD, "previous": THIRD},
            },
            [(NEW, "previous", "first"), (OLD, "current", "then"), (THIRD, "previous", "then")],
        ),
        (
            {"first": {"current": OLD, "staged": NEW}, "then": {}},
            [(OLD, "current", "first"), (NEW, "staged", "first")],
        ),
    ],
    ids=["left", "given back", "without a key"],
)
def test_a_meter_has_one_current_key(
    tmp_path: Path, rings: dict[str, dict[str, Secret]], listed: list[tuple[Secret, str, str]]
) -> None:
    store = KeyStore(tmp_path / FILE)
    for scenario, states in rings.items():
        store.keep(scenario, {PLACE: states})
    assert keys(tmp_path).output.splitlines() == [
        f"{key.check_value}  {state:8}  {PLACE} of {scenario}" for key, state, scenario in listed
    ]
    last = listed[0][0]
    taken = keys(tmp_path, "--take", last.check_value, "--to", tmp_path / "meter.key")
    assert taken.exit_code == 0


def test_one_is_handed_out_and_a_station_file_can_refer_to_it(run: Path, tmp_path: Path) -> None:
    result = keys(run, "--take", NEW.check_value.lower(), "--to", tmp_path / "meter.key")
    assert result.exit_code == 0
    assert "security: {sua: file:meter.key}" in result.output
    assert stat.S_IMODE((tmp_path / "meter.key").stat().st_mode) == 0o600
    assert read_secret("file:meter.key", label="sua", beside=tmp_path) == NEW
    again = keys(run, "--take", OLD.check_value, "--to", tmp_path / "meter.key")
    assert (again.exit_code, "is there already" in again.output) == (ExitCode.USAGE, True)
    assert read_secret("file:meter.key", label="sua", beside=tmp_path) == NEW


def test_what_cannot_be_handed_out(run: Path, tmp_path: Path) -> None:
    unknown = keys(run, "--take", "000000", "--to", tmp_path / "meter.key")
    assert unknown.exit_code == ExitCode.USAGE
    held = ", ".join(sorted((OLD.check_value, NEW.check_value)))
    assert f"expected one key of check value 000000, got none; held: {held}" in unknown.output
    assert keys(run, "--take", "000000").exit_code == ExitCode.USAGE
    assert "there is no such file" in keys(tmp_path).output
    (run / FILE).chmod(0o644)
    assert keys(run).exit_code == ExitCode.BENCH


def test_a_new_run_does_not_lose_them(run: Path) -> None:
    words = ["run", "--scenario", "da-commissioned", "--out", str(run), "--overwrite"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == ExitCode.BENCH
    assert "keys of devices are kept here, which a new run would lose" in result.output
    assert f"smets1-bench keys {run} hands them out" in result.output
    assert (run / FILE).exists()
