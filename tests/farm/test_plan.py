"""What a farm refuses before anything is begun, all at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.cli import main
from bench.errors import ExitCode, UsageError
from bench.farm.plan import plan

BENCH = """\
station: {name}
installation:
  group: DA
  devices:
    electricity: {{role: electricity-meter, eui64: 70-B3-D5-1F-30-A0-77-01, model: EM-1}}
    gas: {{role: gas-meter, eui64: 70-B3-D5-1F-30-A0-77-02, model: GM-1}}
    hub:
      role: comms-hub
      eui64: 70-B3-D5-1F-30-A0-77-08
      model: CH-1
      port: {port}
      profile: generic-console-hub
"""
PLACE = "labgrid: {place: rack-3, coordinator: 'lab:20408'}\n"


def written(folder: Path, stem: str, name: str, port: str, more: str = "") -> str:
    path = folder / f"{stem}.yaml"
    path.write_text(BENCH.format(name=name, port=port) + more, encoding="utf-8")
    return str(path)


def complaints(*given: str, at_once: int = 9) -> list[str]:
    with pytest.raises(UsageError) as refused:
        plan(given, at_once=at_once)
    return [str(problem) for problem in refused.value.problems]


def test_stations_get_folders_after_their_names(tmp_path: Path) -> None:
    one = written(tmp_path, "one", "rack 3/left", "socket://lab:4001")
    two = written(tmp_path, "two", "../up", "labgrid:hub", PLACE)
    folders = [each.folder for each in plan([one, two, "emulated-emu"], at_once=3)]
    assert folders == ["rack-3-left", "up", "emulated-emu"]


def test_stations_that_need_one_port(tmp_path: Path) -> None:
    one = written(tmp_path, "one", "one", "socket://lab:4001")
    two = written(tmp_path, "two", "two", "socket://lab:4001")
    assert complaints(one, two) == [f"--station {two}: port socket://lab:4001 is {one}'s too"]
    assert len(plan([one, two], at_once=1)) == 2


def test_stations_that_are_one_place(tmp_path: Path) -> None:
    one = written(tmp_path, "one", "one", "labgrid:hub", PLACE)
    two = written(tmp_path, "two", "two", "labgrid:hub", PLACE)
    expected = f"--station {two}: labgrid place rack-3 at lab:20408 is {one}'s too"
    assert complaints(one, two) == [expected]


def test_stations_that_cannot_be_told_apart(tmp_path: Path) -> None:
    one = written(tmp_path, "one", "Rack", "socket://lab:4001")
    two = written(tmp_path, "two", "rack", "socket://lab:4002")
    (complaint,) = complaints(one, two)
    assert complaint == (
        f"--station {two}: it is called 'rack' as {one} is: expected names that differ"
    )
    assert "it is called 'emulated-emu'" in complaints("emulated-emu", "emulated-emu")[0]


def test_every_file_is_complained_of_at_once(tmp_path: Path) -> None:
    one = written(tmp_path, "one", "one", "sokcet://lab:4001")
    two = written(tmp_path, "two", "two", "labgrid:hub")
    found = complaints(one, two, "emulated-emo")
    assert [found[0].split(":")[0], found[1].split(":")[0]] == [one, two]
    assert "no station is called 'emulated-emo'; did you mean 'emulated-emu'?" in found[2]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), "expected at least one --station"),
        (("no-suite", "--station", "emulated-direct"), "no suite is called 'no-suite'"),
        (("--station", "emulated-direct", "--tolerance", "1"), "--tolerance: expected a duration"),
        (("--station", "emulated-direct", "--mehrs", "0.1"), "0.1"),
        (("--station", "emulated-direct", "--scenario", "none"), "'none'"),
        (("--station", "emulated-direct", "--out", "full"), "full: it is not empty"),
        (("--station", "emulated-direct", "--merge", "full"), "--merge runs nothing"),
        (("--merge", "full"), "full/farm.json: no such file"),
    ],
)
def test_what_is_refused_before_anything_is_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], expected: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "something").touch()
    done = CliRunner().invoke(main, ["farm", *words])
    assert (done.exit_code, expected in done.stderr) == (ExitCode.USAGE, True), done.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full"]
